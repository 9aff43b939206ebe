"""A cohort's hash: equal where the same files were ingested, another where one label is."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from catalog.cohorts.describe import Members, content_hash
from catalog.cohorts.splits import Assigned
from devstack.seaweedfs import S3Server
from devstack.testing import IdentityKeys

from tests.catalog.conftest import Api, fresh_settings, served

NAMES = [f"EMBED_OpenData_{table}.csv" for table in ("clinical", "metadata")]
LABEL = {
    "field": "asses",
    "classes": [{"name": "N", "values": ["N"]}, {"name": "B", "values": ["B"]}],
}
DEFINITIONS: list[dict[str, Any]] = [
    {"label": LABEL, "sampling": {"per_class": 50}, "seed": 3},
    {"label": LABEL, "match": {"cases": "B", "on": ["age", "density"]}, "seed": 3},
    {"label": LABEL, "split": {"folds": {"count": 4}}, "seed": 3},
    {"recipe": {"name": "dc"}, "seed": 3},
    {"recipe": {"name": "sla"}, "filter": {"ViewPosition": ["CC"]}, "seed": 3},
]


def relabelled(text: str) -> str:
    """The clinical table with N of one screening exam as B."""
    rows = list(csv.DictReader(io.StringIO(text)))
    row = next(r for r in rows if r["asses"] == "N" and "screen" in r["desc"].lower())
    row["asses"] = "B"
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def hashes_on_a_stack(api: Api) -> list[str]:
    """The hash of each definition, and of a union of the first two cohorts."""
    made = [api.post("/api/v1/cohorts", definition, 201) for definition in DEFINITIONS]
    keys = [cohort["cohort_id"] for cohort in made[:1] + made[2:3]]
    union = {"combine": {"operation": "union", "cohorts": keys}, "seed": 3}
    made.append(api.post("/api/v1/cohorts", union, 201))
    members = api.get(f"/api/v1/cohorts/{keys[0]}/members", limit=1000)["items"]
    given = [member["image_id"] for member in sorted(members, key=lambda m: m["sop_instance_uid"])]
    made.append(api.post("/api/v1/cohorts", {"label": LABEL, "images": given[::2]}, 201))
    return [cohort["sha256"] for cohort in made]


def test_hashes_on_two_stacks(
    postgres_url: str,
    s3: S3Server,
    identity_keys: IdentityKeys,
    person: Callable[..., Api],
    synthetic_tables: Path,
    tmp_path: Path,
) -> None:
    texts = [(synthetic_tables / name).read_text(encoding="utf-8") for name in NAMES]
    found = []
    for stack, clinical in enumerate((texts[0], texts[0], relabelled(texts[0]))):
        folder = tmp_path / str(stack)
        folder.mkdir()
        for name, text in zip(NAMES, (clinical, texts[1]), strict=True):
            (folder / name).write_text(text, encoding="utf-8")
        with (
            fresh_settings(postgres_url, s3, identity_keys, tmp_path) as settings,
            served(settings) as url,
        ):
            api = person(url, "admin")
            if stack == 1:  # other ids of revisions and images than on the first
                assert api.ingest("before", folder, restricted=False)["state"] == "succeeded"
            state = api.ingest("embed-synthetic", folder, restricted=False)
            assert state["state"] == "succeeded", state["error"]
            found.append(hashes_on_a_stack(api))
    assert found[0] == found[1]
    assert len(set(found[0])) == len(found[0])
    assert all(a != b for a, b in zip(found[0], found[2], strict=True))


def test_a_hash_covers_labels_splits_folds_members_and_revision() -> None:
    labels, numbers = np.asarray([0, 1, 0]), np.arange(3)
    assigned = Assigned(np.asarray([0, 1, 2]), np.asarray([0, 1, 2]))
    members = Members(["N", "B"], labels, numbers, numbers, assigned)
    uids = ["1.2", "1.3", "1.4"]
    plain = content_hash({"seed": 1}, "revision", members, uids)
    turned = replace(members, labels=np.asarray([0, 1, 1]))
    moved = replace(members, assigned=replace(assigned, splits=np.asarray([0, 0, 2])))
    folded = replace(members, assigned=replace(assigned, folds=np.asarray([0, 2, 2])))
    others = [
        content_hash({"seed": 1}, "revision", turned, uids),
        content_hash({"seed": 1}, "revision", moved, uids),
        content_hash({"seed": 1}, "revision", folded, uids),
        content_hash({"seed": 1}, "revision", members, ["1.2", "1.3", "1.5"]),
        content_hash({"seed": 2}, "revision", members, uids),
        content_hash({"seed": 1}, "another", members, uids),
    ]
    assert len({plain, *others}) == 7
    back = replace(
        members,
        labels=labels[::-1],
        assigned=Assigned(assigned.splits[::-1], assigned.folds[::-1]),  # type: ignore[index]
    )
    assert content_hash({"seed": 1}, "revision", back, uids[::-1]) == plain
