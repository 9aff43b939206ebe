"""The object store keeps what it has, also when its ports change between two starts."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGTERM

import pytest
from botocore.exceptions import ClientError
from devstack.objects import S3Client, ensure_buckets, make_client
from devstack.ports import choose_ports
from devstack.probes import get_json
from devstack.seaweedfs import PORTS, VOLUME_MB, SeaweedServer
from devstack.throwaway import running


@contextmanager
def started(folder: Path) -> Iterator[S3Client]:
    keys = "access-key-of-a-test", "secret-key-of-a-test"
    server = SeaweedServer(folder / "weed", choose_ports(PORTS), *keys)
    server.initialise()
    with (
        running(server.command(), server.is_ready, folder / "weed.log", SIGTERM),
        closing(make_client(server.s3)) as client,
    ):
        yield client


def test_objects_survive_a_restart_on_other_ports(tmp_path: Path) -> None:
    with started(tmp_path) as client:
        ensure_buckets(client, ["kept"])
        ensure_buckets(client, ["kept", "other"])
        client.put_object(Bucket="kept", Key="first", Body=b"1" * 100_000)
    with started(tmp_path) as client:
        assert client.get_object(Bucket="kept", Key="first")["Body"].read() == b"1" * 100_000
        client.put_object(Bucket="kept", Key="second", Body=b"2")
        keys = [found["Key"] for found in client.list_objects_v2(Bucket="kept")["Contents"]]
        assert keys == ["first", "second"]


def test_a_misspelt_bucket_is_an_error(tmp_path: Path) -> None:
    with started(tmp_path) as client, pytest.raises(ClientError, match="NoSuchBucket"):
        client.put_object(Bucket="mispelt", Key="lost", Body=b"")


def test_a_bucket_takes_no_more_of_the_disk_than_a_small_volume(tmp_path: Path) -> None:
    server = SeaweedServer(tmp_path / "weed", choose_ports(PORTS), "access", "secret")
    server.initialise()
    with running(server.command(), server.is_ready, tmp_path / "weed.log", SIGTERM):
        found = get_json(server.ports[1], "/dir/status")
    free = shutil.disk_usage(tmp_path).free
    assert found["Topology"]["Max"] * VOLUME_MB * 2**20 > free / 2


def test_a_disk_without_room_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devstack.seaweedfs.LEAST_FREE", 2**60)
    server = SeaweedServer(tmp_path / "weed", choose_ports(PORTS), "access", "secret")
    with pytest.raises(RuntimeError, match=r"weed has [0-9.]+ GiB free; the object store needs"):
        server.initialise()
