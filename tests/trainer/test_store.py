"""The queue in PostgreSQL: who is next, whose a job is, and what happens when nobody answers."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chassis.database import Database
from sqlalchemy import func, text, update
from trainer import store
from trainer.schemas import Job, Progress
from trainer.settings import TrainerSettings
from trainer.spec import ArraySource, JobSpec, TrainingSettings
from trainer.tables import job


@pytest.fixture
async def database(settings: TrainerSettings) -> AsyncIterator[Database]:
    opened = Database(settings.database_url)
    yield opened
    await opened.close()


def make_row(owner: str, **changes: Any) -> dict[str, Any]:
    spec = JobSpec(
        experiment="labelled-array",
        experiment_version=1,
        protocol="patient",
        profile="quick",
        settings=TrainingSettings(
            model="tiny_cnn", weights="none", input_size=32, epochs=2, batch_size=4,
            learning_rate=0.1,
        ),
        source=ArraySource(name="a", images=10, classes=("a", "b")),
    )  # fmt: skip
    person = {"person_id": owner, "name": owner, "role": "researcher", "agreements": []}
    row = {
        "job_id": str(uuid.uuid4()),
        "name": "n",
        "experiment": "labelled-array",
        "restricted": False,
        "owner_id": owner,
        "owner": person,
        "spec": spec.model_dump(mode="json"),
        "spec_sha256": spec.sha256(),
        "warnings": [],
        "estimate": {"bytes": 0, "disk": 0, "minutes": 0},
        "progress": Progress().model_dump(),
        "priority": 0,
    }
    return row | changes


async def add(database: Database, owner: str, **changes: Any) -> str:
    row = make_row(owner, **changes)
    async with database.transaction() as session:
        assert await store.insert_job(session, row)
    return str(row["job_id"])


async def claim(database: Database, worker: str = "w", lease_s: float = 60) -> store.Claim | None:
    async with database.transaction() as session:
        return await store.claim_job(session, worker, lease_s)


async def read(database: Database, job_id: str) -> Job:
    async with database.reading() as connection:
        found = await store.find_job(connection, job_id)
    assert found is not None
    return found


async def expire(database: Database, job_id: str) -> None:
    async with database.transaction() as session:
        past = func.now() - text("interval '1 second'")
        await session.execute(
            update(job).where(job.c.job_id == job_id).values(lease_expires_at=past)
        )


async def sweep(database: Database, attempts: int = 3) -> list[tuple[str, str]]:
    async with database.transaction() as session:
        return await store.take_back_expired(session, attempts, 0.0)


async def test_people_take_turns_whatever_they_queued_first(database: Database) -> None:
    for person in ("ann", "ann", "ann", "bob", "bob", "cem"):
        await add(database, person)
    order = []
    while (claimed := await claim(database)) is not None:
        order.append((await read(database, claimed.lease.job_id)).owner.person_id)
    assert order == ["ann", "bob", "cem", "ann", "bob", "ann"]


async def test_who_has_a_job_running_waits_for_who_has_none(database: Database) -> None:
    await add(database, "ann")
    assert await claim(database)
    mine, others = await add(database, "ann"), await add(database, "bob")
    assert (await read(database, others)).queue_position == 1
    assert (await read(database, mine)).queue_position == 2
    claimed = await claim(database)
    assert claimed is not None
    assert claimed.lease.job_id == others


async def test_priority_orders_the_jobs_of_one_person(database: Database) -> None:
    await add(database, "ann")
    urgent = await add(database, "ann", priority=1)
    claimed = await claim(database)
    assert claimed is not None
    assert claimed.lease.job_id == urgent


async def test_workers_at_once_never_get_the_same_job(database: Database) -> None:
    ids = {await add(database, f"p{i % 3}") for i in range(12)}
    claims = await asyncio.gather(*(claim(database, f"w{i}") for i in range(20)))
    taken = [c.lease.job_id for c in claims if c is not None]
    assert len(taken) == 12
    assert set(taken) == ids


async def test_a_job_that_is_not_due_is_not_claimed(database: Database) -> None:
    later = func.now() + text("interval '1 hour'")
    await add(database, "ann", not_before=later)
    assert await claim(database) is None
    async with database.transaction() as session:
        assert await store.count_due(session) == 0


async def test_every_write_of_a_former_holder_is_refused(database: Database) -> None:
    job_id = await add(database, "ann")
    first = await claim(database, "w1")
    assert first is not None
    await expire(database, job_id)
    assert await sweep(database) == [(job_id, "queued")]
    second = await claim(database, "w2")
    assert second is not None
    assert second.lease.fence > first.lease.fence
    epoch = {"epoch": 1, "seconds": 1.0, "checkpoint": {}}
    writes = (
        lambda s: store.renew_lease(s, first.lease, 10),
        lambda s: store.write_progress(s, first.lease, Progress()),
        lambda s: store.write_epoch(s, first.lease, epoch, Progress()),
        lambda s: store.drop_epochs(s, first.lease, 0),
        lambda s: store.give_back(s, first.lease, "x", 3, 0),
        lambda s: store.hand_over(s, first.lease),
        lambda s: store.finish_job(s, first.lease, "succeeded"),
        lambda s: store.read_claimed(s, first.lease),
    )
    for write in writes:
        with pytest.raises(store.LeaseLost):
            async with database.transaction() as session:
                await write(session)
    found = await read(database, job_id)
    assert (found.state, found.worker, found.epochs) == ("running", "w2", [])


async def test_a_silent_worker_loses_its_job_a_bounded_number_of_times(database: Database) -> None:
    job_id = await add(database, "ann")
    for attempt in (1, 2, 3):
        claimed = await claim(database)
        assert claimed is not None
        assert claimed.attempts == attempt
        await expire(database, job_id)
        await sweep(database)
    found = await read(database, job_id)
    assert found.state == "failed"
    assert found.finished_at is not None
    assert "3 attempts in a row" in (found.reason or "")
    assert found.quarantined
    assert [f.attempt for f in found.failures] == [1, 2, 3]
    assert "no heartbeat" in (found.reason or "")
    assert await claim(database) is None


async def test_an_epoch_makes_up_for_the_attempts_before_it(database: Database) -> None:
    job_id = await add(database, "ann")
    for number in range(1, 7):
        claimed = await claim(database)
        assert claimed is not None
        if number % 2 == 0:
            values = {"epoch": number, "seconds": 1.0, "checkpoint": {"key": "k"}}
            for _ in range(2):  # a commit whose answer was lost is sent again
                async with database.transaction() as session:
                    await store.write_epoch(session, claimed.lease, values, Progress())
        await expire(database, job_id)
        await sweep(database, attempts=2)
    found = await read(database, job_id)
    assert (found.state, found.attempts, found.quarantined) == ("queued", 6, False)
    assert [e.epoch for e in found.epochs] == [2, 4, 6]


async def test_queued_jobs_say_that_they_wait_for_the_broker(database: Database) -> None:
    waiting, running = await add(database, "ann"), await add(database, "bob")
    claimed = await claim(database)
    assert claimed is not None
    waiting, running = sorted((waiting, running), key=lambda j: j == claimed.lease.job_id)
    async with database.transaction() as session:
        await store.tell_waiting(session, "the broker")
    assert (await read(database, waiting)).waiting == "the broker"
    assert (await read(database, running)).waiting is None
    async with database.transaction() as session:
        await store.tell_waiting(session, None)
    assert (await read(database, waiting)).waiting is None


async def test_a_heartbeat_keeps_the_job_and_hears_of_a_cancel(database: Database) -> None:
    job_id = await add(database, "ann")
    claimed = await claim(database, lease_s=0.2)
    assert claimed is not None
    async with database.transaction() as session:
        assert not (await store.renew_lease(session, claimed.lease, 60)).cancel_requested
    await asyncio.sleep(0.3)
    assert await sweep(database) == []
    async with database.transaction() as session:
        assert await store.cancel_job(session, job_id)
    assert (await read(database, job_id)).state == "running"
    async with database.transaction() as session:
        assert (await store.renew_lease(session, claimed.lease, 60)).cancel_requested


async def test_a_cancelled_job_of_a_lost_worker_ends_as_cancelled(database: Database) -> None:
    job_id = await add(database, "ann")
    await claim(database)
    async with database.transaction() as session:
        await store.cancel_job(session, job_id)
    await expire(database, job_id)
    assert await sweep(database) == [(job_id, "cancelled")]


async def test_a_shut_down_worker_costs_no_attempt(database: Database) -> None:
    job_id = await add(database, "ann")
    claimed = await claim(database)
    assert claimed is not None
    async with database.transaction() as session:
        await store.hand_over(session, claimed.lease)
    found = await read(database, job_id)
    assert (found.state, found.attempts, found.worker) == ("queued", 0, None)


async def test_delays_double_with_the_attempts(database: Database) -> None:
    job_id = await add(database, "ann")
    for expected in (10, 20, 40):
        async with database.transaction() as session:
            now = update(job).where(job.c.job_id == job_id).values(not_before=func.now())
            await session.execute(now)
        claimed = await claim(database)
        assert claimed is not None
        async with database.transaction() as session:
            await store.give_back(session, claimed.lease, "away", 9, 10)
            wait = await session.scalar(
                text("select extract(epoch from not_before - now()) from trainer.job")
            )
        assert float(wait or 0) == pytest.approx(expected)


async def test_pages_hold_every_job_once_newest_first(database: Database) -> None:
    ids = [await add(database, "ann") for _ in range(7)]
    seen: list[str] = []
    after = None
    while True:
        async with database.reading() as connection:
            page, total = await store.list_jobs(connection, after=after, limit=3)
        assert total == 7
        if not page:
            break
        seen += [found.job_id for found in page]
        after = (page[-1].created_at, page[-1].job_id)
    assert seen == ids[::-1]
