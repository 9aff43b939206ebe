"""Exports of cohorts whose images a newer revision lacks, or that are deleted meanwhile."""

import csv
import io
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from catalog.exports import streams
from catalog.settings import Settings
from catalog.store import cohorts, exports

from tests.catalog.conftest import Api

DATASET = "shrinking"
LABEL = {
    "field": "asses",
    "classes": [{"name": n, "values": [n]} for n in ("N", "B", "A")],
}


def put(folder: Path, source: Path, without: str = "") -> str:
    """Both tables, less the images of one exam, which is returned: the first that has findings."""
    clinical = (source / "EMBED_OpenData_clinical.csv").read_text()
    rows = csv.DictReader(io.StringIO(clinical))
    exam = without or next(row["acc_anon"] for row in rows if row["asses"] == "A")
    metadata = (source / "EMBED_OpenData_metadata.csv").read_text().splitlines(keepends=True)
    kept = [line for line in metadata if not without or f",{exam}," not in line]
    assert bool(without) == (len(kept) < len(metadata))
    (folder / "EMBED_OpenData_clinical.csv").write_text(clinical)
    (folder / "EMBED_OpenData_metadata.csv").write_text("".join(kept))
    return exam


@pytest.fixture(scope="module")
def lost(admin: Api, catalog_settings: Settings, synthetic_tables: Path) -> tuple[str, str]:
    """(an exam that the served revision lacks, a cohort of this and of the former revision)."""
    folder = Path(str(catalog_settings.mirror_root)) / DATASET
    folder.mkdir()
    exam = put(folder, synthetic_tables)
    made = []
    for without, seed in (("", 1), (exam, 2)):
        put(folder, synthetic_tables, without)
        state = admin.ingest(DATASET, folder, restricted=False)
        assert state["state"] == "succeeded", state["error"]
        body = {"dataset": DATASET, "label": LABEL, "seed": seed}
        made.append(admin.post("/api/v1/cohorts", body, 201))
    assert made[0]["counts"]["images"] > made[1]["counts"]["images"]
    union = {"operation": "union", "cohorts": [cohort["cohort_id"] for cohort in made]}
    both = admin.post("/api/v1/cohorts", {"combine": union}, 201)
    assert both["counts"]["images"] == made[0]["counts"]["images"]
    return exam, both["cohort_id"]


def take(admin: Api, cohort_id: str, file: str) -> bytes:
    """A file of a cohort."""
    answer = admin.http.get(f"/api/v1/cohorts/{cohort_id}/export/{file}")
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_member_that_the_newer_revision_lacks_keeps_what_was_frozen(
    admin: Api, lost: tuple[str, str]
) -> None:
    exam, cohort_id = lost
    members: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        cursor = {"cursor": page["next"]} if page["next"] else {}
        page = admin.get(f"/api/v1/cohorts/{cohort_id}/members", limit=1000, **cursor)
        members += page["items"]
    table = pl.read_parquet(take(admin, cohort_id, "members.parquet"))
    assert table["sop_instance_uid"].to_list() == [m["sop_instance_uid"] for m in members]
    for ours, theirs in (("acc_anon", "exam_id"), ("empi_anon", "patient_id"), ("label", "label")):
        assert table[ours].to_list() == [member[theirs] for member in members]
    without_row = table.filter(pl.col("anon_dicom_path").is_null())
    assert set(without_row["acc_anon"]) == {exam}
    assert without_row["ViewPosition"].null_count() == without_row.height > 0
    csv_ = pl.read_csv(take(admin, cohort_id, "members.csv"), schema=table.schema)
    assert csv_.equals(table)


def test_what_has_no_row_is_named_in_the_manifest(admin: Api, lost: tuple[str, str]) -> None:
    _, cohort_id = lost
    table = pl.read_parquet(take(admin, cohort_id, "members.parquet"))
    gone = set(table.filter(pl.col("anon_dicom_path").is_null())["sop_instance_uid"])
    lines = take(admin, cohort_id, "manifest.s5cmd").decode().splitlines()[2:]
    assert {line.rpartition(" ")[2] for line in lines if line.startswith("#")} == gone
    assert sum(line.startswith("cp ") for line in lines) == table.height - len(gone)


@pytest.fixture
def deleted_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deletes each cohort while its export looks for its rows."""

    def then_delete(read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def read_then_delete(
            database: Any, origin: Any, cohort_id: uuid.UUID, *places: int
        ) -> Any:
            found = await read(database, origin, cohort_id, *places)
            await cohorts.delete_cohort(database, cohort_id, "somebody")
            return found

        return read_then_delete

    for name in ("copy_members", "finding_numbers", "member_paths"):
        monkeypatch.setattr(exports, name, then_delete(getattr(exports, name)))
    monkeypatch.setattr(streams, "ROWS", 10)


@pytest.fixture
def path(admin: Api, synthetic: dict[str, Any]) -> str:
    """Where a cohort is exported."""
    cohort = admin.post("/api/v1/cohorts", {"label": LABEL}, 201)
    return f"/api/v1/cohorts/{cohort['cohort_id']}/export"


@pytest.mark.parametrize("file", ["members.csv", "members.parquet", "manifest.s5cmd"])
@pytest.mark.usefixtures("deleted_meanwhile")
def test_a_cohort_deleted_between_two_blocks_gives_no_whole_file(
    admin: Api, path: str, file: str
) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        admin.http.get(f"{path}/{file}")
    assert admin.http.get(f"{path}/{file}").status_code == 410


@pytest.mark.parametrize("file", ["findings.csv", "findings.parquet", "croissant.json"])
@pytest.mark.usefixtures("deleted_meanwhile")
def test_a_cohort_deleted_before_its_answer_began_is_gone(admin: Api, path: str, file: str) -> None:
    answer = admin.http.get(f"{path}/{file}")
    assert answer.status_code == 410
    assert answer.json()["title"] == "Cohort deleted"
