"""Cells that an ingest repairs or refuses, told by column and reason."""

import csv
import io
from pathlib import Path

import pytest

from tests.catalog.conftest import Api
from tests.catalog.direct import put
from tests.catalog.tables import Tables, several, write


def test_repairs_are_reported_by_column_and_reason(admin: Api, folder: Path) -> None:
    tables = several(7)
    rows = list(csv.DictReader(io.StringIO(tables.clinical)))
    rows[0] |= {"path_severity": "severe", "side": " L", "recc": "B,,U", "desc": "x" * 2001}
    clinical = write(list(rows[0]), rows)
    metadata = tables.metadata.replace("num_roi", "num_ROI", 1)
    state = admin.ingest("repaired", put(folder, Tables(clinical, metadata)))
    assert state["state"] == "succeeded", state["error"]
    report = state["report"]
    assert {
        "table": "clinical",
        "column": "path_severity",
        "reason": "not a number",
        "cells": 1,
        "first_line": 2,
    } in report["rejected"]
    repaired = {(r["column"], r["reason"]) for r in report["repaired"]}
    assert ("side", "spaces at the ends") in repaired
    assert ("recc", "an empty element of a list") in repaired
    assert ("desc", "cut after 2000 characters") in repaired
    assert any("num_ROI" in r["reason"] for r in report["noticed"])
    record = admin.get("/api/v1/images", dataset="repaired", limit=1)["items"][0]
    assert isinstance(record["num_roi"], int)


@pytest.mark.parametrize("void", ["999", "999.0"])
def test_numbers_may_be_whole_or_not_and_an_invalid_accession_is_no_exam(
    admin: Api, folder: Path, void: str
) -> None:
    tables = several(13)
    rows = list(csv.DictReader(io.StringIO(tables.clinical)))
    rows[0] |= {"numfind": "2.5", "tissueden": "2.5", "path_severity": "1.5"}
    rows[1] |= {"acc_anon": void}
    rows[2] |= {"acc_anon": void}
    for row in rows:
        row["race"] = row.pop("ETHNICITY_DESC")
    put(folder, Tables(write(list(rows[0]), rows), tables.metadata))
    state = admin.ingest(f"mixed-{len(void)}", folder)
    assert state["state"] == "succeeded", state["error"]
    rejected = {(r["column"], r["reason"], r["cells"]) for r in state["report"]["rejected"]}
    assert ("acc_anon", "999 stands for an invalid accession", 2) in rejected
    dataset = state["dataset"]
    assert admin.http.get("/api/v1/exams/999", params={"dataset": dataset}).status_code == 404
    facets = admin.post("/api/v1/facets", {"dataset": dataset, "facets": ["race"]})["facets"]
    assert {option["value"] for option in facets["race"]} - {None, "Unknown"}
    preview = {"dataset": dataset, "recipe": {"name": "sla"}}
    assert admin.http.post("/api/v1/cohorts/preview", json=preview).status_code in (200, 422)
