"""Jobs whole: with their epochs, their children and their turn.

Read by the driver itself: people wait for a list of fifty, and by a session it takes twice as long.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from asyncpg import Connection, Record
from sqlalchemy import Dialect, and_, true
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.sql.elements import ColumnElement

from trainer.schemas import FINISHED, Children, Epoch, Job
from trainer.store.common import LOST_WORKER_S
from trainer.tables import job

DIALECT: Dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]
COLUMNS = ", ".join(str(column) for column in job.c if column.name in Job.model_fields)
READ = f"select {COLUMNS}, now() as now"
PAGE = """{read}, (select count(*) from trainer.job where {where}) as total from trainer.job
where {where} and {after} order by created_at desc, job_id desc limit {limit}"""
EPOCHS = "select * from trainer.epoch where job_id = any($1) order by epoch"
CHILDREN = """
select parent_id, count(*) as total, count(*) filter (where state = any($2)) as ended,
       count(*) filter (where state = 'succeeded') as succeeded
from trainer.job where parent_id = any($1) group by parent_id
"""
# A question of its own: joined to jobs, the planner works the whole queue out for each of them.
TURNS = """
select job_id, position, minutes_before,
       (select coalesce(sum((estimate->>'minutes')::float8
                            * (1 - (progress->>'fraction')::float8)), 0)
        from trainer.job where state = 'running') as minutes_left,
       (select coalesce(sum(slots), 0) from trainer.worker
        where heartbeat_at > now() - make_interval(secs => $2)) as slots
from trainer.queue where job_id in (select unnest($1::text[]))
"""


async def find_job(connection: Connection, job_id: str) -> Job | None:
    """One job."""
    found = await find_jobs(connection, [job_id])
    return found[0] if found else None


async def find_jobs(connection: Connection, job_ids: Sequence[str]) -> list[Job]:
    """Jobs in the order of their ids; unknown ones are left out."""
    rows = await connection.fetch(f"{READ} from trainer.job where job_id = any($1)", job_ids)
    found = {one.job_id: one for one in await _whole(connection, rows)}
    return [found[job_id] for job_id in job_ids if job_id in found]


async def list_jobs(
    connection: Connection,
    *,
    where: Sequence[ColumnElement[bool]] = (),
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> tuple[list[Job], int]:
    """A page, newest first, and how many there are in all."""
    conditions, values = _render(where)
    place = len(values) + 1
    query = PAGE.format(
        read=READ,
        where=conditions,
        after="true" if after is None else f"(created_at, job_id) < (${place + 1}, ${place + 2})",
        limit=f"${place}",
    )
    rows = await connection.fetch(query, *values, limit, *(after or ()))
    if rows:
        return await _whole(connection, rows), int(rows[0]["total"])
    count = f"select count(*) from trainer.job where {conditions}"  # noqa: S608 - rendered
    return [], int(await connection.fetchval(count, *values))


def _render(where: Sequence[ColumnElement[bool]]) -> tuple[str, list[Any]]:
    """Conditions as the driver takes them: text with numbered places, and the values of these."""
    together = and_(true(), *where)
    text = together.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
    return str(text), [text.params[name] for name in text.positiontup or ()]


async def _whole(connection: Connection, rows: Sequence[Record]) -> list[Job]:
    found = [dict(row) for row in rows]
    epochs: dict[str, list[Epoch]] = {values["job_id"]: [] for values in found}
    children: dict[str, Children] = {}
    turns: dict[str, Record] = {}
    if begun := [values["job_id"] for values in found if values["started_at"] is not None]:
        for row in await connection.fetch(EPOCHS, begun):
            epochs[row["job_id"]].append(Epoch(**dict(row)))
    if parents := [values["job_id"] for values in found if values["spec"].get("composition")]:
        for row in await connection.fetch(CHILDREN, parents, FINISHED):
            children[row["parent_id"]] = Children(**dict(row))
    if queued := [values["job_id"] for values in found if values["state"] == "queued"]:
        waiting = await connection.fetch(TURNS, queued, LOST_WORKER_S)
        turns = {row["job_id"]: row for row in waiting}
    return [_job(values, epochs, children, turns) for values in found]


def _job(
    values: dict[str, Any],
    all_epochs: Mapping[str, list[Epoch]],
    all_children: Mapping[str, Children],
    turns: Mapping[str, Record],
) -> Job:
    job_id = values["job_id"]
    epochs, children, turn = all_epochs[job_id], all_children.get(job_id), turns.get(job_id)
    permuted = values["spec"]["settings"]["permute_labels"] is not None
    if children and children.ended < children.total and values["state"] == "queued":
        values["progress"] = {"phase": "children", "fraction": children.ended / children.total}
    return Job(
        **(values | _expected(values, epochs, turn)),
        epochs=epochs,
        children=children,
        queue_position=turn["position"] if turn else None,
        control="labels permuted: this job can learn nothing" if permuted else None,
    )


def _expected(
    values: dict[str, Any], epochs: list[Epoch], turn: Record | None
) -> dict[str, datetime | None]:
    """When it starts and ends, if all goes as history says; nothing where no worker lives."""
    start = end = None
    minutes = values["estimate"]["minutes"]
    if turn is not None and turn["slots"]:
        before = (turn["minutes_before"] + turn["minutes_left"]) / turn["slots"]
        start = values["now"] + timedelta(minutes=before)
        end = start + timedelta(minutes=minutes)
    if values["state"] == "running":
        left_s = minutes * 60 * (1 - values["progress"]["fraction"])
        if epochs:
            todo = values["progress"]["epochs"] - len(epochs)
            left_s = todo * sum(e.seconds for e in epochs) / len(epochs)
        end = values["now"] + timedelta(seconds=left_s)
    return {"expected_start_at": start, "expected_end_at": end}
