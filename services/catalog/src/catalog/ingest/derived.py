"""The derived fields of a revision, as columns at their level; ``catalog.derive`` has the rules."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog import derive
from catalog.fields import Value
from catalog.ingest.finalise import Coded, coded_from
from catalog.ingest.layout import FindingLayout, ImageLayout
from catalog.normalise import Cell
from catalog.vocabulary import ASSESSMENT_ORDER

STANDARD_VIEWS = tuple((side, view) for side in "LR" for view in ("CC", "MLO"))


@dataclass(frozen=True)
class Columns:
    """Typed columns by field name, each at its own level, and how the levels hang together."""

    at: Mapping[str, Coded]
    images: ImageLayout
    findings: FindingLayout

    @property
    def exams(self) -> int:
        """Number of exams."""
        return len(self.images.exam_code)

    @property
    def exam_of_breast(self) -> npt.NDArray[np.int64]:
        """Exam of each breast."""
        return np.repeat(np.arange(self.exams), np.diff(self.images.exam_start))

    @property
    def breast_of_image(self) -> npt.NDArray[np.int64]:
        """Breast of each image."""
        start = self.images.breast_start
        return np.repeat(np.arange(len(start) - 1), np.diff(start))

    @property
    def patient_of_exam(self) -> npt.NDArray[np.int64]:
        """Patient of each exam."""
        start = self.images.patient_start
        return np.repeat(np.arange(len(start) - 1), np.diff(start))


def mapped(column: Coded, rule: Callable[[Any], Cell], *, multi: bool = False) -> Coded:
    """``rule`` applied to each distinct value, null included."""
    values = [None, *column.dictionary.values]
    return coded_from(column.codes, [rule(value) for value in values], multi=multi)


def numbers(values: npt.NDArray[np.number]) -> Coded:
    """A column of numbers; NaN is null."""
    distinct, codes = np.unique(values, return_inverse=True)
    cells = [None if np.isnan(v) else _plain(float(v)) for v in distinct]
    return coded_from(codes, cells)


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def flags(values: npt.NDArray[np.bool_]) -> Coded:
    """A column of yes and no."""
    return coded_from(values.astype(np.uint8), [False, True])


def derive_all(columns: Columns, has_roi: npt.NDArray[np.bool_]) -> dict[str, Coded]:
    """Every derived field whose columns the files have."""
    found = {
        **_of_findings(columns),
        **_of_exams(columns),
        **_between_exams(columns),
        **_of_patients(columns),
        **_of_images(columns),
    }
    found["has_roi"] = flags(has_roi)
    return found


def _of_findings(columns: Columns) -> dict[str, Coded]:
    found = {}
    names = ("massshape", "massmargin", "massdens", "calcfind", "calcdistri", "calcnumber")
    if any(name in columns.at for name in names):
        found["finding_kind"] = _combined(
            columns, names, lambda row: derive.finding_kinds(**dict(zip(names, row, strict=True)))
        )
    paths = tuple(f"path{i}" for i in range(1, 11))
    if any(name in columns.at for name in paths):
        found["pathology_code"] = _combined(
            columns, paths, lambda row: tuple(sorted({code for code in row if code is not None}))
        )
    if "path_severity" in columns.at:
        found["pathology"] = mapped(columns.at["path_severity"], derive.pathology_group)
    return found


def _combined(
    columns: Columns, names: tuple[str, ...], rule: Callable[[list[Any]], tuple[str, ...]]
) -> Coded:
    """``rule`` applied to each distinct combination of several columns of the finding rows."""
    present = [(i, columns.at[name]) for i, name in enumerate(names) if name in columns.at]
    codes = np.zeros(len(columns.findings.row) + 1, np.int64)
    for _, column in present:
        _, codes = np.unique(codes * column.dictionary.size + column.codes, return_inverse=True)
    _, examples = np.unique(codes, return_index=True)
    cells = []
    for example in examples:
        row: list[Any] = [None] * len(names)
        for i, column in present:
            row[i] = column.dictionary.decode(int(column.codes[example]))
        cells.append(rule(row) or None)
    return coded_from(codes, cells, multi=True)


def _of_exams(columns: Columns) -> dict[str, Coded]:
    found = {}
    if "desc" in columns.at:
        found["exam_type"] = mapped(columns.at["desc"], derive.exam_type)
        found["exam_laterality"] = mapped(columns.at["desc"], derive.exam_laterality)
    if "age_at_study" in columns.at:
        found["age_band"] = mapped(columns.at["age_at_study"], derive.age_band)
    if "asses" in columns.at:
        found["exam_asses"] = worst_by_exam(columns, "asses", ASSESSMENT_ORDER)
    if "path_severity" in columns.at:
        values = columns.at["path_severity"].dictionary.values
        found["exam_path_severity"] = worst_by_exam(columns, "path_severity", values)
    if "numfind" in columns.at:
        key = columns.findings.exam * columns.at["numfind"].dictionary.size
        key = np.unique(key + columns.at["numfind"].codes[:-1])
        exams = key // columns.at["numfind"].dictionary.size
        found["exam_findings"] = numbers(np.bincount(exams, minlength=columns.exams))
    if {"FinalImageType", "ViewPosition"} <= columns.at.keys():
        found["four_view"] = flags(_four_view(columns))
    return found


def worst_by_exam(columns: Columns, name: str, order: tuple[Any, ...]) -> Coded:
    """By exam the value that is first in ``order`` among its rows; values outside it are last."""
    column = columns.at[name]
    ordered = [*order, *(v for v in column.dictionary.values if v not in order)]
    rank = np.full(column.dictionary.size, len(ordered), np.int64)
    for i, value in enumerate(column.dictionary.values, 1):
        rank[i] = ordered.index(value)
    worst = np.full(columns.exams, len(ordered), np.int64)
    np.minimum.at(worst, columns.findings.exam, rank[column.codes[:-1]])
    return coded_from(worst, [*ordered, None])


def _four_view(columns: Columns) -> npt.NDArray[np.bool_]:
    """Whether an exam has 2D CC and MLO of both breasts; spot views do not count."""
    exam = columns.exam_of_breast[columns.breast_of_image]
    standard = _holds(columns.at["FinalImageType"], ["2D"])
    if "spot_mag" in columns.at:
        standard &= ~_holds(columns.at["spot_mag"], [True])
    complete = np.ones(columns.exams, bool)
    for side, view in STANDARD_VIEWS:
        hit = standard & _holds(columns.at["ImageLateralityFinal"], [side])
        hit &= _holds(columns.at["ViewPosition"], [view])
        complete &= np.bincount(exam[hit], minlength=columns.exams) > 0
    return complete


def _holds(column: Coded, values: Iterable[Value | None]) -> npt.NDArray[np.bool_]:
    """By owner whether the column holds one of ``values``."""
    return column.dictionary.members(values)[column.codes]


def _between_exams(columns: Columns) -> dict[str, Coded]:
    """Time to the nearest earlier and later exam of the patient that has images."""
    days = _exam_days(columns)
    if days is None:
        return {}
    patient = columns.patient_of_exam
    prior = np.full(len(days), np.nan)
    following = np.full(len(days), np.nan)
    order = np.lexsort((days, patient))
    order = order[~np.isnan(days[order])]
    p, d = patient[order], days[order]
    # Exams of one day are one visit: compare visits, then hand the result to each exam of them.
    first = np.ones(len(d), bool)
    first[1:] = (p[1:] != p[:-1]) | (d[1:] != d[:-1])
    visit = np.cumsum(first) - 1
    vp, vd = p[first], d[first]
    gap = np.where(vp[1:] == vp[:-1], vd[1:] - vd[:-1], np.nan)
    prior[order] = np.concatenate([[np.nan], gap])[visit]
    following[order] = np.concatenate([gap, [np.nan]])[visit]
    return {
        "months_since_prior": numbers(np.round(prior / derive.DAYS_A_MONTH, 2)),
        "months_to_next": numbers(np.round(following / derive.DAYS_A_MONTH, 2)),
        "years_since_prior": numbers(np.round(prior / derive.DAYS_A_YEAR, 2)),
        "years_followed": numbers(np.round(_span(days, patient) / derive.DAYS_A_YEAR, 2)),
    }


def _span(days: npt.NDArray[np.float64], patient: npt.NDArray[np.int64]) -> Any:
    """By patient the days from the first exam to the last; NaN where no exam has a date."""
    first = np.full(int(patient[-1]) + 1, np.nan)
    last = first.copy()
    np.fmin.at(first, patient, days)
    np.fmax.at(last, patient, days)
    return last - first


def _exam_days(columns: Columns) -> npt.NDArray[np.float64] | None:
    """Day number of each exam: its report's date, else its first image's; NaN where unknown."""
    days = np.full(columns.exams, np.nan)
    image = columns.at.get("study_date_anon")
    if image is not None:
        exam = columns.exam_of_breast[columns.breast_of_image]
        np.fmin.at(days, exam, _ordinals(image)[image.codes])
    report = columns.at.get("clinical.study_date_anon")
    if report is not None:
        signed = _ordinals(report)[report.codes]
        days = np.where(np.isnan(signed), days, signed)
    return None if image is None and report is None else days


def _ordinals(column: Coded) -> npt.NDArray[np.float64]:
    days = [date.fromisoformat(str(v)).toordinal() for v in column.dictionary.values]
    return np.asarray([np.nan, *days], float)


def _of_patients(columns: Columns) -> dict[str, Coded]:
    found = {"patient_exams": numbers(np.diff(columns.images.patient_start))}
    if "ETHNICITY_DESC" in columns.at:
        found["race"] = mapped(columns.at["ETHNICITY_DESC"], derive.clean_race)
    if "ETHNIC_GROUP_DESC" in columns.at:
        found["ethnicity"] = mapped(columns.at["ETHNIC_GROUP_DESC"], derive.clean_ethnicity)
    return found


def _of_images(columns: Columns) -> dict[str, Coded]:
    last = len(columns.findings.row)
    has = columns.findings.pair_row[columns.findings.pair_start[:-1]] != last
    found = {"has_finding": flags(has[columns.breast_of_image])}
    if "spot_mag" in columns.at:
        found["spot_or_magnification"] = mapped(columns.at["spot_mag"], lambda value: value is True)
    if columns.at.keys() & {"BreastImplantPresent", "ViewPosition", "implanfind"}:
        found["implant"] = flags(_implant(columns)[columns.breast_of_image])
    return found


def _implant(columns: Columns) -> npt.NDArray[np.bool_]:
    """By breast whether an image's header, a view or a finding tells of an implant."""
    found = np.zeros(len(columns.exam_of_breast), bool)
    for name, values in (("BreastImplantPresent", {"YES"}), ("ViewPosition", derive.IMPLANT_VIEWS)):
        if name in columns.at:
            found[columns.breast_of_image[_holds(columns.at[name], values)]] = True
    if "implanfind" in columns.at:
        pairs = columns.findings
        breast = np.repeat(np.arange(len(found)), np.diff(pairs.pair_start))
        found[breast[columns.at["implanfind"].codes[pairs.pair_row] > 0]] = True
    return found
