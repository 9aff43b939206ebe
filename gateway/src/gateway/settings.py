"""Everything that a deployment can set about the gateway."""

from pathlib import Path
from urllib.parse import urlsplit

from chassis.settings import ServiceSettings, settings_config
from pydantic import Field
from pydantic_settings import BaseSettings

PREFIX = "GATEWAY_"


class StoreSettings(BaseSettings):
    """What the command-line tools need: where people and tokens are kept."""

    model_config = settings_config(PREFIX)

    database_url: str = Field(description="`postgresql+asyncpg://user:pw@host:port/embedlab`")


class Settings(ServiceSettings, StoreSettings):
    """Settings of the gateway process (`GATEWAY_...`)."""

    model_config = settings_config(PREFIX)

    signing_key: Path = Field(description="File with the gateway's private key (PEM, Ed25519)")
    catalog_url: str = Field(description="Where the catalog listens, `http://host:port`")
    imagery_url: str = Field(description="Where imagery listens")
    trainer_url: str = Field(description="Where the trainer listens")
    cache_url: str | None = Field(
        default=None, description="`redis://...` for shared rate limits; unset: per process"
    )
    web_root: Path | None = Field(default=None, description="Folder of the built web app")
    public_url: str | None = Field(
        default=None,
        description="Address that people use, in links as well; `https://...` makes cookies Secure "
        "and adds HSTS",
    )
    session_idle_minutes: int = Field(
        default=12 * 60, ge=1, description="A session unused for so long ends"
    )
    session_days: int = Field(default=7, ge=1, description="Longest life of a session")
    access_cache_seconds: float = Field(
        default=5.0,
        ge=0,
        description="How long another process may still honour a revoked session or token",
    )
    person_requests_per_minute: int = Field(
        default=300_000, ge=1, description="Requests of one signed-in person"
    )
    address_requests_per_minute: int = Field(
        default=1_200, ge=1, description="API requests of one address that are not signed in"
    )
    sign_ins_per_minute: int = Field(
        default=60, ge=1, description="Attempts to sign in from one address"
    )
    audit_days: int | None = Field(
        default=None, ge=1, description="Rows of the audit log are kept so long; unset: for ever"
    )
    max_body_bytes: int = Field(
        default=16 * 2**20, ge=0, description="Longest request body, larger ones are a 413"
    )
    max_requests_per_service: int = Field(
        default=1024, ge=1, description="Requests in flight to one service before a 503"
    )

    @property
    def secure(self) -> bool:
        """Whether people reach the gateway by TLS."""
        return bool(self.public_url and self.public_url.startswith("https://"))

    @property
    def public_host(self) -> bytes | None:
        """Host (and port) of the public address, where it is known."""
        return urlsplit(self.public_url).netloc.encode() if self.public_url else None
