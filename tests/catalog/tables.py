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

CLINICAL = [
    "empi_anon",
    "acc_anon",
    "side",
    "asses",
    "massshape",
    "calcdistri",
    "path_severity",
    "type",
    "recc",
    "numfind",
    "tissueden",
    "desc",
    "age_at_study",
    "GENDER_DESC",
]
METADATA = [
    "empi_anon",
    "acc_anon",
    "anon_dicom_path",
    "ImageLateralityFinal",
    "ViewPosition",
    "FinalImageType",
    "num_roi",
    "ROI_coords",
]

VALUES: dict[str, list[Any]] = {
    "side": [None, None, "L", "R", "B"],
    "asses": ["N", "N", "B", "A", "S", "K", "X", None],
    "massshape": [None, "G", "S", "Q", "L"],
    "calcdistri": [None, None, "G", "C"],
    "path_severity": [None, None, 0, 1, 4, 5],
    "type": [None, "B", "S"],
    "recc": [None, "B,U", "U,", "U,B", "1", ","],
    "numfind": [1, 1, 2, 3],
    "tissueden": [1, 2, 3, 4, None],
    "desc": ["MG Screening Bilateral", "MG Diagnostic Left", None],
    "age_at_study": [39.5, 40, 61.25, 89, None],
    "GENDER_DESC": ["Female", "Male", None],
    "ImageLateralityFinal": ["L", "R", "L", "R", None],
    "ViewPosition": ["CC", "MLO", "ML", None],
    "FinalImageType": ["2D", "cview"],
    "num_roi": [0, 0, 1],
}


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
    """Up to five patients of up to three exams, some on one side of the join only."""
    clinical: list[dict[str, Any]] = []
    metadata: list[dict[str, Any]] = []
    for patient in range(rng.randint(1, 5)):
        empi = str(10_000_000 + rng.randrange(80_000_000))
        gender = rng.choice(VALUES["GENDER_DESC"])
        for exam in range(rng.randint(1, 3)):
            acc = str(2**53 + rng.randrange(10**12) * 16 + patient * 3 + exam)
            keys = {"empi_anon": empi, "acc_anon": acc}
            fixed = {
                name: rng.choice(VALUES[name]) for name in ("tissueden", "desc", "age_at_study")
            }
            for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 5])):
                drawn = {name: rng.choice(VALUES[name]) for name in CLINICAL[2:10]}
                clinical.append({**keys, **drawn, **fixed, "GENDER_DESC": gender})
            for _ in range(rng.choice([0, 1, 2, 4, 4, 6])):
                metadata.append({**keys, **_image(rng, empi)})
    if not clinical:
        clinical.append({"empi_anon": "1", "acc_anon": "2", "asses": "N"})
    if not metadata:
        metadata.append({"empi_anon": "3", "acc_anon": "4", **_image(rng, "3")})
    rng.shuffle(clinical)
    rng.shuffle(metadata)
    return Tables(write(CLINICAL, clinical), write(METADATA, metadata))


def _image(rng: Random, empi: str) -> dict[str, Any]:
    drawn = {name: rng.choice(VALUES[name]) for name in METADATA[3:7]}
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
        encoders[table] = TableEncoder(table, names, coded, KEPT[table])  # type: ignore[index]
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
