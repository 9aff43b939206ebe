"""Bodies of ``/statistics``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from catalog.fields import Kind, Level
from catalog.schemas import FilterDocument, Totals, Value

FieldName = Annotated[str, Field(max_length=100)]
FieldNames = Annotated[list[FieldName], Field(max_length=50)]
Crosses = Annotated[list[tuple[FieldName, FieldName]], Field(max_length=20)]
Unit = Literal["images", "exams", "patients"]


class StatisticsRequest(BaseModel):
    """What to count under a filter; ``fields`` null: the fields of the default facets."""

    model_config = ConfigDict(extra="forbid")

    dataset: str | None = None
    filter: FilterDocument | None = None
    fields: FieldNames | None = None
    cross: Crosses = Field(default=[], examples=[[["asses", "tissueden"]]])
    missing: StrictBool = False
    years: StrictBool = True
    count: Unit = "images"


class AboutField(BaseModel):
    """A field."""

    field: str
    label: str
    level: Level
    kind: Kind


class Bin(BaseModel):
    """A value, or a bucket ``gte`` <= value < ``lt`` of numbers or days; null has a bin too."""

    label: str
    value: Value = None
    gte: float | str | None = None
    lt: float | str | None = None


class CountedBin(Bin):
    """A bin, and how many fall in it."""

    count: int


class Summary(BaseModel):
    """Of a number, over its distinct values per image, exam or patient."""

    count: int
    mean: float
    sd: float
    min: float
    q1: float
    median: float
    q3: float
    max: float


class Distribution(AboutField):
    """A field's bins in plotting order."""

    bins: list[CountedBin]
    summary: Summary | None


class BinnedField(AboutField):
    """An axis of a cross-table."""

    bins: list[Bin]


class CrossTable(BaseModel):
    """Two fields: ``counts[i][j]`` has bin i of the rows and bin j of the columns."""

    rows: BinnedField
    columns: BinnedField
    counts: list[list[int]]


class Missingness(AboutField):
    """How many patients, exams, finding rows or images (the field's level) have no value."""

    total: int
    missing: int
    share: float | None


class Statistics(BaseModel):
    """Counts under a filter, ready to plot. Dates are shifted per patient, as EMBED's are."""

    total: Totals
    count: Unit
    distributions: list[Distribution]
    cross_tables: list[CrossTable]
    years: list[CountedBin] | None
    missing: list[Missingness] | None
