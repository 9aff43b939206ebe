"""The audit log, for admins: to search and to take away."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated

from chassis.pages import Cursor, Limit, Page, decode_cursor, encode_cursor
from chassis.parameters import Moment
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import RowMapping

from gateway import store
from gateway.api.common import Admin, HallOf, audit_row, parse_id
from gateway.api.schemas import AuditBody
from gateway.door import Hall

router = APIRouter(prefix="/api/v1", tags=["people"])

EXPORT_PAGE = 2_000
COLUMNS = tuple(AuditBody.model_fields)


def narrow(
    person_id: Annotated[str | None, Query(max_length=64)] = None,
    action: Annotated[str | None, Query(max_length=64, examples=["image.original"])] = None,
    object: Annotated[  # noqa: A002 - the column's name
        str | None, Query(max_length=500, examples=["/api/v1/images/7/dicom"])
    ] = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> store.AuditFilter:
    """Dependency: which rows."""
    person = parse_id("person", person_id) if person_id else None
    return store.AuditFilter(person, action, object, since, until)


Wanted = Annotated[store.AuditFilter, Depends(narrow)]


@router.get("/audit")
async def search_audit(
    hall: HallOf, admin: Admin, wanted: Wanted, limit: Limit = 50, cursor: Cursor = None
) -> Page[AuditBody]:
    """Who did what, newest first."""
    position = decode_cursor(cursor, str(wanted), 1)
    before = int(position[0]) if position else None
    async with hall.cache.database.transaction() as session:
        rows = await store.list_audit(session, wanted, before, limit + 1)
        total = await store.count_audit(session, wanted)
    items = [AuditBody.model_validate(dict(row)) for row in rows[:limit]]
    following = encode_cursor([items[-1].audit_id], str(wanted)) if len(rows) > limit else None
    return Page(items=items, total=total, next=following)


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_audit(
    request: Request, hall: HallOf, admin: Admin, wanted: Wanted
) -> StreamingResponse:
    """The rows as CSV, newest first; as many as there are."""
    me = admin.identity.person_id
    hall.audit.record(audit_row(request, "audit.export", me, status=200))
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(_lines(hall, wanted), media_type="text/csv", headers=headers)


async def _lines(hall: Hall, wanted: store.AuditFilter) -> AsyncIterator[str]:
    yield ",".join(COLUMNS) + "\r\n"
    before: int | None = None
    while True:
        async with hall.cache.database.transaction() as session:
            rows = await store.list_audit(session, wanted, before, EXPORT_PAGE)
        if not rows:
            return
        yield _csv(rows)
        before = rows[-1]["audit_id"]


def _csv(rows: Sequence[RowMapping]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_plain(row[column]) for column in COLUMNS])
    return text.getvalue()


def _plain(value: object) -> object:
    """A cell that no spreadsheet takes for a formula (a person chooses their e-mail address)."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
