"""Derived fields, by the rules of Emory's notebooks."""

import pytest
from catalog.derive import (
    age_band,
    clean_ethnicity,
    clean_race,
    exam_laterality,
    exam_type,
    finding_kinds,
)

NOTHING = dict.fromkeys(
    ("massshape", "massmargin", "massdens", "calcfind", "calcdistri", "calcnumber")
)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        ({}, ()),
        ({"massshape": "O"}, ("mass",)),
        ({"massshape": "Q"}, ("distortion",)),
        ({"massshape": "V"}, ("asymmetry",)),
        ({"massdens": "0"}, ()),
        ({"massdens": "="}, ("mass",)),
        ({"calcnumber": -2}, ("calcification",)),
        ({"calcnumber": 0}, ()),
        (
            {"massshape": "S", "calcdistri": "G", "massmargin": "I"},
            ("asymmetry", "calcification", "mass"),
        ),
    ],
)
def test_finding_kinds(found: dict[str, object], kinds: tuple[str, ...]) -> None:
    assert finding_kinds(**{**NOTHING, **found}) == kinds  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("desc", "type_", "laterality"),
    [
        ("MG Screen Bilat w/Tomo/CAD Stnd Protocol", "screening", "bilateral"),
        ("MG Screening Digital BL w/Tomo/CAD", "screening", "bilateral"),
        ("MG Diagnostic  Left w/Tomo/CAD", "diagnostic", "left"),
        ("MG Diagnostic Right w/CAD", "diagnostic", "right"),
        ("Outside films", "other", "unknown"),
        (None, None, None),
    ],
)
def test_exams_by_description(desc: str | None, type_: str | None, laterality: str | None) -> None:
    assert exam_type(desc) == type_
    assert exam_laterality(desc) == laterality


@pytest.mark.parametrize(
    ("recorded", "race"),
    [
        ("African American  or Black", "Black"),
        ("Caucasian or White", "White"),
        ("Asian", "Asian"),
        ("Native Hawaiian or Other Pacific Islander", "Native Hawaiian or Pacific Islander"),
        ("Unknown, Unavailable or Unreported", "Unknown"),
        ("Patient Declines", "Unknown"),
        *((cleaned, cleaned) for cleaned in ("Black", "White", "Asian", "Unknown", "Other")),
        (None, None),
    ],
)
def test_race(recorded: str | None, race: str | None) -> None:
    assert clean_race(recorded) == race


@pytest.mark.parametrize(
    ("recorded", "ethnicity"),
    [
        ("Hispanic or Latino", "Hispanic"),
        ("Non-Hispanic or Latino", "Not Hispanic"),
        ("Unknown~Hispanic", "Unknown"),
        ("Non-Hispanic~Unknown", "Unknown"),
        ("CD:1234567890", "Unknown"),
        (None, None),
    ],
)
def test_ethnicity(recorded: str | None, ethnicity: str | None) -> None:
    assert clean_ethnicity(recorded) == ethnicity


def test_age_bands() -> None:
    assert [age_band(a) for a in (29.9, 30, 89)] == ["<30", "30-39", "80+"]
