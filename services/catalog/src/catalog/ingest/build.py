"""Encoded tables into a read model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog.fields import Field, Table, source_fields
from catalog.ingest.boxes import Boxes, boxes_by_row
from catalog.ingest.derived import Columns, derive_all, flags
from catalog.ingest.encode import RawColumn
from catalog.ingest.faults import SourceFault
from catalog.ingest.finalise import FIRST_DATA_LINE, Coded, finalise
from catalog.ingest.layout import (
    FindingLayout,
    ImageLayout,
    find_duplicate,
    first_known,
    lay_out_findings,
    lay_out_images,
)
from catalog.ingest.report import Report
from catalog.model.dictionary import Dictionary, smallest_codes
from catalog.model.read_model import ReadModel
from catalog.normalise import DIGITS_LOST
from catalog.paths import hash_texts

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class EncodedTables:
    """Both files as codes, and the SOP Instance UID of each metadata row. ``build`` consumes it.

    ``held`` are the hashes of the UIDs that have a file, where that is known.
    """

    clinical: dict[str, RawColumn]
    clinical_rows: int
    metadata: dict[str, RawColumn]
    uids: pl.Series
    held: Hashes | None = None


@dataclass(frozen=True)
class Built:
    """Everything but the image ids, which the database knows."""

    images: ImageLayout
    findings: FindingLayout
    columns: Mapping[str, Coded]
    clinical: Mapping[str, Coded]  # by row of the clinical file
    image_hash: Hashes
    patient_hash: Hashes
    rois: Boxes  # by row of the metadata file
    counts: dict[str, int]

    def model(
        self, revision_id: int, dataset: str, sha256: str, image_id: npt.NDArray[np.int64]
    ) -> ReadModel:
        """The read model; ``image_id`` is in model order."""
        numfind = self.clinical.get("numfind")
        return ReadModel(
            revision_id=revision_id,
            dataset=dataset,
            sha256=sha256,
            dictionaries={name: column.dictionary for name, column in self.columns.items()},
            codes={name: column.codes for name, column in self.columns.items()},
            image_id=image_id,
            image_row=self.images.row.astype(np.int32),
            image_hash=self.image_hash,
            breast_start=self.images.breast_start,
            exam_start=self.images.exam_start,
            patient_start=self.images.patient_start,
            exam_id=_ids(self.columns["acc_anon"]),
            patient_id=_ids(self.columns["empi_anon"]),
            patient_hash=self.patient_hash,
            pair_start=self.findings.pair_start,
            pair_row=self.findings.pair_row,
            row_number=np.append(self.findings.row, -1).astype(np.int32),
            row_finding=np.append(_integers(numfind, self.findings.row), -1).astype(np.int32),
        )


def build(tables: EncodedTables, report: Report) -> Built:
    """Type the columns, lay out images and findings, derive; refusals and repairs to ``report``."""
    rois = boxes_by_row(tables.metadata, report)
    image_columns = _finalised(tables.metadata, "metadata", report)
    clinical = _finalised(tables.clinical, "clinical", report)
    _refuse_lost_digits(report)
    patient, exam = image_columns.pop("empi_anon"), image_columns.pop("acc_anon")
    laterality = image_columns["ImageLateralityFinal"]
    hashes = hash_texts(tables.uids)
    has_path = (tables.uids.fill_null("") != "").to_numpy()
    images = lay_out_images("metadata", patient, exam, laterality, has_path, hashes, report)
    _refuse_duplicates(tables.uids, hashes, images.row)
    place = _places(exam.dictionary, images.exam_code, clinical["acc_anon"])
    findings = lay_out_findings(images, place, clinical["side"], laterality)
    at = {name: image_columns.pop(name).take(images.row) for name in list(image_columns)}
    at |= _identities(patient, exam, images)
    at |= _clinical_columns(clinical, place, at["empi_anon"], findings, images, report)
    has_roi = np.isin(images.row, np.fromiter(rois, np.int64, len(rois)))
    at |= derive_all(Columns(at, images, findings), has_roi)
    counts = _counts(tables, clinical, place, images, findings)
    if tables.held is not None:
        has_file = np.isin(hashes[images.row], tables.held)
        at["has_file"] = flags(has_file)
        counts["files"] = int(has_file.sum())
    patient_ids = [str(value) for value in at["empi_anon"].dictionary.values]
    return Built(
        images,
        findings,
        at,
        clinical,
        hashes[images.row],
        hash_texts(patient_ids),
        rois,
        counts,
    )


def _finalised(raw: dict[str, RawColumn], table: Table, report: Report) -> dict[str, Coded]:
    """Typed columns by the name of their source column; takes them out of ``raw``."""
    return {
        field.column: finalise(
            raw.pop(field.column), table, field.column, field.type, report, multi=field.multi
        )
        for field in source_fields(table)
        if field.column in raw
    }


def _refuse_lost_digits(report: Report) -> None:
    for what, table, column, reason in report.cells:
        if reason == DIGITS_LOST:
            line = report.first_line.get((what, table, column, reason))
            raise SourceFault(table, f"{column}: {reason}; take the original file", line)


def _refuse_duplicates(uids: pl.Series, hashes: Hashes, rows: npt.NDArray[np.int64]) -> None:
    ordered = np.sort(hashes[rows])
    suspects = ordered[1:][ordered[1:] == ordered[:-1]]
    rows = np.sort(rows[np.isin(hashes[rows], suspects)])
    found = find_duplicate(uids.gather(rows).to_list(), rows)
    if found:
        line, earlier = (row + FIRST_DATA_LINE for row in found)
        raise SourceFault("metadata", f"the image of line {earlier} once more", line)


def _places(
    exams: Dictionary, exam_code: npt.NDArray[np.int64], of_rows: Coded
) -> npt.NDArray[np.int64]:
    """By clinical row the place of its exam, -1 where the exam has no image."""
    place = {exams.decode(int(code)): i for i, code in enumerate(exam_code)}
    place.pop(None, None)
    lut = [-1, *(place.get(value, -1) for value in of_rows.dictionary.values)]
    return np.asarray(lut, np.int64)[of_rows.codes]


def _identities(patient: Coded, exam: Coded, images: ImageLayout) -> dict[str, Coded]:
    """``empi_anon`` by patient and ``acc_anon`` by exam, of those that have images."""
    return {
        "empi_anon": _compact(patient.dictionary, images.patient_code),
        "acc_anon": _compact(exam.dictionary, images.exam_code),
    }


def _compact(of: Dictionary, codes: npt.NDArray[np.int64]) -> Coded:
    """Only the values that occur, recoded; order is kept because dictionaries are ascending."""
    used, recoded = np.unique(codes, return_inverse=True)
    dictionary = Dictionary(tuple(str(of.decode(int(code))) for code in used))
    return Coded(smallest_codes(recoded + 1, dictionary.size), dictionary)


def _clinical_columns(
    clinical: Mapping[str, Coded],
    place: npt.NDArray[np.int64],
    patients: Coded,
    findings: FindingLayout,
    images: ImageLayout,
    report: Report,
) -> dict[str, Coded]:
    """Finding columns by row (the all-null row last), exam and patient columns by their owner."""
    found: dict[str, Coded] = {}
    patient_place = _patient_places(patients, clinical["empi_anon"])
    for field in source_fields("clinical"):
        column = clinical.get(field.column)
        if column is None:
            continue
        if field.level == "finding":
            codes = np.append(column.codes[findings.row], column.codes.dtype.type(0))
        else:
            of_exam = field.level == "exam"
            owner = place if of_exam else patient_place
            owners = len(images.exam_code if of_exam else images.patient_code)
            codes, others = first_known(column.codes, owner, owners)
            _notice_conflict(field, others, report)
        found[field.name] = Coded(codes, column.dictionary)
    return found


def _notice_conflict(field: Field, rows: int, report: Report) -> None:
    reason = f"rows that differ from the first of their {field.level}, which counts"
    report.add("noticed", "clinical", field.column, reason, rows)


def _patient_places(patients: Coded, of_rows: Coded) -> npt.NDArray[np.int64]:
    place = {value: i for i, value in enumerate(patients.dictionary.values)}
    lut = [-1, *(place.get(value, -1) for value in of_rows.dictionary.values)]
    return np.asarray(lut, np.int64)[of_rows.codes]


def _counts(
    tables: EncodedTables,
    clinical: Mapping[str, Coded],
    place: npt.NDArray[np.int64],
    images: ImageLayout,
    findings: FindingLayout,
) -> dict[str, int]:
    return {
        "images": len(images.row),
        "exams": len(images.exam_code),
        "patients": len(images.patient_code),
        "findings": tables.clinical_rows,
        "findings_without_images": int(np.count_nonzero(place < 0)),
        "exams_without_findings": len(images.exam_code) - len(np.unique(findings.exam)),
        "pairs": len(findings.pair_row),
    }


def _ids(column: Coded) -> npt.NDArray[np.bytes_]:
    values = [str(value).encode("ascii") for value in column.dictionary.values]
    return np.asarray(values, np.bytes_)[column.codes.astype(np.int64) - 1]


def _integers(column: Coded | None, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if column is None:
        return np.full(len(rows), -1)
    values = [-1, *(int(float(str(v))) for v in column.dictionary.values)]
    return np.clip(np.asarray(values, np.int64), -1, 2**31 - 1)[column.codes[rows]]
