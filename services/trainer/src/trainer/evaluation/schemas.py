"""What an evaluation says, as the API has it."""

from typing import Literal

from pydantic import BaseModel, Field


class Interval(BaseModel):
    """A metric with its 95 % interval (bootstrap over patients); null where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


class SplitMetrics(BaseModel):
    """What predictions on a test split came to; null where an older version did not tell."""

    n: int = Field(description="Images, or breasts, or exams")
    patients: int
    accuracy: Interval
    balanced_accuracy: Interval
    roc_auc: Interval = Field(description="One against the rest, averaged, for more classes")
    pr_auc: Interval
    f1: Interval
    sensitivity_at_90_specificity: Interval | None = Field(
        default=None,
        description=(
            "Greatest of any threshold of the test split's own ROC curve that keeps a specificity "
            "of 90 %: no threshold was chosen beforehand; see `thresholds` for those that were"
        ),
    )
    specificity_at_90_sensitivity: Interval | None = Field(
        default=None, description="Likewise, with a sensitivity of 90 %"
    )
    log_loss: Interval
    brier: Interval
    ece: Interval | None = Field(
        default=None, description="Expected calibration error over 15 bins of equal width"
    )
    recall: dict[str, Interval] = Field(description="By class")


class BaselineMetrics(SplitMetrics):
    """The same of a model that cannot see lesions."""

    name: str
    features: list[str] = Field(description="What it was told")


class ChosenThreshold(BaseModel):
    """A threshold chosen on validation, and what it comes to on the test split."""

    rule: Literal["balanced_accuracy", "specificity_90", "sensitivity_90"] = Field(
        description=(
            "What was sought on validation: the greatest balanced accuracy (Youden), the greatest "
            "sensitivity at a specificity of at least 90 %, or the reverse"
        )
    )
    threshold: float = Field(
        description="Probability of the second class from which an image is called it"
    )
    validation_sensitivity: float
    validation_specificity: float
    sensitivity: Interval = Field(description="On the test split, the threshold as given")
    specificity: Interval = Field(description="Likewise")


class ConfusionMatrix(BaseModel):
    """``counts[i][j]``: images of class ``labels[i]`` read as ``labels[j]``."""

    labels: list[str]
    counts: list[list[int]]


class RocCurve(BaseModel):
    """From (0, 0) to (1, 1); for two classes one curve, of the second."""

    name: str
    fpr: list[float]
    tpr: list[float]


class PrCurve(BaseModel):
    """From recall 0 to 1; for two classes one curve, of the second."""

    name: str
    recall: list[float]
    precision: list[float]


class LevelMetrics(BaseModel):
    """The test split by breast or exam: the worst label, and one probability by a rule."""

    level: Literal["breast", "exam"]
    rule: Literal["mean", "max"] = Field(
        description=(
            "`mean` of its images' probabilities; `max`: as probably a class or worse as the image "
            "that is most so; of two classes the greatest probability of the worse"
        )
    )
    test: SplitMetrics


class Reliability(BaseModel):
    """Bins that hold any: mean confidence, share that came true, and how many."""

    predicted: list[float]
    observed: list[float]
    n: list[int]


class Gap(BaseModel):
    """A group less all others, in the same draws of patients."""

    roc_auc: Interval
    balanced_accuracy: Interval


class Group(Gap):
    """A part of the test split; ``small``: fewer than 50 patients."""

    value: str
    n: int
    patients: int
    small: bool
    gap: Gap


class Subgroups(BaseModel):
    """The groups of one variable, e.g. of `race`."""

    variable: str
    label: str
    groups: list[Group]


class Evaluation(BaseModel):
    """What is told of a test split beside its figures by image."""

    levels: list[LevelMetrics]
    levels_refused: str | None = Field(description="Why there is no breast and exam level")
    pr: list[PrCurve]
    calibration: Reliability
    subgroups: list[Subgroups]


class PairedDifference(BaseModel):
    """Two jobs on the same test images: ROC-AUC of ``b`` less that of ``a``.

    ``bootstrap_p``: two-sided, patients drawn for both alike. ``delong_p``: DeLong's test with
    the variance of Obuchowski for images that share a patient; null for more than two classes.
    """

    a: str
    b: str
    n: int = Field(description="Images")
    patients: int
    roc_auc: Interval
    bootstrap_p: float
    delong_p: float | None


class Refused(BaseModel):
    """Why two jobs cannot be tested against each other."""

    a: str
    b: str
    reason: str


class Misread(BaseModel):
    """What was read as another class, with the probability of that.

    It has one id: of an exam where scores were uploaded by exam, else of an image. Of jobs on an
    array or on patches that is a place, and no image of the catalog.
    """

    image_id: str | None = None
    exam_id: str | None = None
    label: str
    said: str
    share: float


class Misclassified(BaseModel):
    """How many there are, and the surest of them."""

    total: int
    cases: list[Misread]


class ExplainedCase(Misread):
    """An image of the gallery, right or wrong."""

    right: bool
    methods: list[str]
    told: float | None = Field(
        description="Share of the relevance that the BI-RADS token has, by attention"
    )
    boxes: int = Field(description="Radiologists' ROIs within the picture")


class Agreed(Interval):
    """A measure for radiologists' boxes; ``random``: for boxes at random places."""

    random: float
    lead: Interval = Field(description="How much more radiologists' boxes have")


class Agreement(BaseModel):
    """Whether heat maps point where radiologists drew."""

    images: int
    patients: int
    pointing: Agreed = Field(description="Share of maps whose maximum lies in a box")
    energy: Agreed = Field(description="Share of the map's sum inside")
    iou: Agreed = Field(description="Of the boxes with at least half the maximum")


class Explanations(BaseModel):
    """What a network went by on its test split."""

    names: dict[str, str] = Field(description="What the methods are called")
    gallery: list[ExplainedCase]
    agreement: dict[str, Agreement] = Field(description="By method; empty without ROIs")
    refused: str | None = Field(description="Why there is nothing to explain")
