"""Settings of the imagery service (environment prefix ``IMAGERY_``)."""

import os
import tempfile
from pathlib import Path

from chassis.settings import InternalServiceSettings, S3Settings, settings_config
from pydantic import Field

MIB = 1024 * 1024


class ImagerySettings(InternalServiceSettings, S3Settings):
    """Everything the service can be told. Byte budgets are upper bounds."""

    model_config = settings_config("IMAGERY_")

    catalog_url: str = Field(description="Where the catalog answers, `http://host:port`")
    cache_url: str = Field(description="`redis://...` of the evicting Valkey")
    mirror_root: Path | None = Field(
        default=None, description="Folder that `file://` sources must lie in; unset: none allowed"
    )

    workers: int = Field(
        default=os.cpu_count() or 2, ge=1, description="Processes that decode and render"
    )
    queue: int = Field(
        default=64,
        ge=1,
        description="Pictures that may wait for their file or a worker; more are answered 503",
    )
    worker_memory_bytes: int = Field(
        default=2048 * MIB, description="Address space of one worker beyond what it starts with"
    )
    deadline_s: float = Field(default=30, gt=0, description="Longest a picture may take (504)")

    disk_cache_dir: Path = Field(
        default=Path(tempfile.gettempdir()) / "embedlab-imagery",
        description="Folder of cached source files",
    )
    disk_cache_bytes: int = Field(
        default=20 * 1024 * MIB, ge=0, description="Size of that folder; 0 keeps nothing"
    )
    pixel_cache_bytes: int = Field(
        default=256 * MIB, ge=0, description="Decoded pixels kept in memory"
    )
    answer_cache_bytes: int = Field(
        default=64 * MIB, ge=0, description="Small answers kept in memory, a thumbnail's way home"
    )
    sending_bytes: int = Field(
        default=256 * MIB,
        ge=0,
        description="Bodies that clients take their time to read; more large ones are answered 503",
    )
    rendered_max_bytes: int = Field(
        default=16 * MIB, description="Largest picture that is put into Valkey"
    )
    rendered_ttl_s: int = Field(default=30 * 86400, description="Life of a picture in Valkey")
    source_recheck_s: int = Field(
        default=300, description="How long an S3 object is trusted not to have changed"
    )
    failure_ttl_s: int = Field(
        default=20, description="How long a missing or broken object is remembered"
    )
    image_source_ttl_s: int = Field(
        default=60, description="How long the catalog's answer about an image is trusted"
    )

    fetches: int = Field(default=8, ge=1, description="Source files fetched at once")
    connections: int = Field(default=32, ge=1, description="Connections to the object store")
    max_source_bytes: int = Field(
        default=512 * MIB, description="Largest source file that is read (422)"
    )
    check_instances: bool = Field(
        default=True,
        description="Refuse a file (422) whose SOP Instance UID is not the one it is named for",
    )
    max_pixels: int = Field(
        default=64 * MIB, description="Most pixels of one frame, stored or asked for (422)"
    )
