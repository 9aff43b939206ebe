"""The command line."""

from pathlib import Path

import pytest
from devstack.synthetic.__main__ import main


def test_tables_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tables", "--images", "50", "--out", str(tmp_path), "--seed", "7"]) == 0
    assert "images=50" in capsys.readouterr().out
    assert len(list(tmp_path.glob("*.csv"))) == 4


def test_a_scale_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tables", "--out", str(tmp_path)])
    assert "--images --patients" in capsys.readouterr().err
