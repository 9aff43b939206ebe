"""The files of one frozen cohort, made block after block: memory holds one block of any file.

Cohorts and revisions never change, so that each block is a short query of its own: a slow reader
holds no transaction open, and one who leaves leaves nothing behind.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from chassis.database import Database

from catalog.exports import manifest
from catalog.exports.tables import (
    OF_A_MEMBER,
    CsvBlocks,
    ExportColumn,
    ParquetBlocks,
    export_columns,
    read_rows,
)
from catalog.store import exports
from catalog.store.exports import Origin

TableName = Literal["members", "findings"]
Format = Literal["csv", "parquet"]
Writer = CsvBlocks | ParquetBlocks

ROWS = 8_000


class CohortGone(Exception):
    """The cohort was deleted while it was exported; what was sent so far is no whole file."""


@dataclass(frozen=True)
class CohortExport:
    """A cohort, the revision that it was frozen on, and how many members it has."""

    database: Database
    cohort: Mapping[str, Any]
    origin: Origin
    members: int

    @property
    def cohort_id(self) -> UUID:
        """The cohort's identity."""
        return UUID(self.cohort["cohort_id"])

    def columns(self, table: TableName) -> list[ExportColumn]:
        """The columns of a table, in the order of the file that they come from."""
        if table == "findings":
            return export_columns("clinical", list(self.origin.columns["clinical"]))
        metadata = export_columns("metadata", list(self.origin.columns["metadata"]))
        return [*OF_A_MEMBER, *metadata]

    async def table(self, table: TableName, format_: Format) -> AsyncIterator[bytes]:
        """A table as a file."""
        listed = self.columns(table)
        writer: Writer = (
            CsvBlocks(listed) if format_ == "csv" else ParquetBlocks(listed, self._about())
        )
        yield writer.begin()
        async for rows, data in self._members() if table == "members" else self._findings():
            yield await asyncio.to_thread(_encode, writer, listed, rows, data)
        yield writer.end()

    async def manifest(self) -> AsyncIterator[bytes]:
        """The list of copies; an image that is a member several times is copied once."""
        name, sha256 = self.cohort["name"], self.cohort["sha256"]
        yield manifest.header(str(self.cohort_id), name, sha256).encode()
        last: tuple[str, str | None] | None = None
        for begin in range(0, self.members, ROWS):
            end = min(begin + ROWS, self.members)
            found = await exports.member_paths(
                self.database, self.origin, self.cohort_id, begin, end
            )
            _check(end - begin, len(found))
            pairs = zip(found, [last, *found[:-1]], strict=True)
            fresh = [image for image, before in pairs if image != before]
            last = found[-1]
            yield manifest.copies(self.origin.image_root, fresh).encode()

    async def digest(self, table: TableName, format_: Format) -> tuple[str, int]:
        """(sha256, bytes) of a table's file."""
        digest, size = hashlib.sha256(), 0
        async for block in self.table(table, format_):
            digest.update(block)
            size += len(block)
        return digest.hexdigest(), size

    def _about(self) -> dict[str, str]:
        return {
            "embedlab.cohort_id": str(self.cohort_id),
            "embedlab.cohort_sha256": self.cohort["sha256"],
            "embedlab.dataset": self.cohort["dataset"],
            "embedlab.revision_sha256": self.origin.sha256,
        }

    async def _members(self) -> AsyncIterator[tuple[int, bytes]]:
        for begin in range(0, self.members, ROWS):
            end = min(begin + ROWS, self.members)
            yield (
                end - begin,
                await exports.copy_members(self.database, self.origin, self.cohort_id, begin, end),
            )

    async def _findings(self) -> AsyncIterator[tuple[int, bytes]]:
        numbers = await exports.finding_numbers(self.database, self.origin, self.cohort_id)
        # A cohort without members has no findings either, but then it was deleted.
        _check(self.members, await exports.count_members(self.database, self.cohort_id))
        for begin in range(0, len(numbers), ROWS):
            some = numbers[begin : begin + ROWS]
            yield len(some), await exports.copy_findings(self.database, self.origin, some)


def _encode(writer: Writer, listed: list[ExportColumn], rows: int, data: bytes) -> bytes:
    frame = read_rows(data, listed) if data else None
    _check(rows, 0 if frame is None else frame.height)
    assert frame is not None
    return writer.add(frame)


def _check(expected: int, found: int) -> None:
    if found != expected:
        raise CohortGone(f"{found} rows of {expected}")
