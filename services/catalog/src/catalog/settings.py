"""Settings of the catalog."""

from pathlib import Path

from chassis.settings import InternalServiceSettings, S3Settings, settings_config
from pydantic import Field


class Settings(InternalServiceSettings, S3Settings):
    """Environment variables ``CATALOG_...``; see the README."""

    model_config = settings_config("CATALOG_")

    database_url: str = Field(description="`postgresql+asyncpg://user:pw@host:port/database`")
    mirror_root: Path | None = Field(
        default=None, description="Folder that `file://` sources must lie in; unset: none allowed"
    )
    default_dataset: str = Field(
        default="embed", description="The dataset meant where a request names none"
    )
    refresh_s: float = Field(
        default=1.0, gt=0, description="Seconds between looks for a newer active revision"
    )
    ingest_attempts: int = Field(
        default=3, ge=1, description="How often an ingest whose process died is started again"
    )
