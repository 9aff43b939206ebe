"""Text that comes whole is compressed for who takes it; nothing else is touched."""

import httpx
import pytest

from tests.gateway.conftest import Gateway
from tests.gateway.upstream import PAGE

PATH = "/api/v1/images/page"


def _raw(client: httpx.Client, path: str, encoding: str) -> tuple[httpx.Response, bytes]:
    with client.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
        return answer, b"".join(answer.iter_raw())


def test_a_page_of_records_is_compressed(gateway: Gateway) -> None:
    client = gateway.signed_in()
    answer, body = _raw(client, PATH, "gzip, deflate")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(body) < len(PAGE) / 4
    assert answer.headers["etag"] == 'W/"abc"'
    assert answer.headers["vary"] == "Origin, Accept-Encoding"
    assert client.get(PATH).content == PAGE


@pytest.mark.parametrize("encoding", ["identity", "br", "gzip;q=0", "gzip;q=0.0, br"])
def test_who_does_not_take_gzip_gets_the_bytes(gateway: Gateway, encoding: str) -> None:
    answer, body = _raw(gateway.signed_in(), PATH, encoding)
    assert body == PAGE
    assert "content-encoding" not in answer.headers
    assert answer.headers["etag"] == '"abc"'
    assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/api/v1/images/7", {}),  # small
        ("/api/v1/images/large?mib=1", {}),  # bytes
        ("/api/v1/images/ranged", {"Range": "bytes=2-4"}),
    ],
)
def test_what_gains_nothing_stays(gateway: Gateway, path: str, headers: dict[str, str]) -> None:
    answer = gateway.signed_in().get(path, headers=headers)
    assert answer.status_code in (200, 206)
    assert "content-encoding" not in answer.headers


def test_what_is_compressed_already_passes(gateway: Gateway) -> None:
    answer = gateway.signed_in().get("/api/v1/images/zipped")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == PAGE
