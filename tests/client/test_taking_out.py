"""Flags, exports and the EMBED viewer's backend, by a real gateway before a real catalog.

Only the pictures are not: what stands where imagery would answers whatever it is asked.
"""

import hashlib
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from embedlab import credentials
from embedlab.cli import main
from embedlab.commands.compat import CompatServer
from embedlab.credentials import Credentials
from embedlab.errors import LabError

from tests.catalog.conftest import (
    Api,
    admin,
    catalog_settings,
    catalog_url,
    person,
    researcher,
    synthetic,
)
from tests.client.test_account import _login
from tests.gateway.conftest import Gateway

__all__ = ["admin", "catalog_settings", "catalog_url", "person", "researcher", "synthetic"]

LABEL = {"field": "asses", "classes": [{"name": n, "values": [n]} for n in ("N", "A")]}


@pytest.fixture
def lab(
    start_gateway: Callable[..., Gateway],
    catalog_url: str,
    synthetic: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Gateway:
    """A gateway before a catalog with data, and a researcher who is signed in to it."""
    gateway = start_gateway(catalog_url=catalog_url)
    assert _login(gateway, monkeypatch) == 0
    return gateway


@pytest.fixture
def image_id(researcher: Api, lab: Gateway) -> int:
    """An image."""
    return int(researcher.get("/api/v1/images", limit=1)["items"][0]["image_id"])


@pytest.fixture
def viewer(lab: Gateway) -> Iterator[CompatServer]:
    """`embedlab compat`, on a free port."""
    token = credentials.find().token
    with CompatServer(lab.url, token, port=0, dataset="embed-synthetic") as server:
        server.check()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_flag_is_put_listed_and_removed(
    lab: Gateway, image_id: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flag", "add", str(image_id), "wrong_side", "--note", "L is R"]) == 0
    assert main(["flag", "add", str(image_id), "wrong_side"]) == 1
    assert "before" in capsys.readouterr().err
    assert main(["--json", "flag", "list", "--mine", "--image", str(image_id)]) == 0
    flag = json.loads(capsys.readouterr().out)
    assert (flag["kind"], flag["note"], flag["author_name"]) == (
        "wrong_side",
        "L is R",
        "Researcher",
    )
    assert main(["flag", "remove", str(flag["flag_id"])]) == 0
    assert main(["--json", "flag", "list", "--mine"]) == 0
    assert capsys.readouterr().out == ""


def test_a_query_is_saved_applied_renamed_shared_and_deleted(
    lab: Gateway, researcher: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    conditions = ["asses=S,M", "age_at_study.gte=40"]
    assert main(["query", "save", "Suspicious", *conditions, "--sort=-age_at_study"]) == 0
    assert main(["query", "save", "Suspicious"]) == 1
    assert "already" in capsys.readouterr().err
    assert main(["--json", "query", "apply", "Suspicious", "--limit", "3"]) == 0
    found = [json.loads(line)["image_id"] for line in capsys.readouterr().out.splitlines()]
    search = {"filter": {"asses": ["S", "M"], "age_at_study": {"gte": 40}}, "limit": 3}
    search["sort"] = "-age_at_study"
    expected = researcher.post("/api/v1/images/search", search)["items"]
    assert found == [image["image_id"] for image in expected]

    assert main(["query", "rename", "Suspicious", "S or M"]) == 0
    assert main(["query", "apply", "Suspicious"]) == 1
    assert "no saved query" in capsys.readouterr().err
    assert main(["query", "share", "S or M"]) == 0
    (seen,) = researcher.get("/api/v1/queries")["items"]
    assert (seen["name"], seen["mine"]) == ("S or M", False)
    assert main(["query", "share", seen["query_id"], "--stop"]) == 0
    assert researcher.get("/api/v1/queries")["total"] == 0
    assert main(["query", "delete", "S or M"]) == 0
    capsys.readouterr()
    assert main(["--json", "query", "list"]) == 0
    assert capsys.readouterr().out == ""


def test_an_export_lies_whole_in_the_folder(
    lab: Gateway,
    researcher: Api,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cohort = researcher.post("/api/v1/cohorts", {"label": LABEL}, 201)["cohort_id"]
    assert main(["--json", "export", cohort]) == 0
    listed = [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()[1:]]
    assert "members.parquet" in listed
    folder = tmp_path / "out"
    files = ["members.parquet", "findings.parquet", "croissant.json"]
    assert main(["export", cohort, *files, "--to", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)
    document = json.loads((folder / "croissant.json").read_text())
    for item in document["distribution"][:2]:
        data = (folder / item["contentUrl"]).read_bytes()
        assert item["sha256"] == hashlib.sha256(data).hexdigest()
    assert main(["export", cohort, "members.xlsx", "--to", str(folder)]) == 1
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)


def test_the_viewers_app_is_answered_without_a_sign_in(viewer: CompatServer, image_id: int) -> None:
    with httpx.Client(base_url=viewer.address, trust_env=False) as app:
        options = json.loads(app.get("/filter/options").json())
        assert list(options)[:2] == ["asses", "side"]
        assert json.loads(app.get("/filter/abnormality-options").json())["tissueden"]
        assert json.loads(app.get("/filter/empi-anons").json())["empiAnons"]
        ids = json.loads(app.get("/filter/images-ids").json())["imageIds"]
        assert image_id in ids
        chosen = {"filters": json.dumps({"filterOptions": {"asses": ["A"]}})}
        some = json.loads(app.get("/patients/filter", params=chosen).json())["imageIds"]
        assert 0 < len(some) < len(ids)
        assert app.get("/patients/").status_code == 200
        assert app.get(f"/patients/{some[0]}").json()["imageId"] == some[0]
        shown = app.get(f"/images/{image_id}/images-metadata", params={"format": "png"}).json()
        assert (shown["image_id"], shown["imageFormat"]) == (str(image_id), "png")
        outside = app.get("/images/-1/images-metadata", params={"format": "png"})
        assert outside.status_code == 400
        assert "Image ID -1 is out of bounds" in outside.text


def test_the_picture_comes_without_a_redirect(
    viewer: CompatServer, image_id: int, lab: Gateway
) -> None:
    answer = httpx.get(f"{viewer.address}/images/{image_id}/full", trust_env=False)
    assert answer.status_code == 200
    assert answer.json()["path"] == f"/api/v1/images/{image_id}/rendered"
    assert answer.json()["query"] == "format=png"


def test_web_pages_and_names_of_other_hosts_are_refused(viewer: CompatServer) -> None:
    page = httpx.get(
        f"{viewer.address}/patients/", headers={"Origin": "https://x.example"}, trust_env=False
    )
    assert page.status_code == 403
    rebound = httpx.get(
        f"{viewer.address}/patients/", headers={"Host": "x.example:3000"}, trust_env=False
    )
    assert rebound.status_code == 403
    assert httpx.post(f"{viewer.address}/patients/", trust_env=False).status_code == 501


@pytest.mark.parametrize(
    "path", ["/../../api/v1/me", "/%2e%2e/%2e%2e/api/v1/me", "/patients/../../../api/v1/me", "/"]
)
def test_other_paths_of_the_server_are_out_of_reach(viewer: CompatServer, path: str) -> None:
    # By a socket: httpx would take the dots out of the path before it is sent.
    with socket.create_connection(("127.0.0.1", viewer.server_address[1])) as raw:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n\r\n"
        raw.sendall(head.encode())
        answer = io.BytesIO()
        while block := raw.recv(65536):
            answer.write(block)
    assert answer.getvalue().split(b" ")[1] == b"404"
    assert b"researcher@lab.example" not in answer.getvalue()


def test_a_server_that_refuses_the_token_is_told_at_once(lab: Gateway) -> None:
    unknown = CompatServer(lab.url, "elab_unknown", port=0)
    with unknown as server, pytest.raises(LabError, match="401"):
        server.check()
    credentials.keep(Credentials("http://127.0.0.1:9", "elab_x"))
    assert main(["compat", "--url", "http://127.0.0.1:9", "--port", "0"]) == 1
