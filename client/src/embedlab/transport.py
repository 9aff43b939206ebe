"""One HTTP connection pool to one server: problems become exceptions, safe requests are retried."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from embedlab.errors import LabError, Unavailable, Unreachable, to_error

TRIES = 4
LONGEST_PAUSE_S = 5.0


def normal_url(url: str) -> str:
    """``url`` as scheme, host and port; ValueError where it is no address of a server."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an address like http://server:8080")
    if parts.username or parts.password:
        raise ValueError("an address carries no password")
    return f"{parts.scheme}://{parts.netloc}"


class Transport:
    """Requests to paths of one server. Redirects are not followed, so that no token leaves it."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = normal_url(url)
        self._client = httpx.Client(base_url=self.url, timeout=httpx.Timeout(timeout, connect=5.0))
        self.headers = self._client.headers

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON body of an answer; None where it has none."""
        answer = self._send(method, path, params=params, json=body, headers=headers)
        return answer.json() if answer.content else None

    def upload(self, path: str, params: Mapping[str, Any], content: bytes, kind: str) -> Any:
        """The JSON answer to a body of the media type ``kind``."""
        headers = {"content-type": kind}
        return self._send("POST", path, params=params, content=content, headers=headers).json()

    def bytes(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        """The body of an answer as it is."""
        return self._send("GET", path, params=params).content

    def readiness(self) -> Any:
        """`/readyz`, whose answer is the same whether all is well or not."""
        return self._exchange("GET", "/readyz").json()

    def clock_skew_s(self) -> float:
        """How far the server's clock is ahead of ours (seconds), to within its whole second."""
        from email.utils import parsedate_to_datetime

        before = time.time()
        answer = self._exchange("GET", "/livez")
        there = parsedate_to_datetime(answer.headers["date"]).timestamp()
        return there + 0.5 - (before + time.time()) / 2

    def download(self, path: str, target: Path) -> int:
        """Write the body of an answer to ``target``, whole or not at all; its bytes."""
        part = target.with_name(f"{target.name}.part")
        try:
            with self._client.stream("GET", path) as answer, part.open("wb") as file:
                if answer.is_error:
                    answer.read()
                    raise to_error(answer)
                for chunk in answer.iter_bytes():
                    file.write(chunk)
            size = part.stat().st_size
            part.replace(target)
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.url}: {error}") from error
        finally:
            part.unlink(missing_ok=True)
        return size

    def _send(self, method: str, path: str, **given: Any) -> httpx.Response:
        tries = TRIES if method == "GET" else 1
        while True:
            tries -= 1
            try:
                answer = self._exchange(method, path, **given)
                if answer.is_success:
                    return answer
                raise to_error(answer)
            except (Unavailable, Unreachable) as error:
                if tries == 0 or getattr(error, "status", 503) != 503:
                    raise
                time.sleep(min(getattr(error, "retry_after", None) or 0.5, LONGEST_PAUSE_S))

    def _exchange(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **given)
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.url} does not answer: {error}") from error
        if answer.is_redirect:
            raise LabError(f"{self.url}{path} leads elsewhere: is it the address of EMBED Lab?")
        return answer


def environment(name: str) -> str | None:
    """A setting from the environment; an empty one counts as none."""
    return os.environ.get(name) or None
