"""Each known defect of EMBED occurs, and each can be switched off."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from devstack.synthetic import Defects, Scale, write_tables

from .conftest import Tables, read_tables

Found = Callable[[Tables], pd.Series]
_BROAD = {"disagreeing_study_description", "report_date_delay", "bare_patient_age"}


def _screening(tables: Tables) -> pd.Series:
    return tables.clinical["desc"].str.contains("Screen", na=False)


def _exam_value(tables: Tables, column: str) -> pd.Series:
    exams = tables.clinical.drop_duplicates("acc_anon").set_index("acc_anon")[column]
    return tables.metadata["acc_anon"].map(exams)


def _addended(tables: Tables) -> pd.Series:
    negative = tables.clinical["asses"].isin(["N", "B"])
    return _screening(tables) & negative & tables.clinical["path_severity"].notna()


def _disagreeing(tables: Tables) -> pd.Series:
    desc = _exam_value(tables, "desc")
    told = tables.metadata["StudyDescription"]
    return desc.notna() & told.notna() & (desc != told)


def _delayed(tables: Tables) -> pd.Series:
    return tables.clinical["study_date_anon"] != tables.clinical["sdate_anon"]


def _commas(tables: Tables) -> pd.Series:
    return tables.clinical["recc"].str.endswith(",", na=False)


DEFECTS: dict[str, Found] = {
    "addended_negatives": _addended,
    "screening_asses_errors": lambda t: _screening(t) & t.clinical["asses"].isin(list("PSMKX")),
    "missing_desc": lambda t: t.clinical["desc"].isna(),
    "disagreeing_study_description": _disagreeing,
    "report_date_delay": _delayed,
    "double_space_race": lambda t: t.clinical["ETHNICITY_DESC"].str.contains("  ", na=False),
    "junk_ethnic_codes": lambda t: t.clinical["ETHNIC_GROUP_DESC"].str.startswith("CD:", na=False),
    "off_legend_codes": lambda t: t.clinical["massshape"] == "L",
    "trailing_commas": _commas,
    "undocumented_negatives": lambda t: t.clinical["size"] < 0,
    "missing_patient_columns": lambda t: t.clinical["GENDER_DESC"].isna(),
    "spot_mag_zero": lambda t: t.metadata["spot_mag"] == 0,
    "unreliable_pixel_flags": lambda t: ~t.metadata["has_pix_array"],
    "missing_orientation": lambda t: t.metadata["PatientOrientation"].isna(),
    "bare_patient_age": lambda t: t.metadata["PatientAge"].str.fullmatch(r"\d+", na=False),
    "timestamped_dates": lambda t: t.metadata["study_date_anon"].str.len() > 10,
    "reversed_orientation": lambda t: (
        (t.metadata["ImageLateralityFinal"] == "L")
        & t.metadata["PatientOrientation"].str.startswith("['P", na=False)
    ),
    "metadata_only_patients": lambda t: ~t.metadata["acc_anon"].isin(t.clinical["acc_anon"]),
}
_AT_A_TENTH = {
    name: 0.1
    for name, value in vars(Defects()).items()
    if isinstance(value, float) and name not in _BROAD
}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Every defect on, most of them in a tenth of the cells."""
    folder = tmp_path_factory.mktemp("spoilt")
    defects = replace(Defects(**_AT_A_TENTH), spot_mag_zero=True)
    write_tables(folder, Scale(patients=400), seed=2, defects=defects)
    return read_tables(folder)


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_a_defect_occurs_when_it_is_on(spoilt: Tables, name: str) -> None:
    assert DEFECTS[name](spoilt).any()


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_a_defect_does_not_occur_when_it_is_off(clean_tables: Tables, name: str) -> None:
    assert not DEFECTS[name](clean_tables).any()


def test_opposite_breasts_have_rows_when_none_is_missing(clean_tables: Tables) -> None:
    rows = clean_tables.clinical
    bilateral = rows["desc"].str.contains("Screen.*Bilat", na=False)
    recalled = rows[bilateral & rows.groupby("acc_anon")["asses"].transform("min").eq("A")]
    sides = recalled.groupby("acc_anon")["side"].agg(lambda s: set(s.dropna()))
    assert len(sides) > 100
    assert sides.map(lambda s: s >= {"L", "R"}).all()


def test_every_breast_of_an_exam_has_both_views_when_none_is_missing(clean_tables: Tables) -> None:
    flat = clean_tables.metadata[
        (clean_tables.metadata["FinalImageType"] == "2D") & clean_tables.metadata["spot_mag"].isna()
    ]
    views = flat.groupby(["acc_anon", "ImageLateralityFinal"])[
        "0_ViewCodeSequence_CodeMeaning"
    ].agg(set)
    wanted = {"cranio-caudal", "medio-lateral oblique"}
    assert views.map(lambda v: v >= wanted).mean() > 0.99


def test_float_identifiers_destroy_the_reduced_tables(tmp_path: Path) -> None:
    write_tables(tmp_path, Scale(patients=5), defects=Defects(reduced_float_ids=True))
    reduced = pd.read_csv(tmp_path / "EMBED_OpenData_metadata_reduced.csv", dtype=str)
    assert reduced["empi_anon"].str.endswith(".0").all()


def test_every_rate_is_one_of_the_tested_or_named_here() -> None:
    elsewhere = {
        "blank_index_header", "reduced_float_ids", "missing_contralateral", "missing_views",
        "missing_laterality_images", "mixed_sequence_codes", "roi_on_negatives",
        "roi_wrong_side", "roi_border", "roi_huge",
    }  # fmt: skip
    assert set(vars(Defects())) == set(DEFECTS) | elsewhere
