"""Emory's recipes once more, in plain Python over dictionaries, from the published description.

Nothing of the catalog is used. A row is a dict, an exam is a list of rows, every rule is a loop.
"""

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


def _has(row: Row, word: str) -> bool:
    return word in (row["desc"] or "").lower()


def _laterality(desc: str | None) -> str | None:
    text = (desc or "").lower()
    if "bilat" in text or re.search(r"\bbl\b", text):
        return "B"
    if ("left" in text) != ("right" in text):
        return "L" if "left" in text else "R"
    return None


def _meets(side: str | None, laterality: str | None) -> bool:
    return side is None or side == "B" or side == laterality


def _days(earlier: date | None, later: date | None) -> int | None:
    return None if earlier is None or later is None else (later - earlier).days


class Reference:
    """The two tables, and the recipes on them."""

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

    # Counting

    def _images_of(self, rows: Iterable[Row]) -> set[str]:
        found = set()
        for row in rows:
            for image in self.images.get(row["exam"], ()):
                if self.pool(image) and _meets(row.get("side"), image["laterality"]):
                    found.add(image["uid"])
        return found

    def _count(self, result: Result, rows: list[Row]) -> None:
        exams, patients = {row["exam"] for row in rows}, {row["patient"] for row in rows}
        result.steps.append((len(rows), len(self._images_of(rows)), len(exams), len(patients)))

    def _count_exams(self, result: Result, exams: list[Row]) -> None:
        self._count(result, [{**exam, "side": None} for exam in exams])

    @staticmethod
    def _count_pairs(result: Result, pairs: list[tuple[Row, Row]]) -> None:
        """Pairs of a row or exam and an image."""
        result.steps.append(
            (
                len(pairs),
                len({image["uid"] for _, image in pairs}),
                len({image["exam"] for _, image in pairs}),
                len({owner["patient"] for owner, _ in pairs}),
            )
        )

    def _count_images(self, result: Result, wanted: Callable[[Row], bool]) -> None:
        kept = [i for images in self.images.values() for i in images if wanted(i)]
        self._count_pairs(result, [(image, image) for image in kept])

    def _join(
        self, rows: list[Row], wanted: Callable[[Row], bool], *, sided: bool = True
    ) -> list[tuple[Row, Row]]:
        return [
            (row, image)
            for row in rows
            for image in self.images.get(row["exam"], ())
            if wanted(image) and (not sided or _meets(row["side"], image["laterality"]))
        ]

    # Sample_Notebook

    def sn(self) -> Result:
        """Screening N and B; A of any exam with cancer and an ROI."""
        result = Result()
        self.pool = lambda image: True
        self._count(result, self.rows)
        self._count_images(result, lambda image: True)
        screens = [row for row in self.rows if _has(row, "screen")]
        self._count(result, screens)
        clear = [row for row in screens if row["asses"] in ("N", "B")]
        self._count(result, clear)
        negatives = self._join(clear, lambda image: image["type"] == "2D")
        self._count_pairs(result, negatives)
        recalls = [row for row in self.rows if row["asses"] == "A"]
        self._count(result, recalls)
        self._count_pairs(result, self._join(recalls, lambda image: True, sided=False))
        joined = self._join(recalls, lambda image: image["type"] in ("2D", "cview"))
        self._count_pairs(result, joined)
        joined = [pair for pair in joined if pair[0]["path_severity"] in (0, 1)]
        self._count_pairs(result, joined)
        positives = [pair for pair in joined if pair[1]["boxes"]]
        self._count_pairs(result, positives)
        self._count_pairs(result, [p for p in positives for _ in range(p[1]["boxes"])])
        taken = {image["uid"] for _, image in positives}
        negatives = [pair for pair in negatives if pair[1]["uid"] not in taken]
        self._count_pairs(result, negatives)
        for label, role, pairs in (
            ("negative", "screen", negatives),
            ("positive", "finding", positives),
        ):
            for row, image in pairs:
                result.labels[image["uid"]] = label
                result.evidence[image["uid"]].add((role, row["n"], 0))
        return result

    # Data_Curation

    def _completed(self, rows: list[Row]) -> tuple[list[Row], list[Row]]:
        """What bilateral exams with rows of one side alone lack: on the left, on the right."""
        sides = defaultdict(set)
        for row in rows:
            sides[row["exam"]].add(row["side"])
        added: dict[str, list[Row]] = {"L": [], "R": []}
        for row in rows:
            for present, absent in (("R", "L"), ("L", "R")):
                if _laterality(row["desc"]) == "B" and sides[row["exam"]] == {present}:
                    made = {"side": absent, "asses": "N", "path_severity": None, "derived": True}
                    added[absent].append({**row, **made})
        return added["L"], added["R"]

    @staticmethod
    def _distinct(rows: list[Row]) -> list[Row]:
        names = ("patient", "exam", "study_date_anon", "desc", "side", "asses", "path_severity")
        names += ("bside", "procdate_anon", "pdate_anon")
        seen: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            seen.setdefault(tuple(row[name] for name in names), row)
        return list(seen.values())

    def dc(self) -> Result:
        """A confirmed within 90 days; N and B with another such screen more than 360 days later."""
        result = Result()
        self.pool = lambda image: image["type"] == "2D" and image["view"] in ("CC", "MLO")
        self._count_images(result, self.pool)
        rows = [row for row in self.rows if _has(row, "screen")]
        for _ in range(2):  # read; exam laterality
            self._count(result, rows)
        rows = [{**row, "side": row["side"] or "B"} for row in rows]
        self._count(result, rows)
        split: list[Row] = []
        for row in rows:
            split += [{**row, "side": s} for s in ("LR" if row["side"] == "B" else row["side"])]
        self._count(result, split)
        rows = self._distinct(split)
        self._count(result, rows)
        left, right = self._completed(rows)
        self._count(result, left)
        self._count(result, right)
        rows = rows + left + right
        self._count(result, rows)
        recalls = [row for row in rows if row["asses"] == "A"]
        self._count(result, recalls)
        clear = [row for row in rows if row["asses"] in ("N", "B")]
        self._count(result, clear)
        diagnostic = [row for row in self.rows if _has(row, "diag")]
        self._count(result, diagnostic)
        resolved = self._worked_up(recalls, diagnostic, "NB")
        self._count(result, resolved)
        confirmed = self._worked_up(recalls, diagnostic, "PSMK")
        self._count(result, confirmed)
        followed = self._first_clear(result, clear, self._distinct(clear + resolved))
        negatives = self._on_the_day(followed)
        self._count_pairs(result, negatives)
        positives = self._on_the_day(confirmed)
        self._count_pairs(result, positives)
        taken = {(row["exam"], row["side"]) for row, _ in positives}
        negatives = [pair for pair in negatives if (pair[0]["exam"], pair[0]["side"]) not in taken]
        self._count_pairs(result, negatives)
        for label, pairs in (("negative", negatives), ("positive", positives)):
            for row, image in pairs:
                other = ", other side"
                result.labels[image["uid"]] = label
                told = result.evidence[image["uid"]]
                told.add(("screen" + other * row["derived"], row["n"], 0))
                if "dx" in row:
                    told.add(("diagnostic", row["dx"]["n"], row["dx_days"]))
                if "next" in row:
                    role = "later screen" + other * row["next"]["derived"]
                    told.add((role, row["next"]["n"], row["next_days"]))
        return result

    def _worked_up(self, recalls: list[Row], diagnostic: list[Row], letters: str) -> list[Row]:
        of_patient = defaultdict(list)
        for row in diagnostic:
            if row["asses"] and row["asses"] in letters:
                of_patient[row["patient"]].append(row)
        found = []
        for row in recalls:
            for dx in of_patient[row["patient"]]:
                days = _days(row["study_date_anon"], dx["study_date_anon"])
                if days is not None and 0 <= days <= 90 and _meets(dx["side"], row["side"]):
                    found.append({**row, "dx": dx, "dx_days": days})
        return sorted(found, key=lambda row: (row["dx_days"], row["dx"]["n"], row["n"]))

    def _first_clear(self, result: Result, clear: list[Row], candidates: list[Row]) -> list[Row]:
        self._count(result, candidates)
        screens = defaultdict(list)
        for row in clear:
            screens[row["patient"], row["side"]].append(row)
        pairs = []
        for row in candidates:
            for other in screens[row["patient"], row["side"]]:
                days = _days(row["study_date_anon"], other["study_date_anon"])
                pairs.append({**row, "next": other, "next_days": days})
        self._count(result, pairs)
        pairs = [row for row in pairs if row["next_days"] is not None and row["next_days"] > 360]
        self._count(result, pairs)
        pairs.sort(key=lambda row: (row["next_days"], row["n"], row["next"]["n"]))
        first: dict[tuple[str, str], Row] = {}
        for row in pairs:
            first.setdefault((row["exam"], row["side"]), row)
        self._count(result, list(first.values()))
        unproven = [row for row in first.values() if row["path_severity"] is None]
        self._count(result, unproven)
        return unproven

    def _on_the_day(self, rows: list[Row]) -> list[tuple[Row, Row]]:
        pairs = self._join(rows, self.pool)
        return [
            (row, image)
            for row, image in pairs
            if image["day"] is not None and image["day"] == row["study_date_anon"]
        ]

    # dataset_filtering of the datathon

    def dt(self) -> Result:
        """Screens up to 180 days before S or M; and before N or B, or N or B themselves."""
        result = Result()

        def flat(image: Row) -> bool:
            return bool(image["type"] == "2D")

        self.pool = flat
        screens = [row for row in self.rows if _has(row, "screen")]
        positives = self._join(self._before(result, screens, "SM"), flat)
        self._count_pairs(result, positives)
        resolved = self._before(result, screens, "NB")
        clear = [row for row in screens if row["asses"] in ("N", "B")]
        self._count(result, clear)
        self._count(result, resolved + clear)
        positive = {row["patient"] for row, _ in positives}
        negative = [row for row in resolved + clear if row["patient"] not in positive]
        self._count(result, negative)
        self._count_pairs(result, self._join(negative, flat, sided=False))
        negatives = self._join(negative, flat)
        self._count_pairs(result, negatives)
        for label, pairs in (("negative", negatives), ("positive", positives)):
            for row, image in pairs:
                result.labels[image["uid"]] = label
                result.evidence[image["uid"]].add(("screen", row["n"], 0))
                if "dx" in row:
                    told = ("diagnostic", row["dx"]["n"], row["dx_days"])
                    result.evidence[image["uid"]].add(told)
        return result

    def _before(self, result: Result, screens: list[Row], letters: str) -> list[Row]:
        chosen = [r for r in self.rows if _has(r, "diag") and r["asses"] and r["asses"] in letters]
        self._count(result, chosen)
        of_patient = defaultdict(list)
        for row in chosen:
            of_patient[row["patient"]].append(row)
        pairs = []
        for row in screens:
            for dx in of_patient[row["patient"]]:
                days = _days(row["study_date_anon"], dx["study_date_anon"])
                pairs.append({**row, "dx": dx, "dx_days": days})
        self._count(result, pairs)
        pairs = [row for row in pairs if row["side"] and row["side"] == row["dx"]["side"]]
        self._count(result, pairs)
        pairs = [row for row in pairs if row["dx_days"] is not None and 0 <= row["dx_days"] <= 180]
        self._count(result, pairs)
        return pairs

    # screening_label_assignment and NUS_example_pipeline

    def _exams(self, rows: list[Row]) -> dict[str, Row]:
        grouped = defaultdict(list)
        for row in rows:
            grouped[row["exam"]].append(row)
        return {exam: _describe(exam, own) for exam, own in grouped.items()}

    def _outcomes(self, exams: dict[str, Row]) -> dict[str, Row]:
        """Screening exams with follow-up and outcome."""
        of_patient = defaultdict(list)
        for exam in exams.values():
            of_patient[exam["patient"]].append(exam)
        found = {}
        for name, exam in exams.items():
            if _has(exam, "screen"):
                screen = dict(exam)
                if screen["birads"] in ("N", "B") and screen["severity"] is not None:
                    screen["birads"] = "A"  # addended
                window = {"A": 180, "N": 365, "B": 365}.get(screen["birads"], -1)
                others = of_patient[exam["patient"]]
                screen["dx"] = _earliest(screen, others, window, lambda e: _has(e, "diag"))
                screen["us"] = _earliest(screen, others, window, _is_ultrasound)
                screen["next"] = _preferred(screen["dx"], screen["us"])
                screen["outcome"], screen["outcome_side"] = _outcome(screen)
                later = _earliest(screen, others, 1461, lambda e: True, first=366, any_side=True)
                screen["later"] = later
                found[name] = screen
        return found

    def sla(self) -> Result:
        """Five outcomes of screening exams that were followed."""
        result = Result()
        self.pool = lambda image: True
        rows = [row for row in self.rows if row["desc"] is not None]
        self._count(result, rows)
        left, right = self._completed(rows)
        rows = rows + left + right
        self._count(result, rows)
        exams = self._exams(rows)
        self._count_exams(result, [exam for exam in exams.values() if exam["birads"]])
        screens = list(self._outcomes(exams).values())
        for letters, kind in (("A", "dx"), ("A", "us"), ("NB", "dx"), ("NB", "us")):
            chosen = [s for s in screens if s["birads"] and s["birads"] in letters and s[kind]]
            self._count_exams(result, chosen)
        negative = [s for s in screens if s["outcome"] == "Screen Negative"]
        self._count_exams(result, [s for s in negative if s["later"]])
        for keep in (
            lambda s: True,
            lambda s: s["density"] != 5,
            lambda s: s["birads"] in ("A", "B", "N") and not s["invalid"],
            lambda s: s["outcome"] is not None,
            lambda s: s["outcome"] != "Other Cancer",
            lambda s: s["outcome"] != "Screen Negative" or s["later"],
        ):
            screens = [s for s in screens if keep(s)]
            self._count_exams(result, screens)
        pairs = [(s, image) for s in screens for image in self.images.get(s["exam"], ())]
        self._count_pairs(result, pairs)
        sided = ("Interval Cancer", "Screen Detected Cancer", "Biopsy Proven Benign")
        pairs = [
            (s, image)
            for s, image in pairs
            if s["outcome"] not in sided or _is_on(s["outcome_side"], image["laterality"])
        ]
        self._count_pairs(result, pairs)
        self._tell(result, pairs)
        for screen, image in pairs:
            if screen["later"]:
                days, later = screen["later"]
                if screen["outcome"] == "Screen Negative":
                    result.evidence[image["uid"]].add(("later exam", later["n"], days))
        return result

    def _tell(self, result: Result, pairs: list[tuple[Row, Row]]) -> None:
        own = defaultdict(list)
        for row in self.rows:
            own[row["exam"]].append(row["n"])
        for screen, image in pairs:
            result.labels[image["uid"]] = screen["outcome"]
            told = result.evidence[image["uid"]]
            told.update(("screen", n, 0) for n in own[screen["exam"]])
            if screen["next"]:
                days, following = screen["next"]
                told.update(("follow-up", n, days) for n in own[following["exam"]])

    def nus(self, roi: str = "any") -> Result:
        """Five outcomes of screening exams; 2D images without spot and magnification."""
        result = Result()
        self.pool = lambda image: True
        self._count(result, self.rows)
        self._count_images(result, lambda image: True)
        rows = [row for row in self.rows if _has(row, "screen")]
        self._count(result, rows)
        screens = self._recorded(rows) if any(r["exam_outcome"] for r in rows) else self._assigned()
        names = {"Screen Detected Cancer": "Confirmed Cancer"}
        names["Biopsy Proven Benign"] = "Confirmed Benign"
        for screen in screens:
            screen["outcome"] = names.get(screen["outcome"], screen["outcome"])
        cancers = ("Confirmed Cancer", "Interval Cancer")
        five = (*cancers, "Screen Negative", "Diagnostic Negative", "Confirmed Benign")
        screens = [s for s in screens if s["outcome"] in five]
        known = {s["exam"] for s in screens}
        self._count(result, [row for row in rows if row["exam"] in known])
        screens = [s for s in screens if s["outcome"] not in cancers or s["outcome_side"]]
        self._count_exams(result, screens)

        def flat(image: Row) -> bool:
            return image["type"] == "2D" and not image["spot"]

        self._count_images(result, flat)
        pairs = [(s, i) for s in screens for i in self.images.get(s["exam"], ()) if flat(i)]
        self._count_pairs(result, pairs)
        pairs = [
            (s, i)
            for s, i in pairs
            if s["outcome"] not in cancers or _is_on(s["outcome_side"], i["laterality"])
        ]
        self._count_pairs(result, pairs)
        if roi != "any":
            pairs = [(s, i) for s, i in pairs if i["num_roi"] > 0]
            self._count_pairs(result, pairs)
        if roi == "one":
            pairs = [(s, i) for s, i in pairs if i["num_roi"] == 1 and self._findings(i) <= 1]
            self._count_pairs(result, pairs)
        self._tell(result, pairs)
        return result

    def _findings(self, image: Row) -> int:
        if not hasattr(self, "_of_exam"):
            self._of_exam = defaultdict(list)
            for row in self.rows:
                self._of_exam[row["exam"]].append(row)
        own = self._of_exam[image["exam"]]
        return len({row["numfind"] for row in own if _meets(row["side"], image["laterality"])})

    def _recorded(self, rows: list[Row]) -> list[Row]:
        found: dict[str, Row] = {}
        for row in rows:
            plain = {"exam": row["exam"], "patient": row["patient"], "next": None}
            exam = found.setdefault(row["exam"], {**plain, "outcome": None, "outcome_side": None})
            exam["outcome"] = exam["outcome"] or row["exam_outcome"]
            exam["outcome_side"] = exam["outcome_side"] or row["outcome_side"]
        return list(found.values())

    def _assigned(self) -> list[Row]:
        rows = [row for row in self.rows if row["desc"] is not None]
        left, right = self._completed(rows)
        screens = self._outcomes(self._exams(rows + left + right))
        return [screen for screen in screens.values() if not screen["invalid"]]


