"""Raw words into typed values: one look at each distinct word, whatever the number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.fields import Table, Type, Value
from catalog.ingest.encode import RawColumn
from catalog.ingest.report import Report
from catalog.model.dictionary import Codes, Dictionary, smallest_codes
from catalog.normalise import Cell, Outcome, normalise

FIRST_DATA_LINE = 2
INVALID_ACCESSION = "999"
VOID = Outcome(None, rejected=f"{INVALID_ACCESSION} stands for an invalid accession")


@dataclass(frozen=True)
class Coded:
    """A column by row: codes into a dictionary of typed, ascending values."""

    codes: Codes
    dictionary: Dictionary

    def take(self, rows: npt.NDArray[np.integer] | slice) -> "Coded":
        """The same column, of some rows."""
        return Coded(self.codes[rows], self.dictionary)


def finalise(
    raw: RawColumn, table: Table, column: str, type_: Type, report: Report, *, multi: bool = False
) -> Coded:
    """The typed column; what was repaired or refused goes to ``report`` by column and reason."""
    outcomes = [normalise(type_, word, multi=multi) for word in raw.words]
    if column == "acc_anon":
        outcomes = [VOID if o.value == INVALID_ACCESSION else o for o in outcomes]
    _tell(raw, table, column, [o.repaired for o in outcomes], report, rejected=False)
    _tell(raw, table, column, [o.rejected for o in outcomes], report, rejected=True)
    return coded_from(raw.codes, [None, *(o.value for o in outcomes)], multi=multi)


def coded_from(
    codes: npt.NDArray[np.integer], values: Sequence[Cell], *, multi: bool = False
) -> Coded:
    """A column whose code i means ``values[i]``, recoded to distinct values in ascending order."""
    ordered: list[Any] = sorted({value for value in values if value is not None})
    place = {value: i for i, value in enumerate(ordered, 1)}
    lut = np.asarray([0 if value is None else place[value] for value in values], np.uint32)
    if len(lut) == 0:
        lut = np.zeros(1, np.uint32)
    dictionary = Dictionary(tuple(ordered), multi)
    return Coded(smallest_codes(lut, dictionary.size)[codes], dictionary)


def _tell(
    raw: RawColumn,
    table: Table,
    column: str,
    reasons: Sequence[str | None],
    report: Report,
    *,
    rejected: bool,
) -> None:
    for reason in sorted({reason for reason in reasons if reason}):
        hit = np.zeros(len(reasons) + 1, bool)
        hit[1:] = [found == reason for found in reasons]
        rows = np.flatnonzero(hit[raw.codes])
        line = int(rows[0]) + FIRST_DATA_LINE if len(rows) else None
        report.add("rejected" if rejected else "repaired", table, column, reason, len(rows), line)


def constant(rows: int, value: Value | None = None) -> Coded:
    """A column of one value."""
    return coded_from(np.ones(rows, np.uint8), [None, value])
