"""Small tables in EMBED's columns, drawn at random: nulls, B sides, repeats, orphans."""

import csv
import io
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from catalog.fields import fields
from catalog.ingest.build import EncodedTables, build
from catalog.ingest.encode import TableEncoder
from catalog.ingest.report import Report
from catalog.ingest.run import KEPT
from catalog.model.read_model import ReadModel

FINDING: dict[str, list[Any]] = {
    "side": [None, None, "L", "R", "B"],
    "asses": ["N", "N", "B", "A", "S", "K", "X", None],
    "massshape": [None, None, "G", "S", "Q", "L", "Y"],
    "massmargin": [None, None, "D", "S"],
    "massdens": [None, None, "+", "-", "=", "0"],
    "calcfind": [None, None, "A", "A,9", ","],
    "calcdistri": [None, None, None, "G", "C"],
    "calcnumber": [0, 0, 0, None, 3, -2],
    "otherfind": [None, "!", "%,B"],
    "implanfind": [None, None, None, "N"],
    "recc": [None, "B,U", "U,", "U,B", "1", ","],
    "numfind": [1, None, 2, 3],
}
PROCEDURE: dict[str, list[Any]] = {
    "path_severity": [None, None, None, 0, 1, 2, 4, 5],
    "type": [None, "B", "S"],
    "path1": [None, "NA", "ID", "ZZ"],
    "path2": [None, None, "DCH", "ID"],
}
EXAM: dict[str, list[Any]] = {
    "tissueden": [1, 2, 3, 4, None],
    "desc": [
        "MG Screening Bilateral",
        "MG Screen Bilat w/Tomo/CAD Stnd Protocol",
        "MG Diagnostic Left",
        "Outside films",
        None,
    ],
    "age_at_study": [29.9, 39.5, 40, 61.25, 89, None],
}
PATIENT: dict[str, list[Any]] = {
    "GENDER_DESC": ["Female", "Male", None],
    "ETHNICITY_DESC": [
        "African American  or Black",
        "Caucasian or White",
        "Asian",
        "Unknown, Unavailable or Unreported",
        "Patient Declines",
        None,
    ],
    "ETHNIC_GROUP_DESC": [
        "Hispanic or Latino",
        "Non-Hispanic or Latino",
        "Unknown~Hispanic",
        "CD:1234567890",
        None,
    ],
}
IMAGE: dict[str, list[Any]] = {
    "ImageLateralityFinal": ["L", "R", "L", "R", None],
    "ViewPosition": ["CC", "MLO", "CC", "MLO", "ML", "CCID", None],
    "FinalImageType": ["2D", "2D", "cview"],
    "num_roi": [0, 0, 1],
    "spot_mag": [None, None, None, 1],
    "BreastImplantPresent": ["NO", "NO", "NO", "YES", None],
    "match_level": ["[]", "[]", "[1]", "[1, 2]"],
}
VALUES = {**FINDING, **PROCEDURE, **EXAM, **PATIENT, **IMAGE}
KEYS = ["empi_anon", "acc_anon", "study_date_anon"]
CLINICAL = [*KEYS, *FINDING, *PROCEDURE, *EXAM, *PATIENT]
METADATA = [*KEYS, "anon_dicom_path", *IMAGE, "ROI_coords"]


@dataclass(frozen=True)
class Tables:
    """Both files as text."""

    clinical: str
    metadata: str


def write(names: list[str], rows: list[dict[str, Any]]) -> str:
    """CSV as pandas writes it: null is the empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows({k: "" if v is None else v for k, v in row.items()} for row in rows)
    return out.getvalue()


def draw(rng: Random) -> Tables:
    """Up to five patients of up to four exams, some on one side of the join only."""
    clinical: list[dict[str, Any]] = []
    metadata: list[dict[str, Any]] = []
    for patient in range(rng.randint(1, 5)):
        empi = str(10_000_000 + rng.randrange(80_000_000))
        person = _one_of_each(rng, PATIENT)
        for exam in range(rng.randint(1, 4)):
            acc = str(2**53 + rng.randrange(10**12) * 32 + patient * 4 + exam)
            keys = {"empi_anon": empi, "acc_anon": acc}
            day = _day(rng)
            clinical += _rows(rng, {**keys, "study_date_anon": day, **person})
            for _ in range(rng.choice([0, 1, 2, 4, 4, 8])):
                taken = day if rng.random() < 0.8 else _day(rng)
                metadata.append({**keys, "study_date_anon": taken, **_image(rng, empi)})
    if not clinical:
        clinical.append({"empi_anon": "1", "acc_anon": "2", "asses": "N"})
    if not metadata:
        metadata.append({"empi_anon": "3", "acc_anon": "4", **_image(rng, "3")})
    rng.shuffle(clinical)
    rng.shuffle(metadata)
    return Tables(write(CLINICAL, clinical), write(METADATA, metadata))


def several(seed: int) -> Tables:
    """Random tables with at least a dozen images."""
    rng = Random(seed)
    return next(t for t in iter(lambda: draw(rng), None) if t.metadata.count("\n") > 12)


def _one_of_each(rng: Random, values: dict[str, list[Any]]) -> dict[str, Any]:
    return {name: rng.choice(choices) for name, choices in values.items()}


def _day(rng: Random) -> str | None:
    """A date on which several exams may fall."""
    if rng.random() < 0.1:
        return None
    return (
        f"{rng.choice([2014, 2015, 2016])}-{rng.choice([1, 6, 7]):02}-{rng.choice([1, 2, 28]):02}"
    )


def _rows(rng: Random, fixed: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings of an exam; one with several procedures has a row for each."""
    fixed = {**fixed, **_one_of_each(rng, EXAM)}
    rows = []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 5])):
        finding = {**fixed, **_one_of_each(rng, FINDING)}
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            rows.append({**finding, **_one_of_each(rng, PROCEDURE)})
    return rows


def _image(rng: Random, empi: str) -> dict[str, Any]:
    drawn = _one_of_each(rng, IMAGE)
    uid = f"2.25.{rng.getrandbits(100)}"
    boxes = "((10, 20, 30, 40),)" if drawn["num_roi"] else "()"
    path = f"/mnt/NAS2/mammo/anon_dicom/cohort_1/{empi}/2.1/2.2/{uid}.dcm"
    return {**drawn, "anon_dicom_path": path, "ROI_coords": boxes}


def encode(tables: Tables) -> tuple[EncodedTables, Report]:
    """The tables as the ingest's streaming part leaves them."""
    encoders = {}
    for table in ("clinical", "metadata"):
        head, _, body = getattr(tables, table).partition("\n")
        names = head.split(",")
        coded = {f.column for f in fields().values() if f.table == table} | {"ROI_coords"}
        encoders[table] = TableEncoder(table, names, coded, KEPT[table])
        if body:
            encoders[table].add(body.encode())
    clinical, metadata = encoders["clinical"], encoders["metadata"]
    uids = metadata.texts("anon_dicom_path")
    return EncodedTables(clinical.columns(), clinical.rows, metadata.columns(), uids), Report()


def build_model(tables: Tables) -> ReadModel:
    """The read model of the tables; image ids are row numbers from 1."""
    encoded, report = encode(tables)
    built = build(encoded, report)
    return built.model(1, "made-up", "0" * 64, (built.images.row + 1).astype(np.int64))
