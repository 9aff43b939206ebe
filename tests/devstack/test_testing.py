"""The plugin's fixtures give real servers, empty for each test."""

from pathlib import Path

import asyncpg
import httpx
import pytest
import redis
from chassis.identity import Verifier
from devstack.objects import make_client
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys, SignIdentity


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


async def test_database_is_postgresql_18_and_writable(database_url: str) -> None:
    connection = await asyncpg.connect(plain(database_url))
    try:
        assert (await connection.fetchval("SHOW server_version")).startswith("18")
        await connection.execute("CREATE TABLE kept (n int)")
    finally:
        await connection.close()


async def test_each_test_gets_an_empty_database(database_url: str) -> None:
    connection = await asyncpg.connect(plain(database_url))
    try:
        tables = await connection.fetchval(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        )
    finally:
        await connection.close()
    assert tables == 0


async def test_a_wrong_password_is_refused(database_url: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(plain(database_url), password="wrong")


@pytest.mark.parametrize("round_number", [1, 2])
def test_valkey_is_empty_for_each_test(valkey: redis.Redis, round_number: int) -> None:
    assert valkey.dbsize() == 0
    assert valkey.info("server")["valkey_version"].startswith("9.")
    valkey.set("left", round_number)


def test_valkey_evicts_like_a_cache(valkey: redis.Redis) -> None:
    assert valkey.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}


def test_valkey_needs_the_password(valkey_url: str) -> None:
    stranger = redis.Redis.from_url(f"redis://{valkey_url.rpartition('@')[2]}")
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()
    stranger.close()


def test_bucket_keeps_objects(s3: S3Server, bucket: str) -> None:
    client = make_client(s3)
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    client.put_object(Bucket=bucket, Key="a/b c+.txt", Body=b"pixels")
    ranged = client.get_object(Bucket=bucket, Key="a/b c+.txt", Range="bytes=2-3")
    assert ranged["Body"].read() == b"xe"
    client.close()


def test_s3_refuses_strangers(s3: S3Server, bucket: str) -> None:
    assert httpx.get(f"{s3.endpoint_url}/{bucket}/").status_code == 403


def test_signed_identity_is_verified(
    identity_keys: IdentityKeys, sign_identity: SignIdentity
) -> None:
    header = sign_identity("admin", person_id="p1", agreements=["embed"])
    identity = Verifier(identity_keys.jwks_path).verify(header.removeprefix("Bearer "))
    assert (identity.role, identity.person_id) == ("admin", "p1")
    assert identity.agreements == {"embed"}


def test_a_job_token_is_signed_by_the_trainer(
    identity_keys: IdentityKeys, sign_identity: SignIdentity
) -> None:
    header = sign_identity(job_id="j1", cohort_id="c1")
    identity = Verifier(identity_keys.jwks_path).verify(header.removeprefix("Bearer "))
    assert (identity.job_id, identity.cohort_id, identity.role) == ("j1", "c1", "researcher")


def test_synthetic_tables_are_there(synthetic_tables: Path) -> None:
    for name in ("EMBED_OpenData_clinical.csv", "EMBED_OpenData_metadata.csv"):
        assert len((synthetic_tables / name).read_text().splitlines()) > 100
