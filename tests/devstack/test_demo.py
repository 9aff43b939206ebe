"""What brings the demo's data: progress, uploads, and running it twice."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from devstack.demo import DemoDataset, is_uploaded, upload_dataset
from devstack.objects import S3Client, make_client
from devstack.progress import Progress, bar
from devstack.seaweedfs import S3Server
from devstack.upload import Uploader


@pytest.fixture
def client(s3: S3Server) -> Iterator[S3Client]:
    with closing(make_client(s3)) as made:
        yield made


def keys_of(client: S3Client, bucket: str) -> set[str]:
    return {found["Key"] for found in client.list_objects_v2(Bucket=bucket).get("Contents", ())}


def dataset(bucket: str, calls: list[Path]) -> DemoDataset:
    def write(folder: Path, told: object) -> None:
        calls.append(folder)
        for name in ("tables/a.csv", "images/cohort_1/1/2/3/4.dcm"):
            (folder / name).parent.mkdir(parents=True)
            (folder / name).write_text(name)

    return DemoDataset(bucket, "Title", "CC0-1.0", "nobody", write)


def test_a_dataset_is_complete_only_with_its_marker(
    client: S3Client, bucket: str, tmp_path: Path
) -> None:
    calls: list[Path] = []
    made = dataset(bucket, calls)
    assert not is_uploaded(client, made)
    upload_dataset(client, made, tmp_path / "scratch")
    assert is_uploaded(client, made)
    wanted = {"tables/a.csv", "images/cohort_1/1/2/3/4.dcm", "demo-complete.json"}
    assert keys_of(client, bucket) == wanted
    assert calls == [tmp_path / "scratch"]
    assert not calls[0].exists()


def test_a_failed_upload_is_raised_and_leaves_no_marker(
    client: S3Client, bucket: str, tmp_path: Path
) -> None:
    calls: list[Path] = []
    client.delete_bucket(Bucket=bucket)
    try:
        with pytest.raises(ClientError):
            upload_dataset(client, dataset(bucket, calls), tmp_path / "scratch")
    finally:
        client.create_bucket(Bucket=bucket)
    assert not is_uploaded(client, dataset(bucket, calls))


def test_uploader_sends_everything_and_keeps_no_file(
    client: S3Client, bucket: str, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{n:03}" for n in range(100)]
    with Uploader(client, bucket) as uploader:
        for path in paths:
            path.write_bytes(b"x" * 1000)
            uploader.put(path, f"many/{path.name}")
    assert uploader.done == 100
    assert keys_of(client, bucket) == {f"many/{path.name}" for path in paths}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [
        (0, 4, "[                              ]   0%  0/4"),
        (2, 4, "[===============               ]  50%  2/4"),
        (4, 4, "[==============================] 100%  4/4"),
        (7, 0, "7"),
    ],
)
def test_bar(done: int, total: int, text: str) -> None:
    assert bar(done, total) == text


def test_progress_says_steps_and_ends_but_not_every_item() -> None:
    told: list[str] = []
    progress = Progress("demo", told.append)
    for step in ("tables", "images"):
        for done in range(1001):
            progress.update(step, done, 1000)
            progress.update(step, done, 1000)
    assert len(told) == 4
    assert ["tables" in line for line in told] == [True, True, False, False]
    assert "100%" in told[1]
    assert "100%" in told[3]
