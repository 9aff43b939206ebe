"""Schemathesis' own engine on all operations: the edges of every parameter, and in sequence.

Its links lead from what one answer names to the next request: what was made can be read, what was
deleted is gone. A lab of its own, which is left in ruins.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract import pictured
from tests.contract.conftest import StartLab

SECONDS = os.environ.get("EMBEDLAB_SCHEMA_SECONDS", "30")  # of requests in sequence
FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
# Which valid request may be refused all the same is decided where each operation is asked.
CHECKS = ("--checks", "all", "--exclude-checks", "positive_data_acceptance")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("phase", ["coverage", "stateful"])
def test_every_check_holds(
    phase: str, start_lab: StartLab, synthetic_tables: Path, tmp_path: Path
) -> None:
    with start_lab() as lab:
        client = lab.with_token("admin")
        pictured.ingest(client, synthetic_tables)
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(FOLDER / "schemathesis.toml")),
            *("run", str(ROOT / "docs" / "openapi.json"), "--url", lab.url, "--phases", phase),
            *("--header", f"Authorization: {client.headers['Authorization']}"),
            *CHECKS,
            *("--seed", "1", "--request-timeout", "60", "--continue-on-failure", "--no-color"),
            *(("--max-time", SECONDS) if phase == "stateful" else ()),
        ]
        environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.contract.schemathesis_hooks"}
        ran = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    (tmp_path / "schemathesis.log").write_text(ran.stdout + ran.stderr)
    assert ran.returncode == 0, ran.stdout[-20_000:]
