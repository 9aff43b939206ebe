"""Weights that jobs left."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from trainer.model_schemas import Lineage, Model
from trainer.store.common import AnyRow
from trainer.tables import job


def _models() -> Select[Any]:
    roc_auc = job.c.metrics["test"]["roc_auc"].label("roc_auc")
    columns = [column for column in job.c if column.name not in ("metrics", "combined")]
    return select(*columns, roc_auc).where(job.c.model.is_not(None), job.c.state == "succeeded")


async def list_models(
    session: AsyncSession,
    *,
    where: Sequence[ColumnElement[bool]],
    after: tuple[datetime, str] | None,
    limit: int,
) -> tuple[list[AnyRow], int]:
    """A page, newest first, and how many there are in all."""
    found = _models().where(*where)
    total = await session.scalar(select(func.count()).select_from(found.subquery()))
    page = found.order_by(job.c.created_at.desc(), job.c.job_id.desc()).limit(limit)
    if after is not None:
        page = page.where(tuple_(job.c.created_at, job.c.job_id) < tuple_(*map(literal, after)))
    return list((await session.execute(page)).all()), int(total or 0)


async def find_model(session: AsyncSession, model_id: str) -> AnyRow | None:
    """The row of a job that left weights."""
    found: AnyRow | None
    found = (await session.execute(_models().where(job.c.job_id == model_id))).first()
    return found


def as_model(row: AnyRow) -> Model:
    """The public form of such a row."""
    spec, about = row.spec, row.model
    source = spec["source"]
    lineage = Lineage(
        job_id=row.job_id,
        parent_id=row.parent_id,
        experiment=row.experiment,
        protocol=spec["protocol"],
        experiment_version=spec["experiment_version"],
        spec_sha256=row.spec_sha256,
        dataset=row.dataset,
        revision_id=source.get("revision_id"),
        cohort_id=row.cohort_id,
        cohort_sha256=source.get("sha256"),
        array=source.get("name"),
        samples_sha256=about["samples_sha256"],
        code_version=about["code_version"],
        versions=about["versions"],
    )
    told = ("parameters", "bytes", "weights_sha256", "preprocessing", "preprocessing_sha256")
    return Model(
        model_id=row.job_id,
        name=row.name,
        owner=row.owner,
        architecture=spec["settings"]["model"],
        classes=source["classes"],
        created_at=row.finished_at,
        roc_auc=row.roc_auc,
        lineage=lineage,
        **{name: about[name] for name in told},
    )
