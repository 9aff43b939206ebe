"""Pixel arrays make room for each other, but never for the one that is being read."""

import os
import subprocess
import sys
from pathlib import Path

from trainer.budget import make_room

HOLD = """
import sys, pathlib, trainer.budget
trainer.budget.hold(pathlib.Path(sys.argv[1]))
print("held", flush=True)
input()
"""
SIZE = 1 << 20


def make_arrays(root: Path, *names: str) -> list[Path]:
    """Folders of a megabyte, used in the order given."""
    folders = [root / name for name in names]
    for age, folder in enumerate(folders):
        folder.mkdir()
        (folder / "images.npy").write_bytes(os.urandom(SIZE))
        marker = folder.with_suffix(".use")
        marker.touch()
        os.utime(marker, (1000 + age, 1000 + age))
    return folders


def test_the_longest_unused_make_way(tmp_path: Path) -> None:
    old, middle, new = make_arrays(tmp_path, "c", "a", "b")
    assert make_room(tmp_path, 10 * SIZE) == []
    assert make_room(tmp_path, int(2.5 * SIZE)) == [old]
    assert (middle.exists(), new.exists()) == (True, True)
    assert make_room(tmp_path, 0) == [middle, new]
    assert list(tmp_path.iterdir()) == []


def test_what_another_process_reads_stays(tmp_path: Path) -> None:
    old, new = make_arrays(tmp_path, "a", "b")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(old)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as reader:  # fmt: skip
        assert reader.stdout is not None
        reader.stdout.readline()
        assert make_room(tmp_path, 0) == [new]
        assert (old / "images.npy").exists()
        reader.communicate("\n")
    assert make_room(tmp_path, 0) == [old]
