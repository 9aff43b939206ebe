"""The typed rows that PostgreSQL keeps of images and findings."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog.ingest.build import Built
from catalog.ingest.finalise import Coded

SLICE = 50_000


def decoded(column: Coded | None, rows: int) -> pl.Series:
    """The values of a column; all null where there is no such column."""
    if column is None:
        return pl.Series([None]).new_from_index(0, rows)
    # Not strict: of numbers some may be whole and others not.
    values = pl.Series([None, *column.dictionary.values], strict=False)
    return values.gather(column.codes.astype(np.uint32))


def image_frames(
    revision_id: int, built: Built, uids: pl.Series, image_id: npt.NDArray[np.int64]
) -> Iterator[pl.DataFrame]:
    """One row an image, in model order, some at a time."""
    for begin in range(0, len(image_id), SLICE):
        part = slice(begin, begin + SLICE)
        yield _image_frame(revision_id, built, uids, image_id[part], part)


def _image_frame(
    revision_id: int, built: Built, uids: pl.Series, image_id: npt.NDArray[np.int64], part: slice
) -> pl.DataFrame:
    layout = built.images
    row = layout.row[part]
    rows = len(row)
    columns = {
        name: built.columns[name].take(part)
        for name in ("ImageLateralityFinal", "ViewPosition", "FinalImageType", "num_roi")
        if name in built.columns
    }
    exam = np.searchsorted(
        layout.breast_start[layout.exam_start], np.arange(part.start, part.start + rows), "right"
    )
    exam -= 1
    patient = np.searchsorted(layout.patient_start, exam, "right") - 1
    found = pl.Series([_box_array(built, n) for n in row.tolist()], dtype=pl.String)
    drawn = np.asarray([len(built.rois.get(n, ())) for n in row.tolist()])
    return pl.DataFrame(
        {
            "revision_id": pl.repeat(revision_id, rows, dtype=pl.Int64, eager=True),
            "image_id": image_id,
            "n": row,
            "patient_id": decoded(built.columns["empi_anon"].take(patient), rows),
            "exam_id": decoded(built.columns["acc_anon"].take(exam), rows),
            "sop_instance_uid": uids.gather(row),
            "laterality": decoded(columns.get("ImageLateralityFinal"), rows),
            "view_position": decoded(columns.get("ViewPosition"), rows),
            "final_image_type": decoded(columns.get("FinalImageType"), rows),
            "num_roi": _integers(columns.get("num_roi"), rows).fill_null(pl.Series(drawn)),
            "rois": found,
        }
    )


def _box_array(built: Built, row: int) -> str | None:
    """An array literal of PostgreSQL: four numbers a box."""
    boxes = built.rois.get(row)
    if not boxes:
        return None
    return "{" + ",".join(str(number) for box in boxes for number in box) + "}"


def _integers(column: Coded | None, rows: int) -> pl.Series:
    """Null where a number is not whole."""
    values = decoded(column, rows).cast(pl.Float64)
    return values.set(values.floor() != values, None).cast(pl.Int32, strict=False)


def finding_frame(revision_id: int, built: Built) -> pl.DataFrame:
    """One row a clinical row that names an exam, in the order of the file."""
    clinical = built.clinical
    rows = len(clinical["acc_anon"].codes)
    frame = pl.DataFrame(
        {
            "revision_id": pl.repeat(revision_id, rows, dtype=pl.Int64, eager=True),
            "n": np.arange(rows, dtype=np.int32),
            "patient_id": decoded(clinical["empi_anon"], rows),
            "exam_id": decoded(clinical["acc_anon"], rows),
            "numfind": _integers(clinical.get("numfind"), rows),
            "side": decoded(clinical["side"], rows),
            "asses": decoded(clinical["asses"], rows),
            "path_severity": decoded(clinical.get("path_severity"), rows),
        }
    )
    return frame.filter(pl.col("exam_id").is_not_null())
