"""A worker's health check: the pulse that it leaves in its scratch folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trainer.probe import LATE_S, is_alive, pulse


def test_a_worker_lives_that_beat_lately_and_still_runs(tmp_path: Path) -> None:
    assert not is_alive(tmp_path), "none has begun"
    file = pulse(tmp_path)
    file.write_text(str(os.getpid()))
    assert is_alive(tmp_path)
    late = file.stat().st_mtime - LATE_S - 1
    os.utime(file, (late, late))
    assert not is_alive(tmp_path), "it is stuck"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    file.write_text(str(ended.pid))
    assert not is_alive(tmp_path), "it was killed"
    file.write_text("")
    assert not is_alive(tmp_path), "the disk was full"


@pytest.mark.parametrize("lives", [True, False])
def test_the_command_says_so_and_imports_nothing_to_find_out(tmp_path: Path, lives: bool) -> None:
    if lives:
        pulse(tmp_path).write_text(str(os.getpid()))
    code = (
        "import runpy, sys\n"
        "try: runpy.run_module('trainer.probe', run_name='__main__')\n"
        "finally: print(*{name.partition('.')[0] for name in sys.modules})"
    )
    environment = {**os.environ, "TRAINER_SCRATCH": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if lives else 1), done.stderr
    assert {"asyncio", "sqlalchemy", "pydantic", "torch"}.isdisjoint(done.stdout.split())
