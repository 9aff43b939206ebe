"""The web app's files."""

import gzip
from pathlib import Path

import pytest

from tests.gateway.conftest import Gateway, StartGateway


@pytest.fixture
def app(start_gateway: StartGateway, web_root: Path) -> Gateway:
    return start_gateway(web_root=web_root)


def test_the_start_page_is_never_cached_unseen(app: Gateway) -> None:
    answer = app.anonymous().get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "EMBED Lab" in answer.text


@pytest.mark.parametrize("path", ["/explore", "/cohorts/7?tab=members", "/jobs/new/"])
def test_a_route_of_the_web_app_gets_its_start_page(app: Gateway, path: str) -> None:
    answer = app.anonymous().get(path)
    assert answer.status_code == 200
    assert "EMBED Lab" in answer.text


def test_hashed_assets_are_kept_for_ever_and_come_compressed(app: Gateway, web_root: Path) -> None:
    client = app.anonymous()
    path = "/assets/index-Bq3xV9aZ.js"
    answer = client.get(path)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.text == (web_root / path[1:]).read_text()
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == answer.content


def test_a_ready_compressed_file_is_used(app: Gateway, web_root: Path) -> None:
    ready = gzip.compress(b"ready" * 500)
    (web_root / "assets" / "ready-Bq3xV9aZ.js").write_bytes(b"ready" * 500)
    (web_root / "assets" / "ready-Bq3xV9aZ.js.gz").write_bytes(ready)
    with app.anonymous().stream("GET", "/assets/ready-Bq3xV9aZ.js") as answer:
        assert b"".join(answer.iter_raw()) == ready


def test_a_known_etag_is_a_304(app: Gateway) -> None:
    client = app.anonymous()
    etag = client.get("/icon.svg").headers["etag"]
    again = client.get("/icon.svg", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_new_build_is_served_without_a_restart(app: Gateway, web_root: Path) -> None:
    client = app.anonymous()
    client.get("/")
    (web_root / "index.html").write_text("<!doctype html><title>a newer build</title>")
    assert "newer" in client.get("/").text


@pytest.mark.parametrize(
    "path",
    [
        "/assets/old-AAAAAAAA.js",
        "/favicon.ico",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
    ],
)
def test_what_is_not_there_is_not_found(app: Gateway, path: str) -> None:
    answer = app.anonymous().get(path)
    assert answer.status_code in (400, 404)
    assert "not to be served" not in answer.text


def test_a_link_out_of_the_folder_is_not_followed(app: Gateway, web_root: Path) -> None:
    (web_root / "leak.txt").symlink_to(web_root.parent / "secret.txt")
    assert app.anonymous().get("/leak.txt").status_code == 404


def test_files_are_only_read(app: Gateway) -> None:
    answer = app.anonymous().post("/", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_policy_of_the_web_app_is_strict(app: Gateway) -> None:
    policy = app.anonymous().get("/").headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in directives["style-src"]


@pytest.mark.parametrize("root", [None, Path("/nowhere/at/all")])
def test_without_a_build_a_page_says_so(start_gateway: StartGateway, root: Path | None) -> None:
    answer = start_gateway(web_root=root).anonymous().get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text


def test_unknown_api_paths_are_problems_and_not_pages(app: Gateway) -> None:
    answer = app.signed_in().get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
