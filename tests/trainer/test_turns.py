"""Five people, five hundred jobs: whose turn it is, and how soon the list of them is there.

The measure of fairness: whenever a job starts, nobody else with a job waiting has fewer running
than its owner had, and of those with as few nobody was served longer ago. What follows: slots are
shared evenly among all who wait, and nobody is passed twice by the same person while they have the
fewest running, however many jobs that person queued and however early.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from chassis.database import Database
from sqlalchemy import insert
from trainer import store
from trainer.settings import TrainerSettings
from trainer.tables import job

from tests.trainer.test_store import make_row

# Who queues how many: one person floods the queue before anybody else comes.
PEOPLE = {"ann": 300, "bob": 80, "cem": 60, "dan": 40, "eva": 20}


@pytest.fixture
async def database(settings: TrainerSettings) -> AsyncIterator[Database]:
    opened = Database(settings.database_url)
    yield opened
    await opened.close()


async def queue_all(database: Database) -> None:
    rows = [make_row(person) for person, count in PEOPLE.items() for _ in range(count)]
    async with database.transaction() as session:
        await session.execute(insert(job), rows)


@pytest.mark.parametrize("slots", [1, 4])
async def test_five_hundred_jobs_of_five_people_start_in_turns(
    database: Database, slots: int
) -> None:
    await queue_all(database)
    chance = random.Random(slots)
    waiting, busy = Counter(PEOPLE), Counter[str]()
    served: dict[str, int] = {}
    running: list[tuple[str, store.Claim]] = []
    while waiting.total() or running:
        async with database.transaction() as session:
            claim = await store.claim_job(session, "w", 3600) if len(running) < slots else None
            if claim is None:
                owner, ended = running.pop(chance.randrange(len(running)))
                await store.finish_job(session, ended.lease, "succeeded")
                busy[owner] -= 1
                continue
            person = (await store.read_claimed(session, claim.lease)).owner_id
        turns = {p: (busy[p], served.get(p, -1)) for p, left in waiting.items() if left}
        assert turns[person] == min(turns.values()), (person, turns)
        served[person] = sum(PEOPLE.values()) - waiting.total()
        running.append((person, claim))
        waiting[person] -= 1
        busy[person] += 1


async def test_a_quota_of_running_jobs_lets_others_pass(database: Database) -> None:
    await queue_all(database)
    seen = []
    while True:
        async with database.transaction() as session:
            claim = await store.claim_job(session, "w", 3600, max_running=2)
            if claim is None:
                break
            seen.append((await store.read_claimed(session, claim.lease)).owner_id)
    assert Counter(seen) == dict.fromkeys(PEOPLE, 2)


async def test_queued_jobs_say_when_it_is_their_turn(
    database: Database, api: httpx.AsyncClient
) -> None:
    slow = {"estimate": {"bytes": 0, "disk": 0, "minutes": 10}}
    async with database.transaction() as session:
        await session.execute(insert(job), [make_row("ann", **slow) for _ in range(6)])
    unattended = (await api.get("/api/v1/jobs")).json()["items"]
    assert all(j["expected_start_at"] is None for j in unattended), "nobody trains"
    async with database.transaction() as session:
        beat = {"name": "w", "host": "h", "pid": 1, "slots": 2, "about": {}}
        await store.beat_worker(session, beat | {"started_at": datetime.now(UTC)})
    queued = (await api.get("/api/v1/jobs")).json()["items"]
    by_place = sorted(queued, key=lambda j: j["queue_position"])
    assert [j["queue_position"] for j in by_place] == [1, 2, 3, 4, 5, 6]
    starts = [j["expected_start_at"] for j in by_place]
    assert starts == sorted(starts)
    assert all(j["expected_end_at"] > j["expected_start_at"] for j in by_place)


async def test_no_more_jobs_are_queued_than_a_person_may(
    settings: TrainerSettings, database: Database, api: httpx.AsyncClient, blobs: str
) -> None:
    rows = [make_row("test-researcher") for _ in range(settings.max_queued)]
    async with database.transaction() as session:
        await session.execute(insert(job), rows)
    body = {"experiment": "labelled-array", "array": blobs, "overrides": {"input_size": 32}}
    answer = await api.post("/api/v1/jobs", json=body)
    assert answer.status_code == 429
    assert "1000 jobs waiting" in answer.json()["detail"]
