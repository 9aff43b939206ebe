"""Arrays of a purged dataset leave a disk once, and those that are being read leave later."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from trainer.budget import note_dataset
from trainer.purging import DONE, drop_purged

from tests.trainer.test_budget import HOLD, make_arrays

FIRST, SECOND = "2026-11-22T10:00:00+00:00", "2026-11-22T11:00:00+00:00"


@pytest.fixture
def pixels(tmp_path: Path) -> Path:
    """A scratch with an array of each of two datasets, and one that says nothing."""
    root = tmp_path / "pixels"
    root.mkdir()
    goes, stays, _ = make_arrays(root, "goes", "stays", "untold")
    note_dataset(goes, "embed")
    note_dataset(stays, "other")
    return root


@pytest.fixture
def reader(pixels: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the array to be removed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(pixels / "goes")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def left(pixels: Path) -> set[str]:
    return {path.name for path in pixels.iterdir() if path.is_dir()}


def test_those_of_the_dataset_go_and_those_that_do_not_say(pixels: Path) -> None:
    drop_purged(pixels.parent, {})
    assert left(pixels) == {"goes", "stays", "untold"}
    drop_purged(pixels.parent, {"embed": FIRST})
    assert left(pixels) == {"stays"}


def test_what_is_fetched_after_a_purge_stays_until_the_next(pixels: Path) -> None:
    drop_purged(pixels.parent, {"embed": FIRST})
    (again,) = make_arrays(pixels, "again")
    note_dataset(again, "embed")
    drop_purged(pixels.parent, {"embed": FIRST, "unheard": FIRST})
    assert left(pixels) == {"stays", "again"}
    drop_purged(pixels.parent, {"embed": SECOND, "unheard": FIRST})
    assert left(pixels) == {"stays"}


def test_what_a_job_reads_goes_when_it_has_ended(
    pixels: Path, reader: subprocess.Popen[str]
) -> None:
    drop_purged(pixels.parent, {"embed": FIRST})
    assert left(pixels) == {"goes", "stays"}
    reader.communicate("\n")
    drop_purged(pixels.parent, {"embed": FIRST})
    assert left(pixels) == {"stays"}


def test_a_torn_note_of_purges_is_as_none(pixels: Path) -> None:
    (pixels.parent / DONE).write_text('{"embed": ')
    drop_purged(pixels.parent, {"embed": FIRST})
    assert left(pixels) == {"stays"}


def test_a_disk_that_never_held_anything_has_been_through_it(tmp_path: Path) -> None:
    drop_purged(tmp_path / "scratch", {"embed": FIRST})
    assert (tmp_path / "scratch" / DONE).exists()
