"""Free TCP ports on the loopback interface."""

import random
import socket
from collections.abc import Collection

# SeaweedFS puts gRPC at port + 10000, and the kernel takes outgoing ports from 32768 up:
# below 22768 neither the port nor its gRPC twin can be taken by somebody's outgoing connection.
FIRST, LAST = 10_240, 22_700
GRPC_OFFSET = 10_000


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_ports(count: int, avoid: Collection[int] = ()) -> list[int]:
    """`count` distinct free ports, none in `avoid`, whose gRPC twins are free too.

    Raises RuntimeError if the machine has none left.
    """
    chosen: list[int] = []
    for port in random.sample(range(FIRST, LAST), LAST - FIRST):
        if len(chosen) == count:
            return chosen
        if port not in avoid and is_free(port) and is_free(port + GRPC_OFFSET):
            chosen.append(port)
    raise RuntimeError(f"no {count} free ports between {FIRST} and {LAST} on 127.0.0.1")
