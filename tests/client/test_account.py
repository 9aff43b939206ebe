"""Signing in from the command line, and what is kept of it."""

import io
import json
from pathlib import Path

import httpx
import pytest
from embedlab import credentials
from embedlab.cli import main
from embedlab.credentials import Credentials
from embedlab.errors import LabError

from tests.gateway.conftest import PASSWORD, Gateway


def _login(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    email = gateway.person("researcher")
    return main(["login", "--url", gateway.url, "--email", email, "--password-stdin"])


def test_login_keeps_a_token_that_only_its_owner_may_read(
    gateway: Gateway, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _login(gateway, monkeypatch) == 0
    path = config / "credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert config.stat().st_mode & 0o777 == 0o700
    kept = json.loads(path.read_text())["servers"][gateway.url]
    assert kept["token"].startswith("elab_")
    assert PASSWORD not in path.read_text()
    answer = httpx.get(
        f"{gateway.url}/api/v1/me", headers={"Authorization": f"Bearer {kept['token']}"}
    )
    assert answer.json()["person"]["email"] == "researcher@lab.example"


def test_a_wrong_password_is_said_and_nothing_kept(
    gateway: Gateway,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _login(gateway, monkeypatch, "wrong horse battery") == 1
    assert "The e-mail address or the password is wrong" in capsys.readouterr().err
    assert not (config / "credentials.json").exists()


def test_logout_revokes_the_token_and_forgets_it(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    _login(gateway, monkeypatch)
    token = credentials.find().token
    assert main(["logout"]) == 0
    answer = httpx.get(f"{gateway.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    with pytest.raises(LabError, match="embedlab login"):
        credentials.find()


def test_the_last_server_signed_in_to_is_meant() -> None:
    credentials.keep(Credentials("http://one:80", "elab_1"))
    credentials.keep(Credentials("http://two:80", "elab_2"))
    assert credentials.find().token == "elab_2"
    assert credentials.find("one:80").token == "elab_1"
    credentials.keep(Credentials("http://one:80", "elab_3"))
    assert credentials.find().token == "elab_3"
    credentials.forget("http://one:80")
    assert credentials.find().token == "elab_2"


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.keep(Credentials("http://one:80", "elab_1"))
    monkeypatch.setenv("EMBEDLAB_TOKEN", "elab_env")
    monkeypatch.setenv("EMBEDLAB_URL", "https://lab.example/")
    assert credentials.find() == Credentials("https://lab.example", "elab_env")


def test_a_file_that_others_may_read_is_not_used(config: Path) -> None:
    credentials.keep(Credentials("http://one:80", "elab_1"))
    (config / "credentials.json").chmod(0o644)
    with pytest.raises(LabError, match="chmod 600"):
        credentials.find()


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://user:pw@host"])
def test_what_is_no_address_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["login", "--url", url, "--email", "a@b", "--password-stdin"]) == 1
    assert capsys.readouterr().err


def test_doctor_names_the_service_that_is_away_and_says_what_to_do(
    start_gateway: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway: Gateway = start_gateway(trainer_url="http://127.0.0.1:9")  # type: ignore[operator]
    _login(gateway, monkeypatch)
    capsys.readouterr()
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    found = {line.split()[1]: line for line in lines if line.startswith(("ok", "FAIL"))}
    assert found["trainer"].startswith("FAIL")
    assert found["database"].startswith("ok")
    assert found["clock"].startswith("ok")
    assert "researcher@lab.example" in found["sign-in"]
    assert any("->" in line and "trainer" in line for line in lines)


def test_doctor_without_a_server_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--url", "http://127.0.0.1:9"]) == 1
    assert "make demo" in capsys.readouterr().out


def test_doctor_notices_a_revoked_token(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    credentials.keep(Credentials(gateway.url, "elab_revoked"))
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "revoked" in out
    assert f"embedlab login --url {gateway.url}" in out
