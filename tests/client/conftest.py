"""The client meets a real gateway; the gateway's own fixtures start it."""

from pathlib import Path

import pytest

from tests.gateway.conftest import database_url, gateway, migrated, start_gateway, upstream

__all__ = ["database_url", "gateway", "migrated", "start_gateway", "upstream"]


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of this test's own, and none of the caller's environment."""
    for name in ("URL", "TOKEN", "EMAIL", "PASSWORD"):
        monkeypatch.delenv(f"EMBEDLAB_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "embedlab"
