"""One cell of a CSV file as a value: what was repaired, what had to be refused.

Only the empty cell and the text ``NaN`` are null: ``NA`` is a pathology code (no abnormality).
"""

import math
import re
from dataclasses import dataclass
from datetime import date

from catalog.fields import Type, Value

Cell = Value | tuple[str, ...] | None

_nulls = frozenset(("", "NaN", "nan"))
_decimal_code = re.compile(r"-?\d+\.0+")
_date = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_id = re.compile(r"[!-~]{1,64}")
_lossy_id = re.compile(r"\d+(\.\d+)?[eE][+-]?\d+|\d+\.\d*[1-9]\d*")
_flags = {"1": True, "-1": True, "1.0": True, "-1.0": True, "0": False, "0.0": False}
_flags |= {"-0.0": False, "true": True, "false": False, "yes": True, "no": False}

MAX_TEXT = 2000
MAX_ID = 64
DIGITS_LOST = "digits were lost (an id read as a decimal number)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``value`` (None: null), and why the cell was changed or refused."""

    value: Cell
    repaired: str | None = None
    rejected: str | None = None


def normalise(type_: Type, raw: str, *, multi: bool = False) -> Outcome:
    """The value of the cell ``raw`` in a column of ``type_``; ``multi``: a comma list of codes."""
    text = raw.strip()
    if text in _nulls:
        return Outcome(None, repaired="the text NaN is null" if text else None)
    spaces = "spaces at the ends" if text != raw else None
    if multi:
        return _list(text, spaces)
    match type_:
        case "number":
            return _number(text, spaces)
        case "flag":
            return _flag(text, spaces)
        case "date":
            return _day(text, spaces)
        case "id":
            return _identifier(text, spaces)
        case "code" if _decimal_code.fullmatch(text):
            return Outcome(text.partition(".")[0], "a code written as a decimal number")
        case _:
            long = f"cut after {MAX_TEXT} characters" if len(text) > MAX_TEXT else None
            return Outcome(text[:MAX_TEXT], long or spaces)


def _list(text: str, repaired: str | None) -> Outcome:
    parts = [part.strip(" '\"") for part in text.strip("[](){}").split(",")]
    outcomes = [normalise("code", part) for part in parts]
    elements = {str(found.value) for found in outcomes if found.value is not None}
    if len(parts) > 1 and None in (found.value for found in outcomes):
        repaired = "an empty element of a list"
    if not elements:
        return Outcome(None, repaired)
    return Outcome(tuple(sorted(elements)), repaired)


def _number(text: str, repaired: str | None) -> Outcome:
    try:
        number = float(text)
    except ValueError:
        return Outcome(None, rejected="not a number")
    if not math.isfinite(number) or "_" in text:
        return Outcome(None, rejected="not a number")
    return Outcome(as_number(number), repaired)


def as_number(number: float) -> int | float:
    """A whole number as int, so that 2 and 2.0 are one value."""
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _flag(text: str, repaired: str | None) -> Outcome:
    flag = _flags.get(text.lower())
    if flag is None:
        return Outcome(None, rejected="neither yes nor no")
    return Outcome(flag, repaired)


def _day(text: str, repaired: str | None) -> Outcome:
    match = _date.fullmatch(text)
    try:
        day = date.fromisoformat(match[1]) if match else None
    except ValueError:
        day = None
    if day is None:
        return Outcome(None, rejected="not a date (YYYY-MM-DD)")
    return Outcome(day.isoformat(), repaired)


def _identifier(text: str, repaired: str | None) -> Outcome:
    if len(text) <= MAX_ID and text.isascii() and text.isdigit():
        return Outcome(text, repaired)
    if _lossy_id.fullmatch(text):
        return Outcome(None, rejected=DIGITS_LOST)
    if _decimal_code.fullmatch(text):
        digits = text.partition(".")[0]
        # Beyond 2^53 a number that went through a 64-bit float may no longer be itself.
        if len(digits) > 16 or int(digits) > 2**53:
            return Outcome(None, rejected=DIGITS_LOST)
        return Outcome(digits, "an id written as a decimal number")
    if not _id.fullmatch(text):
        return Outcome(None, rejected="not an id")
    return Outcome(text, repaired)
