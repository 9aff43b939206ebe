"""Where each image and finding row stands: patients, exams, breasts, images; and their pairs.

Side rule (EMBED README VIII): same exam, and a finding's side L or R equals ImageLateralityFinal; B
or null belongs to every image of the exam. An image that no row matches has one all-null row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.ingest.faults import SourceFault
from catalog.ingest.finalise import FIRST_DATA_LINE, Coded
from catalog.ingest.report import Report

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ImageLayout:
    """Kept image rows in model order, and the groups that they form."""

    row: Longs  # row in the metadata file of each image
    breast_start: Ints
    exam_start: Ints
    patient_start: Ints
    exam_code: Longs  # of each exam, into the dictionary of acc_anon
    patient_code: Longs
    breast_laterality: Longs  # code of each breast, into the dictionary of the laterality


@dataclass(frozen=True)
class FindingLayout:
    """Kept clinical rows in model order, and the pairs of breasts and rows."""

    row: Longs  # row in the clinical file
    exam: Longs  # place of its exam
    pair_start: Ints
    pair_row: Ints


def lay_out_images(
    source: str,
    patient: Coded,
    exam: Coded,
    laterality: Coded,
    has_file: npt.NDArray[np.bool_],
    hashes: npt.NDArray[np.uint64],
    report: Report,
) -> ImageLayout:
    """Order the images by (patient, exam, laterality, hash of the UID)."""
    kept = _usable_rows(patient, exam, has_file, report)
    kept = _of_one_patient(kept, patient.codes, exam.codes, report)
    if len(kept) == 0:
        raise SourceFault(source, "no row has a patient, an exam and a DICOM path")
    p, e, side = (c.codes[kept].astype(np.int64) for c in (patient, exam, laterality))
    order = np.lexsort((hashes[kept], side, e, p))
    kept, p, e, side = kept[order], p[order], e[order], side[order]
    new_patient = _changes(p)
    new_exam = new_patient | _changes(e)
    new_breast = new_exam | _changes(side)
    return ImageLayout(
        row=kept,
        breast_start=_starts(new_breast),
        exam_start=_starts(new_exam[new_breast]),
        patient_start=_starts(new_patient[new_exam]),
        exam_code=e[new_exam],
        patient_code=p[new_patient],
        breast_laterality=side[new_breast],
    )


def _usable_rows(
    patient: Coded, exam: Coded, has_file: npt.NDArray[np.bool_], report: Report
) -> Longs:
    usable = np.ones(len(has_file), bool)
    for column, good, reason in (
        ("empi_anon", patient.codes > 0, "row left out: no patient"),
        ("acc_anon", exam.codes > 0, "row left out: no exam"),
        ("anon_dicom_path", has_file, "row left out: no file"),
    ):
        _left_out(usable & ~good, "metadata", column, reason, report)
        usable &= good
    return np.flatnonzero(usable)


def _left_out(
    rows: npt.NDArray[np.bool_], table: str, column: str, reason: str, report: Report
) -> None:
    hit = np.flatnonzero(rows)
    line = int(hit[0]) + FIRST_DATA_LINE if len(hit) else None
    report.add("rejected", table, column, reason, len(hit), line)


def _of_one_patient(
    kept: Longs,
    patient: npt.NDArray[np.unsignedinteger],
    exam: npt.NDArray[np.unsignedinteger],
    report: Report,
) -> Longs:
    """Leave out rows that give an exam to a second patient: splits by patient rest on this."""
    owner = np.zeros(int(exam.max(initial=0)) + 1, np.int64)
    owner[exam[kept][::-1]] = patient[kept][::-1]  # the last assignment, the first row, stays
    foreign = owner[exam[kept]] != patient[kept]
    rows = np.zeros(len(exam), bool)
    rows[kept[foreign]] = True
    _left_out(
        rows, "metadata", "acc_anon", "row left out: the exam is another patient's too", report
    )
    return np.asarray(kept[~foreign], np.int64)


def _changes(values: Longs) -> npt.NDArray[np.bool_]:
    changed = np.ones(len(values), bool)
    changed[1:] = values[1:] != values[:-1]
    return changed


def _starts(first: npt.NDArray[np.bool_]) -> Ints:
    return np.append(np.flatnonzero(first), len(first)).astype(np.int32)


def find_duplicate(uids: Sequence[str | None], rows: Longs) -> tuple[int, int] | None:
    """(row, earlier row) of the first image that occurs twice; ``uids`` are those of ``rows``."""
    seen: dict[str | None, int] = {}
    for uid, row in zip(uids, rows.tolist(), strict=True):
        if uid in seen:
            return row, seen[uid]
        seen[uid] = row
    return None


def lay_out_findings(
    images: ImageLayout, exam_place: Longs, side: Coded, laterality: Coded
) -> FindingLayout:
    """Pair breasts and rows. ``exam_place``: by clinical row its exam, -1 where it has no image."""
    with_images = np.flatnonzero(exam_place >= 0)
    order = np.argsort(exam_place[with_images], kind="stable")
    row = with_images[order]
    exam = exam_place[row]
    start = np.searchsorted(exam, np.arange(len(images.exam_code) + 1))
    exam_of_breast = np.repeat(np.arange(len(images.exam_code)), np.diff(images.exam_start))
    length = np.diff(start)[exam_of_breast]
    breast = np.repeat(np.arange(len(exam_of_breast)), length)
    offset = np.cumsum(length) - length
    candidate = np.arange(len(breast)) - offset[breast] + start[exam_of_breast[breast]]
    applies = _side_applies(side, laterality)
    keep = applies[side.codes[row[candidate]], images.breast_laterality[breast]]
    breast, candidate = breast[keep], candidate[keep]
    bare = np.setdiff1d(np.arange(len(exam_of_breast)), breast, assume_unique=False)
    breast = np.concatenate([breast, bare])
    pair_row = np.concatenate([candidate, np.full(len(bare), len(row))])
    order = np.argsort(breast, kind="stable")
    pair_start = np.searchsorted(breast[order], np.arange(len(exam_of_breast) + 1))
    return FindingLayout(row, exam, pair_start.astype(np.int32), pair_row[order].astype(np.int32))


def _side_applies(side: Coded, laterality: Coded) -> npt.NDArray[np.bool_]:
    """By code of a finding's side and of an image's laterality: whether they belong together."""
    table = np.zeros((side.dictionary.size, laterality.dictionary.size), bool)
    for s in range(side.dictionary.size):
        value = side.dictionary.decode(s)
        for i in range(laterality.dictionary.size):
            table[s, i] = value in (None, "B") or value == laterality.dictionary.decode(i)
    return table


def first_known(
    codes: npt.NDArray[np.unsignedinteger], owner: Longs, owners: int
) -> tuple[npt.NDArray[np.unsignedinteger], int]:
    """By owner the first code that is not null, and how many rows say something else."""
    usable = np.flatnonzero((codes > 0) & (owner >= 0))
    first = np.zeros(owners, codes.dtype)
    first[owner[usable][::-1]] = codes[usable][::-1]
    return first, int(np.count_nonzero(first[owner[usable]] != codes[usable]))
