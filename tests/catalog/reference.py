"""The documented join in pandas, written without a look at the catalog's own."""

from typing import Any

import pandas as pd

FINDING = ("side", "asses", "massshape", "calcdistri", "path_severity", "type", "recc", "numfind")
EXAM = ("tissueden", "desc", "age_at_study")
PATIENT = ("GENDER_DESC",)
IMAGE = ("ImageLateralityFinal", "ViewPosition", "FinalImageType", "num_roi")
NUMBERS = ("path_severity", "numfind", "tissueden", "age_at_study", "num_roi")
LISTS = ("recc",)
UNITS = {"images": "uid", "exams": "acc_anon", "patients": "empi_anon"}


def read(text: str) -> pd.DataFrame:
    """A table as text, nulls as NaN; NA is a code."""
    from io import StringIO

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
        joined = images.merge(findings[["acc_anon", *FINDING]], on="acc_anon", how="left")
        applies = (
            joined["side"].isna()
            | (joined["side"] == "B")
            | (joined["side"] == joined["ImageLateralityFinal"])
        )
        matched = joined[applies]
        bare = images[~images["uid"].isin(matched["uid"])]
        self.rows = pd.concat([matched, bare], ignore_index=True)
        self._add(findings, "acc_anon", EXAM)
        self._add(findings, "empi_anon", PATIENT)

    def _add(self, findings: pd.DataFrame, key: str, names: tuple[str, ...]) -> None:
        first = findings.groupby(key)[list(names)].first()  # the first that is not null
        self.rows = self.rows.merge(first, left_on=key, right_index=True, how="left")

    def select(self, conditions: dict[str, Any], without: str | None = None) -> pd.DataFrame:
        """The rows that satisfy every condition but those of ``without``."""
        rows = self.rows
        keep = pd.Series(True, index=rows.index)
        for name, part in conditions.items():
            if name != without:
                keep &= self._satisfies(name, part)
        return rows[keep]

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
        rows = self.select(conditions, without=name)
        values = rows[name]
        if name in LISTS:
            rows = rows.assign(**{name: values.map(_elements)}).explode(name)
        counts = rows.groupby(rows[name].astype(object).fillna("<null>"))[UNITS[unit]].nunique()
        return {None if key == "<null>" else key: int(n) for key, n in counts.items()}


def _elements(cell: Any) -> list[str] | None:
    if not isinstance(cell, str):
        return None
    return sorted({part.strip() for part in cell.split(",") if part.strip()}) or None


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
