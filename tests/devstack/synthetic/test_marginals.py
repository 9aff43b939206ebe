"""The tables' shares agree with those published for EMBED, within what 3000 patients can tell."""

import pandas as pd
import pytest

from .conftest import Tables


def _shares(column: pd.Series) -> dict[object, float]:
    return dict(column.value_counts(normalize=True).items())


def test_sizes_in_relation(tables: Tables) -> None:
    exams = tables.metadata["acc_anon"].nunique()
    assert len(tables.clinical) / exams == pytest.approx(1.124, rel=0.05)
    assert len(tables.metadata) / exams == pytest.approx(6.6, rel=0.04)
    assert exams / tables.metadata["empi_anon"].nunique() == pytest.approx(3.13, rel=0.05)


def test_assessments_of_screening_rows(tables: Tables) -> None:
    screening = tables.clinical[tables.clinical["desc"].str.contains("Screen", na=False)]
    assert len(screening) / len(tables.clinical) == pytest.approx(0.72, abs=0.03)
    shares = _shares(screening["asses"])
    for letter, share in {"A": 0.185, "B": 0.111, "N": 0.703}.items():
        assert shares[letter] == pytest.approx(share, abs=0.02)
    assert sum(shares.get(letter, 0.0) for letter in "PSMKX") < 0.003


def test_assessments_of_diagnostic_rows(tables: Tables) -> None:
    diagnostic = tables.clinical[tables.clinical["desc"].str.contains("Diag", na=False)]
    shares = _shares(diagnostic["asses"])
    published = {"A": 0.025, "B": 0.383, "K": 0.018, "M": 0.015, "N": 0.184, "P": 0.244, "S": 0.131}
    for letter, share in published.items():
        assert shares[letter] == pytest.approx(share, abs=0.03)


def test_sides(tables: Tables) -> None:
    assert tables.clinical["side"].isna().mean() == pytest.approx(0.48, abs=0.03)
    screening = tables.clinical[tables.clinical["desc"].str.contains("Screen", na=False)]
    assert screening["side"].isna().mean() == pytest.approx(0.671, abs=0.05)
    assert (screening["side"] == "L").mean() == pytest.approx(0.139, abs=0.03)
    assert (screening["side"] == "B").mean() == pytest.approx(0.05, abs=0.02)


def test_pathology(tables: Tables) -> None:
    known = tables.clinical["path_severity"].dropna()
    assert len(known) / len(tables.clinical) == pytest.approx(0.0585, abs=0.012)
    published = {0: 0.237, 1: 0.095, 2: 0.149, 3: 0.006, 4: 0.493, 5: 0.019}
    for severity, share in published.items():
        assert (known == severity).mean() == pytest.approx(share, abs=0.06)
    assert (tables.clinical["type"] == "S").sum() / len(known) == pytest.approx(0.16, abs=0.05)


def test_people(tables: Tables) -> None:
    race = _shares(tables.clinical["ETHNICITY_DESC"])
    assert race["African American  or Black"] == pytest.approx(0.40, abs=0.04)
    assert race["Caucasian or White"] == pytest.approx(0.40, abs=0.04)
    assert race["Asian"] == pytest.approx(0.065, abs=0.02)
    hispanic = (tables.clinical["ETHNIC_GROUP_DESC"] == "Hispanic or Latino").mean()
    assert hispanic == pytest.approx(0.056, abs=0.02)
    age = tables.clinical["age_at_study"]
    assert age.mean() == pytest.approx(58.5, abs=1)
    assert age.std() == pytest.approx(12.07, abs=0.7)
    assert age.max() <= 89
    for share, years in ((0.25, 48.9), (0.5, 58.2), (0.75, 67.5)):
        assert age.quantile(share) == pytest.approx(years, abs=1.2)


def test_density_and_how_it_depends_on_race(tables: Tables) -> None:
    shares = _shares(tables.clinical["tissueden"])
    for density, share in {1.0: 0.095, 2.0: 0.415, 3.0: 0.433, 4.0: 0.056}.items():
        assert shares[density] == pytest.approx(share, abs=0.03)
    fatty = (tables.clinical["tissueden"] == 1).groupby(tables.clinical["ETHNICITY_DESC"]).mean()
    assert fatty["African American  or Black"] > fatty["Caucasian or White"] > fatty["Asian"]


def test_images(tables: Tables) -> None:
    metadata = tables.metadata
    assert (metadata["FinalImageType"] == "2D").mean() == pytest.approx(0.76, abs=0.02)
    hologic = metadata["Manufacturer"].str.contains("Hologic", case=False).mean()
    assert hologic == pytest.approx(0.92, abs=0.02)
    flat = metadata[metadata["FinalImageType"] == "2D"]
    assert (flat["spot_mag"] == 1).mean() == pytest.approx(0.08, abs=0.015)
    assert metadata["PatientOrientation"].str.startswith("['P", na=False).mean() > 0.4


def test_regions_of_interest_are_on_few_images(tables: Tables) -> None:
    shares = tables.metadata["num_roi"].value_counts(normalize=True)
    assert shares[0] == pytest.approx(0.984, abs=0.004)
    assert shares[1] == pytest.approx(0.0134, abs=0.004)
    assert 0 < shares[2] < 0.005
    recalled = tables.clinical[
        (tables.clinical["asses"] == "A") & tables.clinical["side"].isin(["L", "R"])
    ][["acc_anon", "side"]].drop_duplicates()
    flat = tables.metadata[
        (tables.metadata["FinalImageType"] == "2D")
        & tables.metadata["ViewPosition"].isin(["CC", "MLO"])
    ].rename(columns={"ImageLateralityFinal": "side"})
    share = (recalled.merge(flat, on=["acc_anon", "side"])["num_roi"] > 0).mean()
    assert share == pytest.approx(0.185, abs=0.03)


def test_outcome_of_null_patterns(tables: Tables) -> None:
    missing = tables.clinical.isna().mean()
    published = {"massmargin": 0.966, "massdens": 0.976, "calcdistri": 0.968, "bside": 0.942}
    for column, share in (published | {"calcfind": 0.932, "location": 0.80}).items():
        assert missing[column] == pytest.approx(share, abs=0.03)
    for column in ("pocomp", "ltcomp", "tnmr", "path10"):
        assert missing[column] == 1.0
    assert tables.metadata.iloc[:, 109:149].isna().mean().min() > 0.85
