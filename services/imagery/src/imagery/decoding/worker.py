"""The worker process: ``python -m imagery.decoding.worker SOCKET MEMORY LIMITS``.

It takes one task at a time from the service, reads the file behind the descriptor that came with
it, and answers with a picture or with what is wrong. It holds no keys and knows no network.
"""

import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import cv2

from imagery.decoding.protocol import HEAD, MAX_DESCRIPTORS, TOGETHER, Message, pack
from imagery.decoding.tasks import TASKS, Call, Kept
from imagery.dicom.errors import OtherInstanceError, UnreadableImageError
from imagery.dicom.limits import Limits
from imagery.rendering.request import ParameterError

RECURSION = 400


def main(arguments: list[str]) -> NoReturn:
    """Serve the socket whose descriptor is the first argument until the service closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's business
    connection = socket.socket(fileno=int(arguments[0]))
    limits = Limits(**json.loads(arguments[2]))
    cv2.setNumThreads(1)
    sys.setrecursionlimit(RECURSION)
    _limit_memory(int(arguments[1]))
    _send(connection, Message({"ready": True}))
    kept = Kept()
    while True:
        _send(connection, _answer(connection, limits, kept))


def _limit_memory(additional: int) -> None:
    """Let the address space grow by ``additional`` bytes from here on, and leave no core file."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + additional
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(connection: socket.socket, limits: Limits, kept: Kept) -> Message:
    document, descriptors = _receive(connection)
    attempt = lambda name: _send(connection, Message({"attempt": name}))  # noqa: E731
    try:
        call = Call(document, descriptors, limits, attempt, kept)
        meta, payload = TASKS[document["task"]](call)
    except OtherInstanceError as error:
        return _refusal(error.reason, other_instance=True)
    except UnreadableImageError as error:
        return _refusal(error.reason, element=error.element)
    except ParameterError as error:
        return _refusal(error.reason, parameter=error.parameter)
    except (OSError, MemoryError, cv2.error) as error:
        return _refusal(f"rendering it needs more than is allowed ({type(error).__name__})")
    except Exception as error:  # noqa: BLE001 - an unforeseen file must not stop the worker
        return _refusal(
            f"not readable ({type(error).__name__}: {str(error)[:200]})", unforeseen=True
        )
    finally:
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)
    return Message({"ok": True, **meta}, payload)


def _refusal(reason: str, **details: Any) -> Message:
    return Message({"ok": False, "reason": reason, **details})


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    data, descriptors, _, _ = socket.recv_fds(connection, 65536, MAX_DESCRIPTORS)
    while len(data) < HEAD.size or len(data) < HEAD.size + HEAD.unpack_from(data)[0]:
        more = connection.recv(65536) if data else b""
        if not more:
            sys.exit(0)
        data += more
    return json.loads(data[HEAD.size :]), descriptors


def _send(connection: socket.socket, message: Message) -> None:
    try:
        if len(message.payload) <= TOGETHER:  # one wake-up of the service instead of two
            connection.sendall(pack(message) + message.payload)
        else:
            connection.sendall(pack(message))
            connection.sendall(message.payload)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
