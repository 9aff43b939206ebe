"""The two tables as dictionaries, and what the recipes count of them."""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Count = tuple[int, int, int, int]  # rows, images, exams, patients
Evidence = tuple[str, int, int]  # role, row of the clinical file, days after the screen

WORST_FIRST = "KMSPABNX"
TEXTS = ("desc", "side", "asses", "bside", "exam_outcome", "outcome_side")
NUMBERS = ("path_severity", "tissueden", "numfind")
DATES = ("study_date_anon", "procdate_anon", "pdate_anon")


@dataclass
class Result:
    """Labels and evidence by SOP Instance UID, and the counts of each step."""

    labels: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, set[Evidence]] = field(default_factory=lambda: defaultdict(set))
    steps: list[Count] = field(default_factory=list)


def _cell(record: dict[str, str], name: str) -> str | None:
    text = (record.get(name) or "").strip()
    return None if text in ("", "NaN", "nan") else text


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])


def has(row: Row, word: str) -> bool:
    return word in (row["desc"] or "").lower()


def laterality_of(desc: str | None) -> str | None:
    text = (desc or "").lower()
    if "bilat" in text or re.search(r"\bbl\b", text):
        return "B"
    if ("left" in text) != ("right" in text):
        return "L" if "left" in text else "R"
    return None


def meets(side: str | None, laterality: str | None) -> bool:
    return side is None or side == "B" or side == laterality


def days_between(earlier: date | None, later: date | None) -> int | None:
    return None if earlier is None or later is None else (later - earlier).days


class Tables:
    """Clinical rows, and images by exam; ``pool`` says which images a recipe counts."""

    def __init__(self, clinical: Path, metadata: Path) -> None:
        self.rows = list(self._read_rows(clinical))
        self.images = defaultdict(list)
        owner: dict[str, str] = {}
        for image in self._read_images(metadata):
            if owner.setdefault(image["exam"], image["patient"]) == image["patient"]:
                self.images[image["exam"]].append(image)
        self.pool: Callable[[Row], bool] = lambda image: True

    def _read_rows(self, path: Path) -> Iterator[Row]:
        with path.open(encoding="utf-8", newline="") as lines:
            for n, record in enumerate(csv.DictReader(lines)):
                row: Row = {"n": n, "derived": False}
                row["patient"], row["exam"] = _cell(record, "empi_anon"), _cell(record, "acc_anon")
                row |= {name: _cell(record, name) for name in TEXTS}
                row |= {name: _number(_cell(record, name)) for name in NUMBERS}
                row |= {name: _day(_cell(record, name)) for name in DATES}
                if row["patient"] and row["exam"]:
                    yield row

    def _read_images(self, path: Path) -> Iterator[Row]:
        with path.open(encoding="utf-8", newline="") as lines:
            for record in csv.DictReader(lines):
                path_ = _cell(record, "anon_dicom_path")
                patient, exam = _cell(record, "empi_anon"), _cell(record, "acc_anon")
                if not (path_ and patient and exam) or exam == "999":
                    continue
                yield {
                    "uid": path_.rpartition("/")[2].removesuffix(".dcm"),
                    "patient": patient,
                    "exam": exam,
                    "laterality": _cell(record, "ImageLateralityFinal"),
                    "type": _cell(record, "FinalImageType"),
                    "view": _cell(record, "ViewPosition"),
                    "spot": _number(_cell(record, "spot_mag")) == 1,
                    "day": _day(_cell(record, "study_date_anon")),
                    "num_roi": _number(_cell(record, "num_roi")) or 0,
                    "boxes": len(re.findall(r"\d+", record.get("ROI_coords") or "")) // 4,
                }

    def _images_of(self, rows: Iterable[Row]) -> set[str]:
        found = set()
        for row in rows:
            for image in self.images.get(row["exam"], ()):
                if self.pool(image) and meets(row.get("side"), image["laterality"]):
                    found.add(image["uid"])
        return found

    def count(self, result: Result, rows: list[Row]) -> None:
        exams, patients = {row["exam"] for row in rows}, {row["patient"] for row in rows}
        result.steps.append((len(rows), len(self._images_of(rows)), len(exams), len(patients)))

    def count_exams(self, result: Result, exams: list[Row]) -> None:
        self.count(result, [{**exam, "side": None} for exam in exams])

    @staticmethod
    def count_pairs(result: Result, pairs: list[tuple[Row, Row]]) -> None:
        """Pairs of a row or exam and an image."""
        result.steps.append(
            (
                len(pairs),
                len({image["uid"] for _, image in pairs}),
                len({image["exam"] for _, image in pairs}),
                len({owner["patient"] for owner, _ in pairs}),
            )
        )

    def count_images(self, result: Result, wanted: Callable[[Row], bool]) -> None:
        kept = [i for images in self.images.values() for i in images if wanted(i)]
        self.count_pairs(result, [(image, image) for image in kept])

    def join(
        self, rows: list[Row], wanted: Callable[[Row], bool], *, sided: bool = True
    ) -> list[tuple[Row, Row]]:
        return [
            (row, image)
            for row in rows
            for image in self.images.get(row["exam"], ())
            if wanted(image) and (not sided or meets(row["side"], image["laterality"]))
        ]

    def completed(self, rows: list[Row]) -> tuple[list[Row], list[Row]]:
        """What bilateral exams with rows of one side alone lack: on the left, on the right."""
        sides = defaultdict(set)
        for row in rows:
            sides[row["exam"]].add(row["side"])
        added: dict[str, list[Row]] = {"L": [], "R": []}
        for row in rows:
            for present, absent in (("R", "L"), ("L", "R")):
                if laterality_of(row["desc"]) == "B" and sides[row["exam"]] == {present}:
                    made = {"side": absent, "asses": "N", "path_severity": None, "derived": True}
                    added[absent].append({**row, **made})
        return added["L"], added["R"]
