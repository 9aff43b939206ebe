"""The typed rows that PostgreSQL keeps of images and findings."""

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog.ingest.build import Built
from catalog.ingest.finalise import Coded


def decoded(column: Coded | None, rows: int) -> pl.Series:
    """The values of a column; all null where there is no such column."""
    if column is None:
        return pl.Series([None]).new_from_index(0, rows)
    values = pl.Series([None, *column.dictionary.values])
    return values.gather(column.codes.astype(np.uint32))


def image_frame(
    revision_id: int, built: Built, uids: pl.Series, image_id: npt.NDArray[np.int64]
) -> pl.DataFrame:
    """One row an image, in model order."""
    columns, layout = built.columns, built.images
    rows = len(layout.row)
    exam = np.repeat(
        np.arange(len(layout.exam_code)), np.diff(layout.breast_start[layout.exam_start])
    )
    patient = np.repeat(np.arange(len(layout.patient_code)), np.diff(layout.patient_start))[exam]
    boxes = [_box_array(built, int(row)) for row in layout.row]
    found = pl.Series(boxes, dtype=pl.String)
    drawn = np.asarray([len(built.rois.get(int(row), ())) for row in layout.row])
    return pl.DataFrame(
        {
            "revision_id": pl.repeat(revision_id, rows, dtype=pl.Int64, eager=True),
            "image_id": image_id,
            "n": layout.row,
            "patient_id": decoded(columns["empi_anon"].take(patient), rows),
            "exam_id": decoded(columns["acc_anon"].take(exam), rows),
            "sop_instance_uid": uids.gather(layout.row),
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
    return decoded(column, rows).cast(pl.Int32, strict=False)


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
