"""What follows from EMBED's columns: the rules of Emory's notebooks, over values.

Sources: Sample_Notebook and EMBED-toolkit (finding kinds), screening_label_assignment (race,
ethnicity, order of assessments), Data_Curation (screening and diagnostic by the description).
"""

import re

MASS_SHAPES = frozenset("GROXNYDL")
MASS_MARGINS = frozenset("DUMIS")
MASS_DENSITIES = frozenset("+-=")  # fat containing (0) is left out, as the notebooks do
ASYMMETRY_SHAPES = frozenset("TBSFV")
DISTORTION_SHAPES = frozenset("QA")

IMPLANT_VIEWS = frozenset(("CCID", "MLOID", "MLID", "LMID"))  # the implant is pushed back

DAYS_A_MONTH = 30.4375
DAYS_A_YEAR = 365.25

_spaces = re.compile(r"\s+")
_race = (
    ("african american", "Black"),
    ("caucasian", "White"),
    ("hawaiian", "Native Hawaiian or Pacific Islander"),
    ("american indian", "American Indian or Alaskan Native"),
    ("multiple", "Multiple"),
    ("hispanic", "Hispanic"),
    ("asian", "Asian"),
    ("black", "Black"),
    ("white", "White"),
    ("other", "Other"),
)
_age_bands = (
    (30, "<30"),
    (40, "30-39"),
    (50, "40-49"),
    (60, "50-59"),
    (70, "60-69"),
    (80, "70-79"),
)


def finding_kinds(
    *,
    massshape: str | None,
    massmargin: str | None,
    massdens: str | None,
    calcfind: object,
    calcdistri: str | None,
    calcnumber: float | None,
) -> tuple[str, ...]:
    """Which of mass, asymmetry, distortion, calcification a finding row describes."""
    kinds = []
    if massshape in ASYMMETRY_SHAPES:
        kinds.append("asymmetry")
    if calcfind is not None or calcdistri is not None or calcnumber:
        kinds.append("calcification")
    if massshape in DISTORTION_SHAPES:
        kinds.append("distortion")
    if massshape in MASS_SHAPES or massmargin in MASS_MARGINS or massdens in MASS_DENSITIES:
        kinds.append("mass")
    return tuple(kinds)


def exam_type(desc: str | None) -> str | None:
    """screening, diagnostic or other, by the words of the description; None without one."""
    if desc is None:
        return None
    text = desc.casefold()
    if "screen" in text:
        return "screening"
    return "diagnostic" if "diag" in text else "other"


def exam_laterality(desc: str | None) -> str | None:
    """bilateral, left, right or unknown, by the words of the description; None without one."""
    if desc is None:
        return None
    text = desc.casefold()
    if "bilat" in text or re.search(r"\bbl\b", text):
        return "bilateral"
    sides = [side for side in ("left", "right") if side in text]
    return sides[0] if len(sides) == 1 else "unknown"


def clean_race(recorded: str | None) -> str | None:
    """Race in few words; Unknown for what was declined or not recorded, None where null.

    What a table has cleaned already (`Black`, `Other`) stays as it is.
    """
    if recorded is None:
        return None
    text = _spaces.sub(" ", recorded).casefold()
    return next((name for part, name in _race if part in text), "Unknown")


def clean_ethnicity(recorded: str | None) -> str | None:
    """Hispanic, Not Hispanic, or Unknown for contradictions and codes; None where null."""
    if recorded is None:
        return None
    text = _spaces.sub(" ", recorded).casefold().strip()
    if text.startswith(("non-hispanic or", "not hispanic")):
        return "Not Hispanic"
    return "Hispanic" if text.startswith("hispanic") else "Unknown"


def age_band(age: float | None) -> str | None:
    """The band of ten years that an age lies in."""
    if age is None:
        return None
    return next((name for limit, name in _age_bands if age < limit), "80+")


def pathology_group(severity: float | None) -> str | None:
    """path_severity in four groups."""
    if severity is None:
        return None
    groups = {0: "cancer", 1: "cancer", 2: "high-risk", 3: "high-risk", 4: "benign"}
    return groups.get(int(severity), "other")
