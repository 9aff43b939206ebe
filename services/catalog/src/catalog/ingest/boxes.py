"""The boxes that radiologists drew, in the chest-wall-left frame, by row of the metadata file."""

from collections.abc import Mapping

import numpy as np

from catalog.fields import Type
from catalog.ingest.encode import RawColumn
from catalog.ingest.finalise import FIRST_DATA_LINE
from catalog.ingest.report import Report
from catalog.normalise import Cell, normalise
from catalog.rois import Roi, mirrored, needs_mirror, parse_rois

COLUMNS = frozenset(("ROI_coords", "DCM_ROI_coords"))
TURNED_VIEWS = ("CC", "MLO", "ML")
"""Views that Emory's conversion to PNG turns to have the chest wall left; others it never does."""

Boxes = dict[int, list[Roi]]


def boxes_by_row(metadata: Mapping[str, RawColumn], report: Report) -> Boxes:
    """Boxes of the rows that have any.

    Where a row has none in ROI_coords those of DCM_ROI_coords count, which stand in the frame of
    the file, as do those of ROI_coords in views that are never turned: they are mirrored where its
    pixels must be, and left out where that is not known.
    """
    found = _parsed(metadata, "ROI_coords", report)
    of_file = {
        row: ("ROI_coords", found.pop(row)) for row in list(found) if _never_turned(metadata, row)
    }
    for row, boxes in _parsed(metadata, "DCM_ROI_coords", report).items():
        if row not in found:
            of_file.setdefault(row, ("DCM_ROI_coords", boxes))
    for row, (column, boxes) in of_file.items():
        try:
            found[row] = _placed(metadata, row, boxes)
        except ValueError as error:
            line = row + FIRST_DATA_LINE
            report.add("rejected", "metadata", column, str(error), 1, line)
    return found


def _never_turned(metadata: Mapping[str, RawColumn], row: int) -> bool:
    """Whether the row's file runs the other way and was not turned for all that."""
    view = _cell(metadata, "ViewPosition", row)
    if view in (None, *TURNED_VIEWS) or _cell(metadata, "PNG_flipped", row) is not None:
        return False
    return _mirror(metadata, row) is True


def _mirror(metadata: Mapping[str, RawColumn], row: int) -> bool | None:
    flipped = _cell(metadata, "PNG_flipped", row)
    orientation = _cell(metadata, "PatientOrientation", row)
    return needs_mirror(
        flipped if isinstance(flipped, bool) else None,
        None if orientation is None else str(orientation),
    )


def _parsed(metadata: Mapping[str, RawColumn], column: str, report: Report) -> Boxes:
    raw = metadata.get(column)
    if raw is None:
        return {}
    boxes: list[list[Roi]] = [[]]
    for code, word in enumerate(raw.words, 1):
        try:
            boxes.append(parse_rois(word))
        except ValueError as error:
            rows = np.flatnonzero(raw.codes == code)
            first = int(rows[0]) + FIRST_DATA_LINE
            report.add("rejected", "metadata", column, str(error), len(rows), first)
            boxes.append([])
    drawn = np.asarray([bool(found) for found in boxes])
    return {int(row): boxes[raw.codes[row]] for row in np.flatnonzero(drawn[raw.codes])}


def _placed(metadata: Mapping[str, RawColumn], row: int, boxes: list[Roi]) -> list[Roi]:
    """Boxes of the file's frame in the chest-wall-left one; ValueError where that is not known."""
    width, mirror = _cell(metadata, "Columns", row), _mirror(metadata, row)
    if mirror is False:
        return boxes
    if mirror is None or not isinstance(width, int | float):
        raise ValueError("nothing tells whether the file is mirrored, or how wide it is")
    turned = [mirrored(box, int(width)) for box in boxes]
    if min(box.xmin for box in turned) < 0:
        raise ValueError("a box outside of the image")
    return turned


_types: Mapping[str, Type] = {
    "PNG_flipped": "flag",
    "ViewPosition": "text",
    "PatientOrientation": "text",
    "Columns": "number",
}


def _cell(metadata: Mapping[str, RawColumn], column: str, row: int) -> Cell:
    raw = metadata.get(column)
    if raw is None or raw.codes[row] == 0:
        return None
    return normalise(_types[column], raw.words[int(raw.codes[row]) - 1]).value
