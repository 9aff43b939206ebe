"""Rows as the files had them (text) into typed tables under EMBED's names. Pure.

Identifiers are text, numbers are 64-bit floats (the counts among them integers), days are dates,
everything else is text; what the ingest would refuse is null. CSV and Parquet hold the same cells.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from catalog.fields import Column, Table, columns, fields

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "code", "integer", "number", "date"]

# Counts and numbers of things; every other number of EMBED is a float because of its nulls.
INTEGERS = frozenset(
    (
        "Unnamed: 0",
        "numfind",
        "stable",
        "new",
        "cohort_num",
        "InstanceNumber",
        "SeriesNumber",
        "num_roi",
    )
)
NULLS = ["", "NaN", "nan"]
DAY = r"^(\d{4}-\d{2}-\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?$"
DECIMAL_CODE = r"^(-?\d+)\.0+$"

POLARS_TYPES: Mapping[Kind, Any] = {
    "text": pl.String,
    "code": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "date": pl.Date,
}


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """A column of an export: its name there, and what its cells are."""

    name: str
    kind: Kind
    description: str


OF_A_MEMBER = (
    ExportColumn("image_id", "integer", "Identity of the image in this catalog, kept for ever"),
    ExportColumn("sop_instance_uid", "text", "SOP Instance UID: its identity anywhere"),
    ExportColumn("label", "text", "Class of the image in the cohort"),
    ExportColumn("split", "text", "train, validation or test"),
    ExportColumn("fold", "integer", "Fold of a k-fold cohort"),
    ExportColumn("evidence", "text", "What the label rests on, as JSON"),
)


def export_columns(table: Table, names: Sequence[str]) -> list[ExportColumn]:
    """The columns of a file as an export has them; a name that is ours is said with its table."""
    known = columns(table)
    ours = {column.name for column in OF_A_MEMBER}
    return [
        ExportColumn(
            f"{table}.{name}" if name in ours else name,
            _kind(known.get(name), name),
            _label(known, name),
        )
        for name in names
    ]


def _label(known: Mapping[str, Column], name: str) -> str:
    return known[name].label if name in known else "A column that EMBED's documents do not name"


def _kind(column: Column | None, name: str) -> Kind:
    if column is None:
        return "text"
    match column.type:
        case "number" | "flag":
            return "integer" if name in INTEGERS else "number"
        case "date":
            return "date"
        case "code":
            listed = name in fields() and fields()[name].multi
            return "text" if listed else "code"
        case _:
            return "text"


def read_rows(data: bytes, listed: Sequence[ExportColumn]) -> pl.DataFrame:
    """Records of CSV without a header, typed."""
    frame = pl.read_csv(
        data,
        has_header=False,
        schema={column.name: pl.String for column in listed},
        null_values=NULLS,
    )
    return frame.select([_typed(column) for column in listed])


def _typed(column: ExportColumn) -> pl.Expr:
    cell = pl.col(column.name).str.strip_chars()
    match column.kind:
        case "integer" if column in OF_A_MEMBER:
            return cell.cast(pl.Int64)
        case "integer":
            number = _number(cell)
            return pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)
        case "number":
            return _number(cell)
        case "date":
            return cell.str.extract(DAY).str.to_date("%Y-%m-%d", strict=False)
        case "code":
            return cell.str.replace(DECIMAL_CODE, "$1")
        case "text":
            return cell


def _number(cell: pl.Expr) -> pl.Expr:
    number = cell.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


class CsvBlocks:
    """A table as CSV, block after block; the first has the header."""

    def __init__(self, listed: Sequence[ExportColumn]) -> None:
        self._listed = listed

    def begin(self) -> bytes:
        """The header."""
        out = io.BytesIO()
        pl.DataFrame(schema={c.name: pl.String for c in self._listed}).write_csv(out)
        return out.getvalue()

    def add(self, frame: pl.DataFrame) -> bytes:
        """Some rows."""
        out = io.BytesIO()
        frame.write_csv(out, include_header=False)
        return out.getvalue()

    def end(self) -> bytes:
        """Nothing more."""
        return b""


class ParquetBlocks:
    """A table as Parquet, one row group a block; ``about`` becomes metadata of the file."""

    def __init__(self, listed: Sequence[ExportColumn], about: Mapping[str, str]) -> None:
        # Not at the top: it costs 50 MB, which a catalog that exports nothing need not hold.
        import pyarrow.parquet as parquet

        self._sink = _Taken()
        self._schema = _arrow_schema(listed).with_metadata(dict(about))
        self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")

    def begin(self) -> bytes:
        """The magic number."""
        return self._sink.take()

    def add(self, frame: pl.DataFrame) -> bytes:
        """Some rows: a row group."""
        self._writer.write_table(frame.to_arrow().cast(self._schema))
        return self._sink.take()

    def end(self) -> bytes:
        """The footer."""
        self._writer.close()
        return self._sink.take()


def _arrow_schema(listed: Sequence[ExportColumn]) -> "pa.Schema":
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "code": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "date": pa.date32(),
    }
    return pa.schema([pa.field(column.name, types[column.kind]) for column in listed])


class _Taken(io.RawIOBase):
    """A file whose bytes are taken away while it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
