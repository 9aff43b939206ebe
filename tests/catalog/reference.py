"""The documented join and derived fields in pandas, written without a look at the catalog's own.

Sources are EMBED's README (section VIII) and the rules that the catalog's filters state; nothing of
the catalog is imported.
"""

import re
from collections.abc import Iterable
from datetime import date
from io import StringIO
from typing import Any

import pandas as pd

FINDING = (
    "side",
    "asses",
    "massshape",
    "massmargin",
    "massdens",
    "calcfind",
    "calcdistri",
    "calcnumber",
    "otherfind",
    "implanfind",
    "recc",
    "numfind",
    "path_severity",
    "type",
)
EXAM = ("tissueden", "desc", "age_at_study")
PATIENT = ("GENDER_DESC", "ETHNICITY_DESC", "ETHNIC_GROUP_DESC")
NUMBERS = ("path_severity", "numfind", "calcnumber", "tissueden", "age_at_study", "num_roi")
LISTS = (
    "recc",
    "calcfind",
    "otherfind",
    "implanfind",
    "match_level",
    "finding_kind",
    "pathology_code",
)
UNITS = {"images": "uid", "exams": "acc_anon", "patients": "empi_anon"}
RACES = {
    "African American or Black": "Black",
    "Caucasian or White": "White",
    "Asian": "Asian",
    "Native Hawaiian or Other Pacific Islander": "Native Hawaiian or Pacific Islander",
    "American Indian or Alaskan Native": "American Indian or Alaskan Native",
    "Multiple": "Multiple",
    "Hispanic": "Hispanic",
}
ETHNICITIES = {"Hispanic or Latino": "Hispanic", "Non-Hispanic or Latino": "Not Hispanic"}
PATHOLOGY = {0: "cancer", 1: "cancer", 2: "high-risk", 3: "high-risk", 4: "benign"}


def read(text: str) -> pd.DataFrame:
    """A table as text, nulls as NaN; NA is a code."""
    frame = pd.read_csv(
        StringIO(text), dtype=str, keep_default_na=False, na_values=["", "NaN", "nan"]
    )
    for name in NUMBERS:
        if name in frame:
            frame[name] = pd.to_numeric(frame[name])
    return frame


