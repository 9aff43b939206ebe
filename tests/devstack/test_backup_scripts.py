"""The containers' backup and restore, when something fails half way.

Docker is away here: a program of its name notes how it was called, and fails where it is told to.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
DOCKER = """#!/bin/bash
printf '%s\\n' "$*" >>"$NOTES"
case "$*" in
  *pg_dump*) echo dump; if [ -n "${SLOW:-}" ]; then sleep 30; fi ;;
  *export*) echo tar ;;
  *pg_restore* | *import*) cat >/dev/null ;;
esac
[ -z "${FAILS:-}" ] || [[ "$*" != *"$FAILS"* ]]
"""
FOLDER = "-a b"  # a name that unquoted words would lead astray

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """What Docker was asked, a line each."""
    return tmp_path / "notes"


@pytest.fixture
def environment(tmp_path: Path, notes: Path) -> dict[str, str]:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return {"PATH": f"{docker.parent}:{os.environ['PATH']}", "NOTES": str(notes)}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPTS / script, folder],
            env=environment | more,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def backup(run: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "backups" / FOLDER
    folder.parent.mkdir()
    done = run("backup", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", ["backup", "restore", "secrets", "worker-host", "compose-test"])
def test_shellcheck_finds_nothing(name: str) -> None:
    program = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert program
    found = subprocess.run([program, SCRIPTS / name], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_a_backup_is_whole_private_and_known(backup: Path, notes: Path) -> None:
    assert {path.name for path in backup.iterdir()} == {
        "SHA256SUMS", "artifacts.tar", "database.dump",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o077 for path in (backup, *backup.iterdir())} == {0}
    told = [line for line in notes.read_text().splitlines() if "catalog.backups" in line]
    assert [line.endswith(f"note {os.uname().nodename}:{backup}") for line in told] == [True]


@pytest.mark.parametrize("step", ["catalog.backups note", "pg_dump", "trainer.backup export"])
def test_a_backup_that_fails_leaves_nothing(
    run: Run, tmp_path: Path, notes: Path, step: str
) -> None:
    folder = tmp_path / "backups" / FOLDER
    folder.parent.mkdir()
    done = run("backup", folder, FAILS=step)
    assert done.returncode != 0
    assert "no backup was written" in done.stderr
    assert list(folder.parent.iterdir()) == []
    assert f"catalog.backups forget {os.uname().nodename}:{folder}" in notes.read_text()


def test_a_backup_that_is_stopped_leaves_nothing(
    environment: dict[str, str], tmp_path: Path, notes: Path
) -> None:
    folder = tmp_path / "backups" / FOLDER
    folder.parent.mkdir()
    with subprocess.Popen(
        [SCRIPTS / "backup", folder], env={**environment, "SLOW": "1"}, start_new_session=True
    ) as script:
        while not notes.exists() or "pg_dump" not in notes.read_text():
            time.sleep(0.02)
        os.killpg(script.pid, signal.SIGTERM)
    assert script.returncode != 0
    assert list(folder.parent.iterdir()) == []


def test_what_is_there_is_not_written_over(run: Run, backup: Path) -> None:
    before = (backup / "database.dump").stat()
    assert run("backup", backup).returncode != 0
    assert (backup / "database.dump").stat() == before


def test_a_restore_goes_through(run: Run, backup: Path, notes: Path) -> None:
    done = run("restore", backup)
    assert done.returncode == 0, done.stderr
    asked = notes.read_text()
    steps = (
        "pg_restore",
        "compose stop",
        "DROP DATABASE IF EXISTS embedlab WITH",
        "RENAME",
        "import",
    )
    places = [asked.index(step) for step in steps]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("step", "said"),
    [("pg_restore", "nothing was changed"), ("compose stop", "or 'make up'"),
     ("RENAME", "database may be gone"), ("trainer.backup import", "not all artifacts")],
)  # fmt: skip
def test_a_restore_that_fails_says_how_far_it_came(
    run: Run, backup: Path, step: str, said: str
) -> None:
    done = run("restore", backup, FAILS=step)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("damage", ["torn", "left out"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    run: Run, backup: Path, notes: Path, damage: str
) -> None:
    notes.unlink()
    if damage == "torn":
        with (backup / "artifacts.tar").open("a") as file:
            file.write("x")
    else:
        sums = backup / "SHA256SUMS"
        sums.write_text(sums.read_text().splitlines(keepends=True)[0])
    assert run("restore", backup).returncode != 0
    assert not notes.exists()
