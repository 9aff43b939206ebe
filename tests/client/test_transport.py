"""Answers as exceptions, tries again, and downloads that are whole or absent."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedlab import (
    AgreementNeeded,
    Client,
    Invalid,
    NotFound,
    NotPermitted,
    Unavailable,
    Unreachable,
)
from embedlab.errors import LabError
from embedlab.transport import Transport


@contextlib.contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these answers, a connection each; (URL, requests so far)."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:  # shut down below: nobody asked again, as one test expects
                return
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def problem(status: int, body: str, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/problem+json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


OK = problem(200, '{"fine": true}')


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, '{"title": "Not permitted"}', NotPermitted),
        (403, '{"title": "x", "type": "urn:embedlab:agreement-needed"}', AgreementNeeded),
        (404, '{"title": "Not found"}', NotFound),
        (422, '{"title": "x", "errors": [{"field": "asses", "message": "m"}]}', Invalid),
    ],
)
def test_problems_become_exceptions(status: int, body: str, kind: type[Exception]) -> None:
    with answering(problem(status, body)) as (url, _), Client(url) as lab, pytest.raises(kind):
        lab.me()


def test_a_422_names_its_fields() -> None:
    body = '{"title": "x", "errors": [{"field": "asses", "message": "m", "accepted": ["A"]}]}'
    with answering(problem(422, body)) as (url, _), Client(url) as lab:
        with pytest.raises(Invalid) as caught:
            lab.me()
        assert caught.value.errors[0]["accepted"] == ["A"]


def test_reading_waits_for_a_service_that_is_coming_back() -> None:
    busy = problem(503, '{"title": "busy"}', "Retry-After: 0\r\n")
    with answering(busy, OK) as (url, requests), Client(url) as lab:
        assert lab.me() == {"fine": True}
        assert len(requests) == 2


def test_changes_are_never_sent_twice() -> None:
    busy = problem(503, '{"title": "busy"}', "Retry-After: 0\r\n")
    with answering(busy, OK) as (url, requests), Client(url) as lab:
        with pytest.raises(Unavailable):
            lab.cancel_job("1")
        assert len(requests) == 1


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with Client("http://127.0.0.1:9") as lab, pytest.raises(Unreachable):
        lab.submit_job("x", "y")


def test_a_redirect_is_not_followed() -> None:
    moved = problem(302, "", "Location: http://127.0.0.1:9/\r\n")
    with answering(moved) as (url, _), Client(url, "elab_x") as lab, pytest.raises(LabError):
        lab.me()


def test_half_a_download_leaves_nothing(tmp_path: Path) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"
    target = tmp_path / "image.dcm"
    with answering(half) as (url, _), Client(url) as lab, pytest.raises(Unreachable):
        lab.original(1, target)
    assert list(tmp_path.iterdir()) == []


def test_a_download_is_whole(tmp_path: Path) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nDICM"
    target = tmp_path / "image.dcm"
    with answering(whole) as (url, _), Client(url) as lab:
        assert lab.original(1, target) == 4
    assert target.read_bytes() == b"DICM"


def test_pages_follow_their_cursors() -> None:
    first = problem(200, '{"items": [{"name": "a"}], "total": 2, "next": "c1"}')
    second = problem(200, '{"items": [{"name": "b"}], "total": 2, "next": null}')
    with answering(first, second) as (url, requests), Client(url) as lab:
        assert [d["name"] for d in lab.datasets()] == ["a", "b"]
        assert b"cursor=c1" in requests[1]


def test_the_clock_of_a_server_is_compared() -> None:
    ahead = b"HTTP/1.1 200 OK\r\nDate: Fri, 01 Jan 2100 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"
    with answering(ahead) as (url, _):
        transport = Transport(url, 5)
        assert transport.clock_skew_s() > 1e9
        transport.close()
