"""A child that cannot outlive its parent (Linux)."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when ``parent`` dies; end now if it has died already.

    Called by the child itself: code between fork and exec is not safe in a process with threads.
    The signal comes when the *thread* that forked ends, so parents fork from one that stays.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
