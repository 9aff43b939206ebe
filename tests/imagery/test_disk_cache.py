"""The folder of source files: bounded, whole, and good to its readers."""

import os
import time
from pathlib import Path

from imagery.objects.disk_cache import DiskCache

URI = "s3://bucket/images/{}.dcm"


def add(cache: DiskCache, number: int, content: bytes, version: str = "v1") -> None:
    descriptor, part = cache.create()
    os.pwrite(descriptor.number, content, 0)
    cache.publish(part, URI.format(number), version)


def read(cache: DiskCache, number: int, version: str = "v1") -> bytes | None:
    found = cache.open(URI.format(number), version)
    return os.pread(found.number, found.size, 0) if found else None


def stored_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_kept_files_are_found_by_version(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    add(cache, 1, b"whole")
    assert read(cache, 1) == b"whole"
    assert read(cache, 1, "v2") is None
    assert cache.version_of(URI.format(1)) == "v1"
    assert DiskCache(tmp_path, 1000).version_of(URI.format(1)) == "v1"


def test_a_newer_version_replaces_the_older(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    add(cache, 1, b"old")
    add(cache, 1, b"new", "v2")
    assert (read(cache, 1), read(cache, 1, "v2")) == (None, b"new")


def test_the_least_recently_used_leave(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    for number in range(3):
        add(cache, number, bytes(300))
        os.utime(cache._path(URI.format(number), "v1"), ns=(number, number))
    assert read(cache, 0) is not None  # now the most recently used
    add(cache, 3, bytes(300))
    assert [read(cache, n) is not None for n in range(4)] == [True, False, True, True]
    assert stored_bytes(tmp_path) <= 1000


def test_two_processes_keep_one_budget(tmp_path: Path) -> None:
    one, other = DiskCache(tmp_path, 1000), DiskCache(tmp_path, 1000)
    for number in range(10):
        add((one, other)[number % 2], number, bytes(300))
    assert stored_bytes(tmp_path) <= 1000


def test_a_file_larger_than_the_budget_is_not_kept(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 100)
    add(cache, 1, bytes(101))
    assert read(cache, 1) is None
    assert stored_bytes(tmp_path) == 0


def test_readers_keep_what_is_evicted(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    add(cache, 1, b"a" * 600)
    reader = cache.open(URI.format(1), "v1")
    os.utime(cache._path(URI.format(1), "v1"), (0, 0))
    add(cache, 2, b"b" * 600)
    assert read(cache, 1) is None
    assert reader is not None
    assert os.pread(reader.number, 1000, 0) == b"a" * 600


def test_unfinished_parts_are_never_found_and_go_in_time(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    descriptor, part = cache.create()
    os.pwrite(descriptor.number, b"torn", 0)
    assert DiskCache(tmp_path, 1000).version_of(URI.format(1)) is None
    assert part.exists()
    long_ago = time.time() - 7200
    os.utime(part, (long_ago, long_ago))
    DiskCache(tmp_path, 1000)
    assert not part.exists()


def test_entries_of_an_earlier_boot_are_not_trusted(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier-boot" / "objects"
    earlier.mkdir(parents=True)
    (earlier / "x").write_bytes(b"perhaps torn")
    DiskCache(tmp_path, 1000)
    assert not earlier.exists()


def test_one_process_at_a_time_fetches_an_object(tmp_path: Path) -> None:
    one, other = DiskCache(tmp_path, 1000), DiskCache(tmp_path, 1000)
    with one.try_lock(URI.format(1)) as ours:
        assert ours
        with other.try_lock(URI.format(1)) as theirs:
            assert not theirs
    with other.try_lock(URI.format(1)) as theirs:
        assert theirs


def test_everything_goes_at_once(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 1000)
    for n in range(3):
        add(cache, n, b"x" * 10)
    assert cache.clear() == (3, 30)
    assert cache.clear() == (0, 0)
    assert read(cache, 0) is None
