"""Bodies of requests and answers: the contract."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from catalog.fields import Kind, Level

Value = str | int | float | bool | None

FilterDocument = Annotated[
    dict[str, Any],
    Field(
        description="Conditions by field: a value, a list of values (OR), or an object of "
        "`in`, `gte`, `gt`, `lte`, `lt`, `not`, `none`. Fields are AND; null is a value.",
        examples=[{"asses": ["S", "M"], "ViewPosition": ["CC"], "age_at_study": {"gte": 40}}],
    ),
]
DatasetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", examples=["embed"])]
Uri = Annotated[str, Field(min_length=1, max_length=2000, examples=["s3://bucket/tables/x.csv"])]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Option(BaseModel):
    """A value that a filter can take, and how many images have it."""

    value: Value
    label: str
    count: int


class Range(BaseModel):
    """Least and greatest value, and how many images have none."""

    min: float | str | None
    max: float | str | None
    nulls: int


class Filter(BaseModel):
    """Something to filter by."""

    name: str
    label: str
    level: Level
    kind: Kind
    description: str
    multiple: bool = Field(
        description="A cell holds a list of values; a filter matches one of them"
    )
    options: list[Option]
    range: Range | None


class ImageSummary(BaseModel):
    """An image as lists show it."""

    image_id: int
    dataset: str
    patient_id: str
    exam_id: str
    sop_instance_uid: str
    ImageLateralityFinal: str | None
    ViewPosition: str | None
    FinalImageType: str | None
    asses: str | None = Field(description="The worst of its findings")
    assessments: list[str]
    findings: int = Field(description="Findings of the exam that apply to this side")
    num_roi: int
    study_date_anon: str | None
    age_at_study: float | None
    tissueden: float | None
    Manufacturer: str | None
    Rows: int | None
    Columns: int | None


class ImageSearch(BaseModel):
    """A page of images."""

    model_config = ConfigDict(extra="forbid")

    dataset: str | None = None
    filter: FilterDocument | None = None
    sort: str | None = Field(default=None, max_length=100, examples=["-age_at_study"])
    cursor: str | None = Field(default=None, max_length=2048)
    limit: int = Field(default=50, ge=1, le=1000)


class FacetRequest(BaseModel):
    """What to count under a filter."""

    model_config = ConfigDict(extra="forbid")

    dataset: str | None = None
    filter: FilterDocument | None = None
    facets: list[str] | None = Field(default=None, max_length=250)
    count: Literal["images", "exams", "patients"] = "images"


class Totals(BaseModel):
    """Exact numbers under a filter."""

    images: int
    exams: int
    patients: int


class Bucket(BaseModel):
    """Images with ``gte`` <= value < ``lt`` (the last bucket holds its upper end too)."""

    gte: float | str
    lt: float | str
    count: int


class RangeFacet(Range):
    """A range under a filter, and its histogram."""

    buckets: list[Bucket]


class Facets(BaseModel):
    """Exact counts per value; a field's own condition is left out of its counts."""

    total: Totals
    facets: dict[str, list[Option]]
    ranges: dict[str, RangeFacet]


class Finding(BaseModel):
    """A row of the clinical table: one finding, once per procedure."""

    values: dict[str, Value]
    labels: dict[str, str]
    kinds: list[str]


class RoiBox(BaseModel):
    """A box in the chest-wall-left frame, pixels of the full-size image."""

    n: int
    ymin: int
    xmin: int
    ymax: int
    xmax: int
    match_level: int | None


class Box(BaseModel):
    """A box in the pixels of an image: rows ``ymin`` to ``ymax``, columns ``xmin`` to ``xmax``."""

    ymin: int
    xmin: int
    ymax: int
    xmax: int


class ImageRoi(RoiBox):
    """A box in both frames."""

    stored: Box | None = Field(
        description="The box in the frame of the file; null where the tables do not tell "
        "whether it is mirrored"
    )


class ImageRecord(BaseModel):
    """Everything known of an image. Null columns are absent."""

    image_id: int
    dataset: str
    revision_id: int
    patient_id: str
    exam_id: str
    sop_instance_uid: str
    image: dict[str, Value]
    exam: dict[str, Value]
    patient: dict[str, Value]
    findings: list[Finding]
    mirrored: bool | None = Field(
        description="Whether the file's pixels must be mirrored to have the chest wall left, "
        "as far as the tables tell"
    )
    rois: list[ImageRoi]
    siblings: list[ImageSummary]
    cview_twin: int | None


class ExamRecord(BaseModel):
    """An exam: its findings of both sides, its images and how they hang."""

    exam_id: str
    dataset: str
    revision_id: int
    patient_id: str
    exam: dict[str, Value]
    patient: dict[str, Value]
    findings: list[Finding]
    images: list[ImageSummary]
    hanging: dict[str, int | None] = Field(
        description="The image of each standard view: 2D, else the C-View, else a spot view",
        examples=[{"R CC": 1, "L CC": 2}],
    )