def _describe(exam: str, rows: list[Row]) -> Row:
    def first(name: str) -> Any:
        return next((row[name] for row in rows if row[name] is not None), None)

    letters = [row["asses"] for row in rows if row["asses"]]
    known = [letter for letter in WORST_FIRST if letter in letters]
    severities = [row["path_severity"] for row in rows if row["path_severity"] is not None]
    return {
        "exam": exam,
        "patient": rows[0]["patient"],
        "n": rows[0]["n"],
        "desc": first("desc"),
        "day": first("study_date_anon"),
        "density": first("tissueden"),
        "laterality": _laterality(first("desc")),
        "birads": known[0] if known else None,
        "invalid": any(letter in "PSMKX" for letter in letters),
        "severity": min(severities, default=None),
        "cancer_sides": _sides(rows, (0, 1)),
        "benign_sides": _sides(rows, (2, 3, 4)),
    }


def _sides(rows: list[Row], severities: tuple[int, ...]) -> set[str]:
    found: set[str] = set()
    for row in rows:
        if row["path_severity"] in severities and row["bside"]:
            found |= set("LR" if row["bside"] == "B" else row["bside"])
    return found & {"L", "R"}


def _is_ultrasound(exam: Row) -> bool:
    named = re.search(r"\bUS\b", exam["desc"] or "") is not None
    return named and not _has(exam, "diag") and exam["birads"] is not None


