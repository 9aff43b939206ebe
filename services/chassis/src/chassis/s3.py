"""The object store: one client per process, with deadlines and retries. Needs ``aioboto3``."""

from typing import Any

import aioboto3
from botocore.config import Config

from chassis.settings import S3Settings


def s3_client(settings: S3Settings, *, connections: int = 32, read_timeout_s: float = 20) -> Any:
    """An async context manager that yields an aiobotocore S3 client.

    Path-style addresses, because a local server has no wildcard DNS; three tries with jitter.
    Signature version 4 is said, because presigned URLs are else of version 2, which AWS refuses.
    """
    config = Config(
        s3={"addressing_style": "path"},
        signature_version="s3v4",
        max_pool_connections=connections,
        connect_timeout=3,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "max_attempts": 3},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return aioboto3.Session().client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=settings.s3_secret_access_key,
        config=config,
    )