class PathologyCode(BaseModel):
    """A code of path1 to path10 and its meaning."""

    value: str
    label: str


class TimelineProcedure(BaseModel):
    """A biopsy or an operation, and what it found."""

    date: str | None = Field(description="Of the procedure; else of the pathology report")
    reported: str | None = Field(description="Of the pathology report")
    days_since_exam: int | None = Field(description="Since the exam whose finding led to it")
    days_since_screen: int | None = Field(description="Since the last screening exam until then")
    numfind: float | None
    side: str | None
    type: str | None
    technique: str | None
    labels: dict[str, str]
    path_severity: float | None
    pathology: str | None
    pathology_codes: list[PathologyCode]


class TimelineExam(BaseModel):
    """One exam of a patient; ``days`` since the first."""

    exam_id: str
    date: str | None
    days: int | None
    days_since_previous: int | None
    days_since_screen: int | None = Field(description="Since the last screening exam before")
    desc: str | None
    exam_type: str | None
    age_at_study: float | None
    tissueden: float | None
    asses: str | None
    path_severity: float | None
    pathology: str | None
    images: int
    findings: int
    procedures: list[TimelineProcedure]


class PatientRecord(BaseModel):
    """A patient and all their exams in time."""

    patient_id: str
    dataset: str
    revision_id: int
    patient: dict[str, Value]
    exams: list[TimelineExam]


class SourceFile(BaseModel):
    """A file that a revision was made of."""

    uri: str
    sha256: str
    rows: int
    table: str
    bytes: int


class RevisionSummary(BaseModel):
    """The revision that is served."""

    revision_id: int
    sha256: str
    created_at: datetime
    sources: list[SourceFile]
    counts: dict[str, int]


class Basis(BaseModel):
    """Why a lab may keep a shared copy of a restricted dataset, by whose word."""

    text: str
    recorded_by: str = Field(description="An admin's person_id")
    recorded_at: datetime


class DatasetSummary(BaseModel):
    """A dataset; ``revision`` is null until its first ingest is done."""

    name: str
    title: str
    restricted: bool
    licence: str | None
    attribution: str | None
    basis: Basis | None = Field(description="Of the shared copy; restricted datasets need one")
    revision: RevisionSummary | None


class RevisionRequest(BaseModel):
    """What to ingest: both tables, or the folder that holds them."""

    model_config = ConfigDict(extra="forbid")

    clinical: Uri | None = None
    metadata: Uri | None = None
    tables: Uri | None = Field(
        default=None,
        description="Folder of both tables, found by their names: `s3://bucket/tables/`",
    )
    image_root: Uri = Field(description="Folder of the DICOM files: `s3://bucket/images`")
    title: str | None = Field(default=None, max_length=200)
    restricted: StrictBool | None = None
    licence: str | None = Field(default=None, max_length=500)
    attribution: str | None = Field(default=None, max_length=2000)
    basis: str | None = Field(
        default=None,
        min_length=10,
        max_length=2000,
        description="On what basis the lab keeps a shared copy; restricted datasets need one",
        examples=["Emory's written consent of 2026-03-02 to one copy for registered members"],
    )
    dry_run: StrictBool = False

    @model_validator(mode="after")
    def _names_both_tables(self) -> Self:
        given = (self.clinical is not None, self.metadata is not None)
        if given != ((False, False) if self.tables else (True, True)):
            raise ValueError("give clinical and metadata, or the folder of both as tables")
        return self


class Progress(BaseModel):
    """How far an ingest is; ``total`` is an estimate while a file streams."""

    phase: str
    rows: int
    total: int | None


class RevisionState(BaseModel):
    """An ingest."""

    revision_id: int
    dataset: str
    state: Literal["queued", "running", "succeeded", "failed"]
    progress: Progress
    dry_run: bool
    sha256: str | None
    counts: dict[str, int]
    report: dict[str, Any] | None
    error: str | None
    same_as: int | None = Field(description="The active revision that has the same content")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ImageSourceRequest(BaseModel):
    """Images whose files are wanted."""

    model_config = ConfigDict(extra="forbid")

    image_ids: list[Annotated[int, Field(gt=0, lt=2**63)]] = Field(min_length=1, max_length=1000)


class ImageSource(BaseModel):
    """Where an image's file lies, and what drawing it needs."""

    image_id: int
    dataset: str
    restricted: bool
    revision_id: int
    patient_id: str
    exam_id: str
    sop_instance_uid: str
    source: str
    laterality: str | None
    view_position: str | None
    rois: list[RoiBox]


class ImageSources(BaseModel):
    """Sources of the images that exist, ids of those that do not."""

    items: list[ImageSource]
    missing: list[int]
