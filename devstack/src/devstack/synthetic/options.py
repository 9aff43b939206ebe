"""What a caller can choose: how much is written, which defects it carries, which patients are
drawn on purpose."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Scale:
    """Size of the tables: exactly `images` metadata rows, or exactly `patients` patients."""

    images: int | None = None
    patients: int | None = None

    def __post_init__(self) -> None:
        if (self.images is None) == (self.patients is None):
            raise ValueError("a scale names images or patients, one of the two")
        if (self.images or self.patients or 0) < 1:
            raise ValueError("a scale is at least 1")


FULL_SCALE = Scale(images=480_323)


@dataclass(frozen=True)
class Defects:
    """Rates of the known defects of EMBED (shares unless said). Zero or False switches one off;
    `none()` all."""

    blank_index_header: bool = True
    """The first column has no header, as pandas exports it."""
    missing_contralateral: float = 0.92
    """Recalled bilateral screens without a row for the other breast."""
    addended_negatives: float = 0.0015
    """Negative screens that carry pathology directly."""
    screening_asses_errors: float = 0.00064
    """Screening rows with P, S, M, K or X."""
    missing_desc: float = 0.0003
    disagreeing_study_description: float = 0.04
    """Exams whose StudyDescription and desc name different procedures."""
    report_date_delay: float = 0.06
    """Exams signed one to five days after acquisition."""
    reduced_float_ids: bool = False
    """Identifiers of the reduced tables as floats. Off: it destroys acc_anon beyond repair."""
    double_space_race: bool = True
    junk_ethnic_codes: float = 0.00034
    off_legend_codes: float = 0.002
    """Findings with mass shape L and pathology slots with a code the legend lacks."""
    trailing_commas: float = 0.02
    undocumented_negatives: float = 0.0015
    """Negative calcnumber, size or distance."""
    missing_patient_columns: float = 0.0025
    """Patients without demographics."""
    spot_mag_zero: bool = False
    """spot_mag 0.0 instead of null."""
    missing_views: float = 0.012
    """Standard views that were never stored."""
    missing_laterality_images: float = 0.0006
    """Exams without any image of the finding's side."""
    roi_on_negatives: float = 0.0011
    """Negative screens with a region of interest."""
    roi_wrong_side: float = 0.012
    """Regions mirrored to the wrong half."""
    roi_border: float = 0.01
    roi_huge: float = 0.006
    unreliable_pixel_flags: float = 0.01
    """Images whose has_pix_array says False."""
    missing_orientation: float = 0.02
    reversed_orientation: float = 0.06
    """Exam sides stored mirrored, PatientOrientation reversed."""
    bare_patient_age: float = 0.03
    """PatientAge '51' instead of '051Y'."""
    timestamped_dates: float = 0.1
    """Exams whose metadata study_date_anon carries a time of day."""
    metadata_only_patients: float = 0.00013
    """Patients without a clinical row."""
    mixed_sequence_codes: bool = True
    """Numbers and texts in one column, as the released file has them."""

    @classmethod
    def none(cls) -> "Defects":
        """The same tables without any defect."""
        off: dict[str, Any] = {
            f.name: False if isinstance(f.default, bool) else 0.0 for f in fields(cls)
        }
        return cls(**off)


@dataclass(frozen=True)
class Generation:
    """How patients are generated: defects, the share of findings with a region of interest, and
    the geometry."""

    defects: Defects = field(default_factory=Defects)
    roi_share: float = 0.2
    """Recalled findings that a radiologist outlined (other abnormal findings: a fifth of that)."""
    pixel_scale: float = 1.0
    """Factor on Rows and Columns; the pixel spacing grows by its inverse."""
