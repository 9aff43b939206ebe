"""Settings: one frozen class per service, read once from the environment or from secret files."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")


# An empty variable or secret file means "not set": Compose cannot leave one out.
OptionalText = Annotated[str | None, BeforeValidator(lambda value: value or None)]


def settings_config(prefix: str) -> SettingsConfigDict:
    """Configuration of a service's settings: environment variables ``<prefix>NAME``, or files.

    A file in ``/run/secrets`` named like the lower-cased variable serves where a value should not
    stand in the environment (Docker Compose secrets).
    """
    return SettingsConfigDict(
        env_prefix=prefix,
        frozen=True,
        extra="ignore",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )


class ServiceSettings(BaseSettings):
    """What each service needs whatever it does. Subclasses set ``model_config``."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe log line that is written"
    )


class InternalServiceSettings(ServiceSettings):
    """Settings of a service that only answers callers known to the gateway."""

    identity_jwks: Path = Field(description="File with the public keys of gateway and trainer")


class S3Settings(BaseSettings):
    """Where objects live. Without an endpoint the AWS defaults of the environment apply."""

    s3_endpoint_url: OptionalText = Field(default=None, description="S3 endpoint; unset means AWS")
    s3_region: str = Field(default="us-west-2", description="Region of the bucket")
    s3_access_key_id: OptionalText = Field(default=None, description="Access key; unset: AWS chain")
    s3_secret_access_key: OptionalText = Field(default=None, description="Its secret")