class Reference:
    """Every (image, finding row) with all its columns; image columns keep their names."""

    def __init__(self, clinical: str, metadata: str) -> None:
        findings, images = read(clinical), read(metadata)
        images["uid"] = images["anon_dicom_path"].str.split("/").str[-1].str.removesuffix(".dcm")
        images["spot_mag"] = images["spot_mag"].map(lambda v: None if pd.isna(v) else float(v) == 1)
        images["has_roi"] = images["ROI_coords"].str.contains(r"\d", na=False)
        images["spot_or_magnification"] = images["spot_mag"].map(lambda v: v is True)
        paths = [name for name in map(str, findings) if re.fullmatch(r"path\d+", name)]
        findings["row"] = range(len(findings))
        told = findings[["acc_anon", "row", *FINDING, *paths]]
        joined = images.merge(told, on="acc_anon", how="left", indicator=True)
        applies = (joined["_merge"] == "both") & (
            joined["side"].isna()
            | (joined["side"] == "B")
            | (joined["side"] == joined["ImageLateralityFinal"])
        )
        matched = joined[applies].assign(has_finding=True)
        bare = images[~images["uid"].isin(matched["uid"])].assign(has_finding=False)
        self.rows = pd.concat([matched, bare], ignore_index=True)
        self._add(findings, "acc_anon", EXAM)
        self._add(findings, "empi_anon", PATIENT)
        self._derive_findings(paths)
        self._derive_exams(findings, images)
        self._derive_others(images)

    def _add(self, findings: pd.DataFrame, key: str, names: tuple[str, ...]) -> None:
        first = findings.groupby(key)[list(names)].first()  # the first that is not null
        self.rows = self.rows.merge(first, left_on=key, right_index=True, how="left")

    def _derive_findings(self, paths: list[str]) -> None:
        rows = self.rows
        calcified = rows["calcfind"].map(_elements).notna() | rows["calcdistri"].notna()
        kinds = {
            "mass": rows["massshape"].isin(list("GROXNYDL"))
            | rows["massmargin"].isin(list("DUMIS"))
            | rows["massdens"].isin(["+", "-", "="]),
            "asymmetry": rows["massshape"].isin(list("TBSFV")),
            "distortion": rows["massshape"].isin(["Q", "A"]),
            "calcification": calcified | (rows["calcnumber"].fillna(0) != 0),
        }
        rows["finding_kind"] = _joined({name: hit.map({True: name}) for name, hit in kinds.items()})
        rows["pathology"] = rows["path_severity"].map(
            lambda s: None if pd.isna(s) else PATHOLOGY.get(int(s), "other")
        )
        rows["pathology_code"] = _joined({name: rows[name] for name in paths})

    def _derive_exams(self, findings: pd.DataFrame, images: pd.DataFrame) -> None:
        rows, by_exam = self.rows, findings.groupby("acc_anon")
        worst = by_exam["asses"].agg(
            lambda cells: min(cells.dropna(), key="KMSPABNX".index, default=None)
        )
        rows["exam_asses"] = rows["acc_anon"].map(worst)
        rows["exam_path_severity"] = rows["acc_anon"].map(by_exam["path_severity"].min())
        distinct = by_exam["numfind"].nunique(dropna=False)
        rows["exam_findings"] = rows["acc_anon"].map(distinct).fillna(0)
        bands = ["<30", "30-39", "40-49", "50-59", "60-69", "70-79", "80+"]
        edges = [0, 30, 40, 50, 60, 70, 80, 200]
        bands_of = pd.cut(rows["age_at_study"], edges, right=False, labels=bands)
        rows["age_band"] = bands_of.astype(object)
        rows["exam_type"] = rows["desc"].map(_exam_type)
        rows["exam_laterality"] = rows["desc"].map(_exam_laterality)
        flat = images[(images["FinalImageType"] == "2D") & ~images["spot_or_magnification"]]
        seen = flat.groupby("acc_anon")[["ImageLateralityFinal", "ViewPosition"]].agg(list)
        wanted = {("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO")}
        complete = {
            acc for acc, lat, view in seen.itertuples() if wanted <= {*zip(lat, view, strict=True)}
        }
        rows["four_view"] = rows["acc_anon"].isin(complete)
        self._derive_times(findings, images)

    def _derive_times(self, findings: pd.DataFrame, images: pd.DataFrame) -> None:
        reported = findings.groupby("acc_anon")["study_date_anon"].first()
        taken = images.groupby("acc_anon")["study_date_anon"].min()
        owner = images.groupby("acc_anon")["empi_anon"].first()
        days: dict[str, dict[str, date]] = {}
        for acc, empi in owner.items():
            found = [text for text in (reported.get(acc), taken.get(acc)) if isinstance(text, str)]
            if found:
                days.setdefault(str(empi), {})[str(acc)] = date.fromisoformat(found[0][:10])
        months, following, years, followed = {}, {}, {}, {}
        for empi, exams in days.items():
            followed[empi] = round((max(exams.values()) - min(exams.values())).days / 365.25, 2)
            for acc, day in exams.items():
                before = [(day - other).days for other in exams.values() if other < day]
                after = [(other - day).days for other in exams.values() if other > day]
                months[acc] = round(min(before) / 30.4375, 2) if before else None
                years[acc] = round(min(before) / 365.25, 2) if before else None
                following[acc] = round(min(after) / 30.4375, 2) if after else None
        for name, told in (
            ("months_since_prior", months),
            ("years_since_prior", years),
            ("months_to_next", following),
        ):
            self.rows[name] = pd.to_numeric(self.rows["acc_anon"].map(told))
        self.rows["years_followed"] = pd.to_numeric(self.rows["empi_anon"].map(followed))

    def _derive_others(self, images: pd.DataFrame) -> None:
        rows = self.rows
        rows["patient_exams"] = rows["empi_anon"].map(
            images.groupby("empi_anon")["acc_anon"].nunique()
        )
        for name, raw, known in (
            ("race", "ETHNICITY_DESC", RACES),
            ("ethnicity", "ETHNIC_GROUP_DESC", ETHNICITIES),
        ):
            spaced = rows[raw].map(lambda v: v if pd.isna(v) else " ".join(v.split()))
            rows[name] = spaced.map(lambda v: None if pd.isna(v) else known.get(v, "Unknown"))  # noqa: B023
        told = (rows["BreastImplantPresent"] == "YES") | rows["implanfind"].map(_elements).notna()
        told |= rows["ViewPosition"].isin(["CCID", "MLOID", "MLID", "LMID"])
        breast = [rows["acc_anon"], rows["ImageLateralityFinal"].fillna("-")]
        rows["implant"] = told.groupby(breast).transform("any")

    def select(self, conditions: dict[str, Any], *names: str, without: str = "") -> pd.DataFrame:
        """Ids and columns ``names`` of the rows that satisfy all conditions but ``without``."""
        keep = pd.Series(True, index=self.rows.index)
        for name, part in conditions.items():
            if name != without:
                keep &= self._satisfies(name, part)
        return self.rows.loc[keep, [*UNITS.values(), *names]]

    def _satisfies(self, name: str, part: Any) -> pd.Series:
        cells = self.rows[name]
        spec = part if isinstance(part, dict) else {"in": part}
        keep = pd.Series(True, index=cells.index)
        if set(spec) & {"in", "gte", "gt", "lte", "lt"}:
            positive = _has(cells, name, spec.get("in", []))
            if set(spec) & {"gte", "gt", "lte", "lt"}:
                positive |= _within(cells, spec)
            keep &= positive
        if "not" in spec:
            keep &= ~_has(cells, name, spec["not"])
        if "none" in spec:
            present = self.rows.loc[_has(cells, name, spec["none"]), "uid"]
            keep &= ~self.rows["uid"].isin(present)
        return keep

    def totals(self, conditions: dict[str, Any]) -> dict[str, int]:
        """Distinct images, exams, patients."""
        rows = self.select(conditions)
        return {unit: int(rows[key].nunique()) for unit, key in UNITS.items()}

    def facet(self, name: str, conditions: dict[str, Any], unit: str) -> dict[Any, int]:
        """Value to the number of distinct units that have it; None for null."""
        rows = self.select(conditions, name, without=name)
        values = rows[name]
        if name in LISTS:
            rows = rows.assign(**{name: values.map(_elements)}).explode(name)
        values = rows[name].astype(object)
        counts = rows.groupby(values.where(values.notna(), "<null>"))[UNITS[unit]].nunique()
        return {None if key == "<null>" else key: int(n) for key, n in counts.items()}


