"""Every code of the legend has a meaning; what the legend lacks says so."""

import pytest
from catalog.fields import columns, fields
from catalog.vocabulary import codes, label_of, vocabularies

# Codes by column in AWS_Open_Data_Clinical_Legend.csv.
LEGEND = {
    "massshape": 13, "massmargin": 5, "massdens": 4, "calcfind": 21, "calcdistri": 6,
    "otherfind": 33, "implanfind": 10, "consistent": 33, "side": 3, "location": 30, "depth": 12,
    "asses": 8, "recc": 53, "changed": 14, "loc_num": 8, "vtype": 27, "tissueden": 5, "case": 6,
    "type": 2, "technique": 12, "biopsite": 6, "biop_loc": 5, "bcomp": 6, "path_loc": 5,
    "diag_out": 2, "surgery": 14, "lymphsurg": 7, "surg_loc": 5, "pocomp": 3, "ltcomp": 4,
    "bside": 3, "concord": 2, "hgrade": 4, "tnmpt": 15, "tnmpn": 15, "tnmm": 3, "tnmdesc": 4,
    "tnmr": 4, "loc": 30, "bdepth": 12, "focality": 4, "specinteg": 4, "est": 8, "her2": 8,
    "fish": 10, "ki67": 6, "extracap": 4, "methodevl": 5, "eic": 3,
    **{f"path{n}": 182 for n in range(1, 11)},
}  # fmt: skip


@pytest.mark.parametrize(("column", "count"), LEGEND.items())
def test_a_column_has_all_codes_of_the_legend(column: str, count: int) -> None:
    found = codes(columns("clinical")[column].vocabulary)
    assert len(found) == count
    assert all(code.label for code in found.values())
    assert fields()[column].vocabulary == columns("clinical")[column].vocabulary


def test_birads_terms_are_labels() -> None:
    assert label_of("asses", "A") == "BI-RADS 0, additional evaluation needed"
    assert label_of("massmargin", "S") == "spiculated"
    assert label_of("tissueden", 3) == label_of("tissueden", 3.0)


def test_the_doubtful_is_marked() -> None:
    doubtful = {(name, c) for name, v in vocabularies().items() for c in v if v[c].doubtful}
    assert {("path_severity", "5"), ("path_severity", "6")} <= doubtful
    assert {name for name, _ in doubtful} == {"path_severity", "biop_loc", "surg_loc"}


@pytest.mark.parametrize(
    ("vocabulary", "code"),
    [("massshape", "L"), ("path", "IVC"), ("asses", "?"), ("recc", "\U0001f9ec")],
)
def test_an_unknown_code_survives_and_shows_as_unlisted(vocabulary: str, code: str) -> None:
    assert label_of(vocabulary, code) == f"{code} (unlisted code)"
