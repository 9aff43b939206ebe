"""Identities are made in a transaction of their own, which is the first to be committed."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest
from asyncpg.transaction import Transaction
from catalog.settings import Settings
from catalog.store import loading

from tests.catalog.direct import ingest_here, put
from tests.catalog.tables import draw

IDENTITIES = "select sop_instance_uid, image_id from catalog.image_key where dataset = 'wrong'"
ACTIVE = "select active_revision_id from catalog.dataset where name = 'wrong'"


async def read(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    async with loading.connect(settings.database_url) as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def test_killed_between_its_commits_an_ingest_leaves_identities_for_the_next(
    bare_settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(11)
    former = await ingest_here(bare_settings, put(folder, draw(rng)))
    assert former["state"] == "succeeded", former["error"]
    put(folder, draw(rng))
    known = await read(bare_settings, IDENTITIES)
    commit, commits = Transaction.commit, []
    ours = asyncio.get_running_loop()

    async def killed(self: Transaction) -> None:
        # Services in threads of this process have loops of their own.
        if asyncio.get_running_loop() is ours:
            commits.append(self)
            if len(commits) == 2:
                raise ConnectionError("killed")
        await commit(self)

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "commit", killed)
        with pytest.raises(ConnectionError, match="killed"):
            await ingest_here(bare_settings, folder)
    waiting = await read(bare_settings, IDENTITIES)
    assert len(waiting) > len(known)
    assert await read(bare_settings, ACTIVE) == [(former["revision_id"],)]
    again = await ingest_here(bare_settings, folder)
    assert again["state"] == "succeeded", again["error"]
    assert sorted(await read(bare_settings, IDENTITIES)) == sorted(waiting)
    assert await read(bare_settings, ACTIVE) == [(again["revision_id"],)]
