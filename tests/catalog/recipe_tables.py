"""Tables that meet every branch of the recipes: random exams of some patients over years."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from catalog.model.read_model import ReadModel
from catalog.recipes.tables import RecipeTables, recipe_tables, wanted_columns
from catalog.rois import parse_rois

from tests.catalog.tables import Tables, build_model, write

CLINICAL = [
    "empi_anon",
    "acc_anon",
    "study_date_anon",
    "desc",
    "side",
    "asses",
    "path_severity",
    "bside",
    "tissueden",
    "numfind",
    "procdate_anon",
    "pdate_anon",
]
OUTCOMES = ["exam_outcome", "outcome_side"]
METADATA = [
    "empi_anon",
    "acc_anon",
    "anon_dicom_path",
    "study_date_anon",
    "ImageLateralityFinal",
    "FinalImageType",
    "ViewPosition",
    "spot_mag",
    "num_roi",
    "ROI_coords",
]

WORK_UP_DESCRIPTIONS = [
    *["MG Diagnostic Mammo Bilateral"] * 2,
    "MG Diagnostic Left w/CAD",
    "MG Diagnostic Right w/CAD",
    "US Breast Bilateral Limited",
    "US Breast Left Limited",
    "US Breast Diagnostic Right",
]
SCREEN_DESCRIPTIONS = [
    *["MG Screening Bilateral w/CAD"] * 6,
    "MG Screening Left w/Tomo/CAD",
    "MG Screening Digital BL w/Tomo/CAD",
    "MG Screening Right then Left",
]
DESCRIPTIONS = [*SCREEN_DESCRIPTIONS, *WORK_UP_DESCRIPTIONS, "MG Outside Consult", None]
WORK_UPS = [0, 3, 40, 90, 91, 180, 182, 365]
GAPS = [0, 3, 40, 90, 91, 180, 182, 300, 366, 380, 700, 1500]  # days between exams
SIDES = [None, "L", "R", "B", "L", "R"]
ASSESSMENTS = [*"NNNBBB", *"AAAAA", *"PSMKX", None]
SEVERITIES = [*[None] * 12, 0, 1, 2, 3, 4, 5]
BOXES = ["()", "()", "((1, 2, 30, 40),)", "((1, 2, 30, 40), (5, 6, 70, 80))"]
EXAM_OUTCOMES = [
    None,
    "Screen Negative",
    "Diagnostic Negative",
    "Confirmed Benign",
    "Confirmed Cancer",
    "Interval Cancer",
    "Other Cancer",
]


def draw(rng: Random, *, outcomes: bool = False) -> Tables:
    """Both tables; with ``outcomes`` the clinical one has the columns of 2024."""
    clinical: list[dict[str, Any]] = []
    metadata: list[dict[str, Any]] = []
    for patient in range(rng.randint(20, 60)):
        empi = str(10_000_000 + patient)
        day = date(2014, 1, 1) + timedelta(days=rng.randint(0, 300))
        for exam in range(rng.randint(1, 7)):
            worked_up = exam % 2 == 1
            day += timedelta(days=rng.choice(WORK_UPS if worked_up else GAPS))
            usual = WORK_UP_DESCRIPTIONS if worked_up else SCREEN_DESCRIPTIONS
            desc = rng.choice(usual if rng.random() < 0.7 else DESCRIPTIONS)
            keys = {"empi_anon": empi, "acc_anon": str(2**53 + patient * 100 + exam)}
            clinical += [{**keys, **row} for row in _rows(rng, day, desc)]
            images = rng.choice([0, 2, 4, 6])
            metadata += [{**keys, **_image(rng, empi, day)} for _ in range(images)]
    rng.shuffle(clinical)
    metadata.append({"empi_anon": "9", "acc_anon": "8", **_image(rng, "9", date(2015, 1, 1))})
    names = CLINICAL + (OUTCOMES if outcomes else [])
    kept = [{name: row.get(name) for name in names} for row in clinical]
    return Tables(write(names, kept), write(METADATA, metadata))


def _rows(rng: Random, day: date, desc: str | None) -> list[dict[str, Any]]:
    shared = {
        "study_date_anon": rng.choice([day, day, day, day, None]),
        "desc": desc,
        "tissueden": rng.choice([1, 2, 3, 4, 5]),
        "exam_outcome": rng.choice(EXAM_OUTCOMES),
        "outcome_side": rng.choice([None, "L", "R", "B"]),
    }
    rows = []
    for number in range(1, rng.choice([1, 1, 1, 2, 3]) + 1):
        severity = rng.choice(SEVERITIES)
        biopsied = {
            "path_severity": severity,
            "bside": None if severity is None else rng.choice(["L", "R", "B", None]),
            "procdate_anon": None if severity is None else day + timedelta(days=9),
            "pdate_anon": None if severity is None else f"{day + timedelta(days=10)} 00:00:00",
        }
        found = {"side": rng.choice(SIDES), "asses": rng.choice(ASSESSMENTS), "numfind": number}
        rows += [{**shared, **found, **biopsied}] * rng.choice([1, 1, 1, 2])
    return rows


def _image(rng: Random, empi: str, day: date) -> dict[str, Any]:
    uid = f"2.25.{rng.getrandbits(100)}"
    boxes = rng.choice(BOXES)
    return {
        "anon_dicom_path": f"images/cohort_1/{empi}/2.1/2.2/{uid}.dcm",
        "study_date_anon": rng.choice([day, day, day, day + timedelta(days=1), None]),
        "ImageLateralityFinal": rng.choice(["L", "R", "L", "R", None]),
        "FinalImageType": rng.choice(["2D", "2D", "cview"]),
        "ViewPosition": rng.choice(["CC", "MLO", "ML"]),
        "spot_mag": rng.choice([None, None, None, 1]),
        "num_roi": len(parse_rois(boxes)),
        "ROI_coords": boxes,
    }


def load(tables: Tables) -> tuple[ReadModel, RecipeTables, list[str]]:
    """The read model, what recipes read, and the UID of each image of the model."""
    rows = list(csv.DictReader(io.StringIO(tables.clinical)))
    images = list(csv.DictReader(io.StringIO(tables.metadata)))
    model = build_model(tables)
    names = list(wanted_columns({name: name for name in rows[0]}))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([row[name] for name in names] for row in rows)
    # As the ingest does: what is no list of boxes counts as none; ids are row numbers from 1.
    boxes = {i: len(_parsed(image["ROI_coords"])) for i, image in enumerate(images, 1)}
    drawn = {image_id: count for image_id, count in boxes.items() if count}
    uids = [image["anon_dicom_path"].rpartition("/")[2].removesuffix(".dcm") for image in images]
    by_place = [uids[image_id - 1] for image_id in model.image_id.tolist()]
    return model, recipe_tables(model, names, out.getvalue().encode(), drawn), by_place


def _parsed(text: str) -> list[Any]:
    try:
        return list(parse_rois(text))
    except ValueError:
        return []


def save(tables: Tables, folder: Path) -> tuple[Path, Path]:
    """Both files."""
    paths = (folder / "clinical.csv", folder / "metadata.csv")
    for path, text in zip(paths, (tables.clinical, tables.metadata), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths
