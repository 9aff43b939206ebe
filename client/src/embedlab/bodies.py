"""Types of the API's bodies that the client names. Members that a server adds are kept."""

from typing import Any, Literal, NotRequired, TypedDict

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Filter = dict[str, Any]


class ImageSummary(TypedDict):
    """An image in a list."""

    image_id: int
    dataset: str
    patient_id: str
    exam_id: str
    sop_instance_uid: str
    ImageLateralityFinal: str | None
    ViewPosition: str | None
    FinalImageType: str | None
    asses: str | None
    assessments: list[str]
    Rows: int | None
    Columns: int | None


class ImageRecord(TypedDict):
    """All of an image; null columns are absent."""

    image_id: int
    dataset: str
    patient_id: str
    exam_id: str
    sop_instance_uid: str
    image: dict[str, Any]
    exam: dict[str, Any]
    patient: dict[str, Any]
    findings: list[dict[str, Any]]
    rois: list[dict[str, Any]]
    siblings: list[ImageSummary]


class Totals(TypedDict):
    """How many are left under a filter."""

    images: int
    exams: int
    patients: int


class Facets(TypedDict):
    """Counts by option under a filter."""

    total: Totals
    facets: dict[str, list[dict[str, Any]]]
    ranges: dict[str, dict[str, Any]]


class Revision(TypedDict):
    """An ingest."""

    revision_id: str
    state: str
    progress: dict[str, Any] | None
    report: NotRequired[dict[str, Any] | None]
    error: NotRequired[str | None]


class CohortClass(TypedDict):
    """A class of a cohort."""

    name: str
    images: int
    patients: int
    splits: dict[str, Any]


class Cohort(TypedDict):
    """A frozen cohort."""

    cohort_id: str
    name: str
    sha256: str
    dataset: str
    revision_id: str
    counts: Totals
    classes: list[CohortClass]
    attrition: list[dict[str, Any]]
    warnings: list[str]


class Member(TypedDict):
    """An image of a cohort, with its label and split."""

    image_id: int
    patient_id: str
    exam_id: str
    label: str
    split: str


class Job(TypedDict):
    """A training job."""

    job_id: str
    name: str
    experiment: str
    cohort_id: str | None
    state: State
    queue_position: int | None
    progress: dict[str, Any]
    epochs: list[dict[str, Any]]
    metrics: dict[str, Any] | None
    reason: str | None
    warnings: list[str]
    spec: dict[str, Any]
    children: NotRequired[dict[str, int] | None]


class Token(TypedDict):
    """A new API token."""

    token_id: str
    token: str
    name: str
    scopes: list[str]
    expires_at: str