def _joined(columns: dict[str, pd.Series]) -> pd.Series:
    """By row the texts that are there as a comma list, null where there is none."""
    texts = [
        ",".join(sorted({cell for cell in row if isinstance(cell, str)})) or None
        for row in zip(*columns.values(), strict=True)
    ]
    return pd.Series(texts, next(iter(columns.values())).index, object)


def _exam_laterality(desc: Any) -> str | None:
    if pd.isna(desc):
        return None
    words = set(re.findall(r"[a-z]+", desc.lower()))
    if any(word.startswith("bilat") for word in words) or "bl" in words:
        return "bilateral"
    named = words & {"left", "right"}
    return named.pop() if len(named) == 1 else "unknown"


def _exam_type(desc: Any) -> str | None:
    if pd.isna(desc):
        return None
    words = re.match(r".*(screen|diag)", desc, re.IGNORECASE)
    if words is None:
        return "other"
    return "screening" if "screen" in desc.lower() else "diagnostic"


def _elements(cell: Any) -> list[str] | None:
    if not isinstance(cell, str):
        return None
    parts: Iterable[str] = (part.strip() for part in cell.strip("[]").split(","))
    return sorted({part for part in parts if part}) or None


def _has(cells: pd.Series, name: str, values: list[Any]) -> pd.Series:
    wanted = {value for value in values if value is not None}
    if name in LISTS:
        found = cells.map(lambda cell: bool(wanted & set(_elements(cell) or ())))
        null = cells.map(lambda cell: _elements(cell) is None)
    else:
        found, null = cells.isin(wanted), cells.isna()
    return found | (null if None in values else False)


def _within(cells: pd.Series, spec: dict[str, Any]) -> pd.Series:
    keep = cells.notna()
    for operator, test in (("gte", "ge"), ("gt", "gt"), ("lte", "le"), ("lt", "lt")):
        if operator in spec:
            keep &= getattr(cells, test)(spec[operator])
    return keep
