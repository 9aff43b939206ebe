"""Internal tokens: who may sign, for how long, and what rotation does."""

import base64
import json
import time
from pathlib import Path

import jwt
import pytest
from chassis.identity import Identity, Signer, Verifier, require_agreement
from chassis.keys import ensure_keys, rotate
from chassis.problems import Problem

PERSON = Identity(
    "p-1", "A Reader", "researcher", frozenset({"jobs"}), frozenset({"embed"}), "j-1", "c-1"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ensure_keys(tmp_path)
    return tmp_path


def test_an_identity_survives_the_journey(folder: Path) -> None:
    token = Signer(folder / "gateway.pem", "gateway").sign(PERSON)
    assert Verifier(folder / "jwks.json").verify(token) == PERSON


def test_an_expired_token_is_refused(folder: Path) -> None:
    token = Signer(folder / "gateway.pem", "gateway").sign(PERSON, lifetime_s=-10)
    with pytest.raises(Problem, match="Not identified"):
        Verifier(folder / "jwks.json").verify(token)


def test_a_cached_token_expires_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(folder / "jwks.json")
    token = Signer(folder / "gateway.pem", "gateway").sign(PERSON, lifetime_s=30)
    verifier.verify(token)
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setattr("jwt.api_jwt.datetime", _Clock(later))
    with pytest.raises(Problem):
        verifier.verify(token)


class _Clock:
    """Stands for PyJWT's ``datetime`` at a fixed moment."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self, tz: object = None) -> "_Clock":
        return self

    def timestamp(self) -> float:
        return self._now


def test_an_issuer_cannot_speak_for_another(folder: Path) -> None:
    token = Signer(folder / "trainer.pem", "gateway").sign(PERSON)
    with pytest.raises(Problem):
        Verifier(folder / "jwks.json").verify(token)


def test_a_key_outside_the_set_is_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = tmp_path_factory.mktemp("stranger")
    ensure_keys(stranger)
    token = Signer(stranger / "gateway.pem", "gateway").sign(PERSON)
    with pytest.raises(Problem):
        Verifier(folder / "jwks.json").verify(token)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "eyJhbGciOiJub25lIn0.e30."])
def test_nonsense_is_refused(folder: Path, token: str) -> None:
    with pytest.raises(Problem):
        Verifier(folder / "jwks.json").verify(token)


def test_an_unsigned_token_is_refused(folder: Path) -> None:
    kid = json.loads((folder / "jwks.json").read_text())["keys"][0]["kid"]
    claims = {"sub": "p-1", "iss": "gateway", "aud": "embedlab-internal", "exp": time.time() + 60}
    token = jwt.encode(claims, "", algorithm="none", headers={"kid": kid})
    with pytest.raises(Problem):
        Verifier(folder / "jwks.json").verify(token)


def test_a_public_key_used_as_a_shared_secret_is_refused(folder: Path) -> None:
    key = json.loads((folder / "jwks.json").read_text())["keys"][0]
    secret = base64.urlsafe_b64decode(key["x"] + "=")
    claims = {"sub": "p", "iss": key["issuer"], "aud": "embedlab-internal", "exp": time.time() + 9}
    token = jwt.encode(claims, secret, algorithm="HS256", headers={"kid": key["kid"]})
    with pytest.raises(Problem):
        Verifier(folder / "jwks.json").verify(token)


def test_rotation_keeps_former_tokens_until_the_next(folder: Path) -> None:
    verifier = Verifier(folder / "jwks.json")
    former = Signer(folder / "gateway.pem", "gateway").sign(PERSON)
    rotate(folder, "gateway")
    fresh = Signer(folder / "gateway.pem", "gateway").sign(PERSON)
    assert verifier.verify(fresh) == PERSON
    assert verifier.verify(former) == PERSON
    rotate(folder, "gateway")
    assert verifier.verify(Signer(folder / "gateway.pem", "gateway").sign(PERSON)) == PERSON
    with pytest.raises(Problem):
        verifier.verify(former)


def test_private_keys_are_private(folder: Path) -> None:
    assert (folder / "gateway.pem").stat().st_mode & 0o077 == 0


def test_what_is_restricted_needs_an_agreement() -> None:
    require_agreement(PERSON, "embed", restricted=True)
    require_agreement(PERSON, "open", restricted=False)
    with pytest.raises(Problem, match="Agreement needed"):
        require_agreement(PERSON, "other", restricted=True)
