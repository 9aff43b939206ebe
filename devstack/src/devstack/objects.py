"""The object store as boto3 sees it."""

from collections.abc import Iterable
from typing import Any

import boto3
from botocore.config import Config

from devstack.seaweedfs import S3Server

S3Client = Any  # boto3 makes its clients at run time; they have no type of their own


def make_client(server: S3Server, connections: int = 10) -> S3Client:
    """A client for the server, path-style: a local server has no wildcard DNS."""
    config = Config(
        s3={"addressing_style": "path"},
        max_pool_connections=connections,
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 4},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # A session of its own: the default one is shared and not safe to make in threads.
    return boto3.session.Session().client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name=server.region,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=config,
    )


def ensure_buckets(client: S3Client, names: Iterable[str]) -> None:
    """Create the buckets that are not there."""
    known = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for name in names:
        if name not in known:
            client.create_bucket(Bucket=name)


def remove_bucket(client: S3Client, name: str) -> None:
    """Remove the bucket with all its objects."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for found in page.get("Contents", ()):
            client.delete_object(Bucket=name, Key=found["Key"])
    client.delete_bucket(Bucket=name)