def _earliest(
    screen: Row,
    others: list[Row],
    last: int,
    wanted: Callable[[Row], bool],
    *,
    first: int = 0,
    any_side: bool = False,
) -> tuple[int, Row] | None:
    found = []
    for other in others:
        days = _days(screen["day"], other["day"])
        if other["exam"] == screen["exam"] or days is None or not first <= days <= last:
            continue
        sides = (screen["laterality"], other["laterality"])
        same = "B" in sides or (sides[0] is not None and sides[0] == sides[1])
        if wanted(other) and (any_side or same):
            found.append((days, other["n"], other))
    if not found:
        return None
    days, _, other = min(found, key=lambda item: item[:2])
    return days, other


def _preferred(dx: tuple[int, Row] | None, us: tuple[int, Row] | None) -> tuple[int, Row] | None:
    if dx is None or us is None:
        return dx or us
    severe = us[1]["severity"]
    if severe is None:
        return dx
    return us if dx[1]["severity"] is None or severe < dx[1]["severity"] else dx


def _outcome(screen: Row) -> tuple[str | None, set[str]]:
    following = screen["next"][1] if screen["next"] else None
    after = following["severity"] if following else None
    cancers = screen["cancer_sides"] | (following["cancer_sides"] if following else set())
    benign = screen["benign_sides"] | (following["benign_sides"] if following else set())
    if screen["birads"] in ("N", "B"):
        one = screen["laterality"]
        sides = following["cancer_sides"] if following else set()
        if after in (0, 1) and (one == "B" or sides == {"L", "R"} or (one and one in sides)):
            return "Interval Cancer", cancers
        return "Screen Negative", set()
    if screen["birads"] != "A":
        return None, set()
    both = {screen["severity"], after}
    if both & {0, 1}:
        return "Screen Detected Cancer", cancers
    if both & {2, 3, 4}:
        return "Biopsy Proven Benign", benign
    if following and following["birads"] in ("N", "B", "P"):
        return "Diagnostic Negative", set()
    return ("Other Cancer", set()) if 5 in both else (None, set())


def _is_on(sides: Any, laterality: str | None) -> bool:
    """Whether an image lies on one of the sides; where both are meant, any image does."""
    both = sides == "B" or sides == {"L", "R"}
    return both or (bool(sides) and laterality is not None and laterality in sides)
