"""A lean HTTP load: raw sockets, one request in flight per connection, every byte counted."""

import asyncio
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """What a run came to: requests per second and latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p95_ms: float


class Caller(asyncio.Protocol):
    """Asks again as soon as an answer is complete, until told to stop."""

    def __init__(self, request: bytes, latencies: list[float], status: int) -> None:
        self.request = request
        self.expected = f"http/1.1 {status}".encode()
        self.latencies = latencies
        self.stopping = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""
        self._left = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._head, self._left, self._asked = b"", -1, time.perf_counter()
        self._transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._head[:end].lower()
            if not head.startswith(self.expected):
                self.done.set_exception(RuntimeError(self._head.decode(errors="replace")))
                self._transport.close()
                return
            length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            self._left = int(length or 0) - (len(self._head) - end - 4)
        else:
            self._left -= len(data)
        if self._left == 0:
            self._finish()

    def _finish(self) -> None:
        self.latencies.append(time.perf_counter() - self._asked)
        if self.stopping:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))


async def load(
    port: int, path: str, headers: str, clients: int, seconds: float, status: int = 200
) -> Rate:
    """Ask for ``path`` on ``clients`` connections for ``seconds``; all answers are ``status``."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode()
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    started = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Caller(request, latencies, status), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.sleep(seconds)
    for _, caller in made:
        caller.stopping = True
    await asyncio.wait_for(asyncio.gather(*(caller.done for _, caller in made)), 30)
    elapsed = time.perf_counter() - started
    ordered = sorted(latencies)
    return Rate(
        len(ordered) / elapsed,
        1000 * statistics.median(ordered),
        1000 * ordered[int(0.95 * (len(ordered) - 1))],
    )


def measure(port: int, path: str, headers: str, clients: int, seconds: float) -> Rate:
    """``load`` for those who are in no event loop."""
    return asyncio.run(load(port, path, headers, clients, seconds))
