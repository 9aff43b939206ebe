"""Cells of CSV files as values."""

import math

import pytest
from catalog.normalise import DIGITS_LOST, normalise
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("text", ["", "NaN", "nan", "  "])
def test_only_the_empty_cell_and_nan_are_null(text: str) -> None:
    assert normalise("code", text).value is None


def test_na_is_a_pathology_code() -> None:
    assert normalise("code", "NA").value == "NA"


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("code", "0.0", "0"),
        ("code", "+", "+"),
        ("code", "300.0", "300"),
        ("number", "2.0", 2),
        ("number", "58.52", 58.52),
        ("flag", "-1", True),
        ("flag", "0.0", False),
        ("date", "2016-05-31 00:00:00", "2016-05-31"),
        ("id", "9007199254740991.0", "9007199254740991"),
        ("id", "1234567890123456", "1234567890123456"),
        ("text", " African American  or Black", "African American  or Black"),
    ],
)
def test_values(type_: str, text: str, value: object) -> None:
    assert normalise(type_, text).value == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("number", "seven"),
        ("number", "inf"),
        ("number", "1_000"),
        ("flag", "maybe"),
        ("date", "2016-02-30"),
        ("date", "31.05.2016"),
        ("id", "a b"),
        ("id", "é"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(type_: str, text: str) -> None:
    outcome = normalise(type_, text)  # type: ignore[arg-type]
    assert outcome.value is None
    assert outcome.rejected


@pytest.mark.parametrize("text", ["1.2345678901234567e+15", "9907199254740993.0", "12.5"])
def test_an_id_that_went_through_a_float_is_refused(text: str) -> None:
    assert normalise("id", text).rejected == DIGITS_LOST


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("B,U", ("B", "U")),
        ("U, B,", ("B", "U")),
        ("12,", ("12",)),
        ("[1, 1]", ("1",)),
        ("[]", None),
        (",", None),
    ],
)
def test_comma_lists_are_sets_of_codes(text: str, elements: object) -> None:
    assert normalise("code", text, multi=True).value == elements


@settings(deadline=None)
@given(st.text(max_size=40), st.sampled_from(["code", "text", "number", "flag", "date", "id"]))
def test_any_text_is_a_value_a_null_or_a_refusal(text: str, type_: str) -> None:
    outcome = normalise(type_, text)  # type: ignore[arg-type]
    assert outcome.rejected is None or outcome.value is None
    if type_ == "number" and outcome.value is not None:
        assert isinstance(outcome.value, (int, float))
        assert math.isfinite(outcome.value)
