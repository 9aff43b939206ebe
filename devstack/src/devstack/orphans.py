"""Descendants whose parent died: this process adopts them, so that none outlives the stack."""

import ctypes
import os
import sys
from collections.abc import Container
from contextlib import suppress

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies (Linux; elsewhere init takes them)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans(known: Container[int], mark: str, values: Container[str]) -> int:
    """Kill adopted descendants of processes that were given `mark`=one of `values`; how many.

    They are children of ours by now, have the mark in their environment, and are not `known`.
    Those that have ended by themselves are collected.
    """
    found = 0
    for child in psutil.Process().children():
        with suppress(psutil.Error, ChildProcessError):
            if child.pid in known:
                continue
            if child.status() != psutil.STATUS_ZOMBIE:
                if child.environ().get(mark) not in values:
                    continue
                _kill_tree(child)
            os.waitpid(child.pid, 0)
            found += 1
    return found


def _kill_tree(process: psutil.Process) -> None:
    for descendant in (*process.children(recursive=True), process):
        with suppress(psutil.NoSuchProcess):
            descendant.kill()
