"""Invariants of the tables (facts of EMBED that every row keeps)."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from devstack.synthetic import Defects, Scale, write_tables
from devstack.synthetic.vocabulary import columns, load

from .conftest import Tables

_REDUCED = (("clinical", 27), ("metadata", 29))


def test_columns_and_their_order(tables: Tables) -> None:
    assert list(tables.clinical.columns) == columns("clinical")
    assert list(tables.metadata.columns) == columns("metadata")
    assert (len(columns("clinical")), len(columns("metadata"))) == (112, 165)


@pytest.mark.parametrize(("name", "count"), _REDUCED)
def test_the_reduced_tables_are_the_full_ones_with_fewer_columns(
    tables: Tables, name: str, count: int
) -> None:
    reduced = pd.read_csv(tables.folder / f"EMBED_OpenData_{name}_reduced.csv", dtype=str)
    full = pd.read_csv(tables.folder / f"EMBED_OpenData_{name}.csv", dtype=str)
    assert len(reduced.columns) == count
    for column in reduced.columns:
        source = "ETHNICITY_DESC" if column == "RACE_DESC" else column
        pd.testing.assert_series_equal(reduced[column], full[source], check_names=False)


def test_identifiers_have_the_real_shape_and_are_plainly_synthetic(tables: Tables) -> None:
    assert tables.metadata["empi_anon"].str.fullmatch(r"9\d{7}").all()
    assert tables.metadata["acc_anon"].str.fullmatch(r"99\d{14}").all()
    assert (tables.metadata["acc_anon"].astype(np.int64) > 2**53).all()
    path = r"/mnt/NAS2/mammo/anon_dicom/cohort_[12]/9\d{7}/2\.999\.[\d.]+/2\.999\.[\d.]+/"
    assert tables.metadata["anon_dicom_path"].str.fullmatch(path + r"1\.2\.826\.[\d.]+\.dcm").all()
    for level in (1, 2, 3):
        uid = tables.metadata["anon_dicom_path"].str.rsplit("/", n=3).str[level]
        assert uid.str.removesuffix(".dcm").str.len().max() <= 64


def test_every_file_is_named_once(tables: Tables) -> None:
    for column in ("anon_dicom_path", "png_filename"):
        assert tables.metadata[column].is_unique


@pytest.mark.parametrize(
    "column",
    ["empi_anon", "cohort_num", "tissueden", "desc", "age_at_study", "study_date_anon", "vtype"],
)
def test_an_exam_has_one_value_of_each_exam_column(tables: Tables, column: str) -> None:
    values = tables.clinical.groupby("acc_anon")[column].nunique(dropna=False)
    assert (values == 1).all()


def test_a_patient_is_in_one_cohort_of_both_tables(tables: Tables) -> None:
    both = pd.concat([t[["empi_anon", "cohort_num"]] for t in (tables.clinical, tables.metadata)])
    assert (both.groupby("empi_anon")["cohort_num"].nunique() == 1).all()
    assert set(tables.clinical["acc_anon"]) <= set(tables.metadata["acc_anon"])


def test_a_negative_screen_is_one_row_without_side_or_descriptor(tables: Tables) -> None:
    screens = tables.clinical[tables.clinical["desc"].str.contains("Screen", na=False)]
    negative = screens.groupby("acc_anon")["asses"].transform(lambda a: (a == "N").all())
    rows = screens[negative]
    single = rows[rows["path_severity"].isna()]
    assert len(single) > 1000
    assert single["acc_anon"].is_unique
    assert single["side"].isna().all()
    assert (single["numfind"] == 1).all()
    assert single[["massshape", "massmargin", "calcfind", "calcdistri"]].isna().all(axis=None)
    assert (single[["total_L_find", "total_R_find"]] == 0).all(axis=None)


def test_findings_are_numbered_from_one(tables: Tables) -> None:
    numbers = tables.clinical.groupby("acc_anon")["numfind"].agg(["min", "max", "nunique"])
    assert (numbers["min"] == 1).all()
    assert (numbers["max"] == numbers["nunique"]).all()


def test_a_repeated_finding_is_a_biopsy_and_then_surgery(tables: Tables) -> None:
    repeated = tables.clinical.duplicated(["acc_anon", "numfind"], keep=False)
    kinds = tables.clinical[repeated].groupby(["acc_anon", "numfind"])["type"].agg("".join)
    assert len(kinds) > 5
    assert (kinds == "BS").all()


def test_totals_count_the_abnormal_findings_of_each_side(tables: Tables) -> None:
    rows = tables.clinical.drop_duplicates(["acc_anon", "numfind"])
    abnormal = rows[rows["asses"] != "N"]
    for letter in "LR":
        counted = abnormal[abnormal["side"].isin([letter, "B"])].groupby("acc_anon").size()
        told = tables.clinical.groupby("acc_anon")[f"total_{letter}_find"].agg(["min", "max"])
        assert (told["min"] == told["max"]).all()
        expected = counted.reindex(told.index, fill_value=0)
        assert (told["min"] == expected).all()


def test_the_procedure_block_is_all_null_or_mostly_filled(tables: Tables) -> None:
    names = columns("clinical")
    block = [*names[names.index("type") : names.index("eic") + 1], "procdate_anon", "pdate_anon"]
    filled = tables.clinical[block].notna().sum(axis=1)
    done = tables.clinical["type"].notna()
    assert (filled[~done] == 0).all()
    assert (filled[done] >= 25).all()
    assert tables.clinical.loc[done, "path_severity"].notna().all()
    assert tables.clinical.loc[~done, "path_severity"].isna().all()


def test_path_severity_is_the_minimum_over_the_path_slots(clean_tables: Tables) -> None:
    vocabulary = load("vocabulary")["path_code"]
    severity = {code: int(level) for level, pairs in vocabulary.items() for code, _ in pairs}
    rows = clean_tables.clinical[clean_tables.clinical["type"].notna()]
    slots = rows[[f"path{slot}" for slot in range(1, 11)]].map(
        lambda code: severity[code] if isinstance(code, str) else np.nan
    )
    assert len(rows) > 50
    assert (slots.min(axis=1) == rows["path_severity"]).all()
    empty = slots.isna().to_numpy()
    assert (np.diff(empty.astype(int), axis=1) >= 0).all(), "slots fill from the left"


def test_dates_of_a_patient_share_one_shift(tables: Tables) -> None:
    clinical = pd.to_datetime(tables.clinical["sdate_anon"]).groupby(tables.clinical["acc_anon"])
    acquired = pd.to_datetime(tables.metadata["study_date_anon"].str[:10])
    images = acquired.groupby(tables.metadata["acc_anon"]).first()
    assert (clinical.first() == images.reindex(clinical.first().index)).all()
    done = tables.clinical[tables.clinical["procdate_anon"].notna()]
    wait = pd.to_datetime(done["procdate_anon"]) - pd.to_datetime(done["sdate_anon"])
    assert wait.dt.days.between(1, 90).all()


def test_most_recalls_are_worked_up_within_90_days_on_the_same_side(tables: Tables) -> None:
    rows = tables.clinical.assign(day=pd.to_datetime(tables.clinical["sdate_anon"]))
    screen = rows["desc"].str.contains("Screen", na=False)
    recalled = rows[screen & (rows["asses"] == "A") & rows["side"].isin(["L", "R"])]
    later = rows[~screen & rows["side"].isin(["L", "R", "B"])]
    pairs = recalled.merge(later, on="empi_anon", suffixes=("", "_dx"))
    days = (pairs["day_dx"] - pairs["day"]).dt.days
    linked = pairs[days.between(1, 90) & (pairs["side"] == pairs["side_dx"])]
    assert 0.65 < linked["acc_anon"].nunique() / recalled["acc_anon"].nunique() < 0.85
    resolved = linked.drop_duplicates(["acc_anon", "side"])["asses_dx"].isin(["N", "B"]).mean()
    assert 0.5 < resolved < 0.68


def test_an_image_of_a_side_that_the_exam_is_not_of_does_not_exist(tables: Tables) -> None:
    one = tables.clinical.drop_duplicates("acc_anon").set_index("acc_anon")["desc"]
    text = tables.metadata["acc_anon"].map(one).fillna("")
    for word, letter in (("Left", "L"), ("Right", "R")):
        mine = tables.metadata[text.str.contains(word)]
        assert len(mine) > 100
        assert (mine["ImageLateralityFinal"] == letter).all()


def test_c_views_are_twins_of_hologic_2d_images(tables: Tables) -> None:
    cview = tables.metadata[tables.metadata["FinalImageType"] == "cview"]
    assert (cview["Manufacturer"] == "HOLOGIC, Inc.").all()
    assert (cview["ManufacturerModelName"] == "Selenia Dimensions").all()
    keys = ["acc_anon", "ImageLateralityFinal", "0_ViewCodeSequence_CodeMeaning"]
    flat = tables.metadata[tables.metadata["FinalImageType"] == "2D"]
    assert len(cview.merge(flat[keys].drop_duplicates(), on=keys)) == len(cview)
    assert set(cview["Rows"]) == {2457}
    assert set(cview["Columns"]) == {1996}


def test_spot_and_magnification_views_belong_to_diagnostic_exams(tables: Tables) -> None:
    desc = tables.clinical.drop_duplicates("acc_anon").set_index("acc_anon")["desc"]
    spots = tables.metadata[tables.metadata["spot_mag"] == 1]
    assert len(spots) > 500
    assert not spots["acc_anon"].map(desc).str.contains("Screen", na=False).any()


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("same", 5), ("other", 6)):
        write_tables(tmp_path / name, Scale(patients=60), seed=seed)
    for path in sorted((tmp_path / "one").iterdir()):
        same = (tmp_path / "same" / path.name).read_bytes()
        assert path.read_bytes() == same
        assert path.read_bytes() != (tmp_path / "other" / path.name).read_bytes()


def test_fewer_patients_are_the_first_of_more(tmp_path: Path) -> None:
    write_tables(tmp_path / "few", Scale(patients=30), seed=5)
    write_tables(tmp_path / "many", Scale(patients=60), seed=5)
    few = (tmp_path / "few" / "EMBED_OpenData_metadata.csv").read_bytes()
    assert (tmp_path / "many" / "EMBED_OpenData_metadata.csv").read_bytes().startswith(few)


@pytest.mark.parametrize("images", [1, 777, 25_000])
def test_a_scale_in_images_is_exact(tmp_path: Path, images: int) -> None:
    summary = write_tables(tmp_path, Scale(images=images), seed=5)
    with (tmp_path / "EMBED_OpenData_metadata.csv").open(newline="") as file:
        rows = sum(1 for _ in csv.reader(file)) - 1
    assert rows == summary.images == images


def test_a_scale_names_images_or_patients() -> None:
    with pytest.raises(ValueError, match="one of the two"):
        Scale(images=1, patients=1)
    with pytest.raises(ValueError, match="at least 1"):
        Scale(images=0)


def test_no_index_header_unless_asked(tmp_path: Path) -> None:
    write_tables(tmp_path / "real", Scale(patients=1))
    write_tables(tmp_path / "clean", Scale(patients=1), defects=Defects.none())
    for folder, name in (("real", ""), ("clean", "Unnamed: 0")):
        with (tmp_path / folder / "EMBED_OpenData_clinical.csv").open(newline="") as file:
            assert next(csv.reader(file))[0] == name
