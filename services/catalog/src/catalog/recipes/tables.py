"""What the recipes read: clinical rows and images as frames with the same exam numbers.

Clinical rows of exams without images are kept: a work-up or a follow-up need not have any.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog.fields import Type, columns
from catalog.ingest.encode import TableEncoder
from catalog.ingest.finalise import Coded, finalise
from catalog.ingest.frames import decoded
from catalog.ingest.report import Report
from catalog.model.dictionary import Codes
from catalog.model.read_model import ReadModel

# By our short name the column and the type that a recipe computes with.
ROW_COLUMNS: Mapping[str, tuple[str, type[pl.DataType]]] = {
    "patient": ("empi_anon", pl.Int32),
    "exam": ("acc_anon", pl.Int32),
    "exam_id": ("acc_anon", pl.String),
    "day": ("study_date_anon", pl.Date),
    "desc": ("desc", pl.String),
    "side": ("side", pl.String),
    "asses": ("asses", pl.String),
    "severity": ("path_severity", pl.Float64),
    "bside": ("bside", pl.String),
    "density": ("tissueden", pl.Float64),
    "numfind": ("numfind", pl.Float64),
    "procdate": ("procdate_anon", pl.Date),
    "pdate": ("pdate_anon", pl.Date),
    "outcome": ("exam_outcome", pl.String),
    "outcome_side": ("outcome_side", pl.String),
}
IDS = ("patient", "exam")


def wanted_columns(available: Mapping[str, str]) -> dict[str, str]:
    """Those of ``available`` (name to column) that recipes read."""
    names = dict.fromkeys(column for column, _ in ROW_COLUMNS.values())
    return {name: available[name] for name in names if name in available}


@dataclass(frozen=True)
class RecipeTables:
    """``rows``: a clinical row each, ``n`` its number in the file; ``images``: ``place`` in the
    model, exam, laterality, flat (2D), cview, view, spot, day, rois (num_roi), boxes (parsed)."""

    rows: pl.DataFrame
    images: pl.DataFrame


def recipe_tables(
    model: ReadModel, names: list[str], clinical: bytes, boxes: Mapping[int, int]
) -> RecipeTables:
    """Both tables of a revision.

    Args:
        model: its read model.
        names: columns of ``clinical``: those that ``wanted_columns`` found.
        clinical: the clinical file's rows in their order, as CSV without a header.
        boxes: by image_id the number of its ROI boxes.
    """
    exams = [value.decode() for value in model.exam_id.tolist()]
    patients = [value.decode() for value in model.patient_id.tolist()]
    numbers = {"exam": exams, "patient": patients}
    return RecipeTables(_rows(names, clinical, numbers), _images(model, boxes))


def _rows(names: list[str], clinical: bytes, known: Mapping[str, list[str]]) -> pl.DataFrame:
    coded = _coded(names, clinical)
    count = len(coded["acc_anon"].codes)
    found = {"n": pl.Series(np.arange(count), dtype=pl.Int64)}
    for name, (column, type_) in ROW_COLUMNS.items():
        if name in IDS:
            found[name] = _numbered(coded[column], known[name])
        elif column in coded:
            values = decoded(coded[column], count)
            dates = type_ == pl.Date and values.dtype == pl.String
            found[name] = values.str.to_date() if dates else values.cast(type_)
        else:
            found[name] = pl.repeat(None, count, dtype=type_, eager=True)
    return pl.DataFrame(found).drop_nulls(list(IDS))


def _coded(names: list[str], clinical: bytes) -> dict[str, Coded]:
    """Cells typed as the ingest types them."""
    encoder = TableEncoder("clinical", names, set(names), {})
    if clinical:
        encoder.add(clinical)
    documented, report = columns("clinical"), Report()
    types: dict[str, Type] = {n: c.type for n, c in documented.items()}
    return {
        name: finalise(raw, "clinical", name, types.get(name, "text"), report)
        for name, raw in encoder.columns().items()
    }


def _numbered(ids: Coded, known: list[str]) -> pl.Series:
    """The place of each id in ``known``; further ids get the numbers after those."""
    place = {value: i for i, value in enumerate(known)}
    numbers = [place.setdefault(str(value), len(place)) for value in ids.dictionary.values]
    return pl.Series([None, *numbers], dtype=pl.Int32).gather(ids.codes.astype(np.uint32))


def _images(model: ReadModel, boxes: Mapping[int, int]) -> pl.DataFrame:
    drawn = np.zeros(model.images, np.int32)
    places = model.places_of(list(boxes))
    drawn[places[places >= 0]] = np.asarray(list(boxes.values()), np.int32)[places >= 0]
    day = _column(model, "study_date_anon", pl.String).str.to_date()
    exam = model.exam_of_breast[model.breast_of_image]
    return pl.DataFrame(
        {
            "place": pl.Series(np.arange(model.images), dtype=pl.Int32),
            "exam": pl.Series(exam, dtype=pl.Int32),
            "patient": pl.Series(model.patient_of_exam[exam], dtype=pl.Int32),
            "laterality": _column(model, "ImageLateralityFinal", pl.String),
            "flat": _is(model, "FinalImageType", "2D"),
            "cview": _is(model, "FinalImageType", "cview"),
            "view": _column(model, "ViewPosition", pl.String),
            "spot": _is(model, "spot_mag", True),
            "day": day,
            "rois": _column(model, "num_roi", pl.Float64).fill_null(0),
            "boxes": drawn,
        }
    )


def _column(model: ReadModel, name: str, type_: type[pl.DataType]) -> pl.Series:
    if not model.has(name):
        return pl.repeat(None, model.images, dtype=type_, eager=True)
    values = pl.Series([None, *model.dictionaries[name].values], strict=False)
    return _take(values.cast(type_), model.codes[name])


def _take(values: pl.Series, codes: Codes) -> pl.Series:
    return values.gather(codes.astype(np.uint32))


def _is(model: ReadModel, name: str, value: str | bool) -> npt.NDArray[np.bool_]:
    if not model.has(name):
        return np.zeros(model.images, bool)
    members = model.dictionaries[name].members([value])
    return np.asarray(members[model.codes[name]], bool)
