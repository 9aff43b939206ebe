"""The recipes at real scale: seconds, and whether each row is what the description says.

`python -m benchmarks.catalog.recipes [--images N] [--folder DIR] [--out FILE]`

The peer is `tests/catalog/recipes_reference`, plain Python written from the published
description: labels by UID, evidence rows and the counts of every step are compared.
"""

import asyncio
import csv
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from catalog.fields import columns
from catalog.model.read_model import ReadModel
from catalog.recipes.published import RECIPES
from catalog.recipes.run import RecipeOutcome, run_recipe
from catalog.recipes.tables import RecipeTables, recipe_tables, wanted_columns
from catalog.store import recipes
from chassis.database import Database
from chassis.keys import ensure_keys

from benchmarks.catalog import real_scale
from benchmarks.catalog.ingest import load_model
from tests.catalog import recipes_reference
from tests.catalog.recipes_reference import Result

CASES = [*((name, "any") for name in RECIPES), ("nus", "some"), ("nus", "one")]


async def fetch(url: str, revision_id: int) -> tuple[list[str], bytes, dict[int, int]]:
    """What the recipes read of a revision."""
    database = Database(url)
    wanted = wanted_columns({name: name for name in columns("clinical")})
    clinical = await recipes.clinical_csv(database, revision_id, wanted)
    boxes = await recipes.box_counts(database, revision_id)
    await database.close()
    return list(wanted), clinical, boxes


def read_tables(url: str, revision_id: int, model: ReadModel) -> tuple[RecipeTables, float]:
    """The tables of the recipes, and the seconds that reading them took."""
    started = time.perf_counter()
    names, clinical, boxes = asyncio.run(fetch(url, revision_id))
    return recipe_tables(model, names, clinical, boxes), time.perf_counter() - started


def differences(found: RecipeOutcome, expected: Result, uids: list[str]) -> Iterator[str]:
    """What is not as expected: labels, evidence, steps."""
    labels = {
        uid: found.classes[label]
        for uid, label in zip(uids, found.labels.tolist(), strict=True)
        if label >= 0
    }
    evidence: dict[str, set[tuple[str, int, int]]] = {}
    for place, role, row, days in found.evidence.iter_rows():
        evidence.setdefault(uids[place], set()).add((role, row, days))
    for what, ours, theirs in (
        ("labels", labels, expected.labels),
        ("evidence", evidence, expected.evidence),
    ):
        wrong = [uid for uid in ours.keys() | theirs.keys() if ours.get(uid) != theirs.get(uid)]
        if wrong:
            yield f"{what} of {len(wrong)} images"
    for step, counts in zip(found.attrition, expected.steps, strict=True):
        ours_ = (step["rows"], step["images"], step["exams"], step["patients"])
        if ours_ != counts:
            yield f"{step['step']}: {ours_} against {counts}"


def main() -> None:
    """Command line."""
    given = real_scale.options(__doc__).parse_args()
    folder = real_scale.tables(given.folder, given.images)
    files = {table: folder / name for table, name in real_scale.NAMES.items()}
    rows: list[tuple[str, str, str, str]] = []
    wrong: list[str] = []
    with real_scale.database() as url, tempfile.TemporaryDirectory() as keys:
        env = real_scale.environment(url, ensure_keys(Path(keys)), None, folder)
        ingested = real_scale.ingest(url, env, f"file://{folder}")
        model = asyncio.run(load_model(url, ingested.revision_id))
        tables, seconds = read_tables(url, ingested.revision_id, model)
        rows.append(("read clinical rows and boxes", f"{seconds:.1f} s", "", ""))
    with files["metadata"].open(encoding="utf-8", newline="") as lines:
        paths = [record["anon_dicom_path"] for record in csv.DictReader(lines)]
    uids = [paths[row].rpartition("/")[2].removesuffix(".dcm") for row in model.image_row.tolist()]
    reference = recipes_reference.Tables(files["clinical"], files["metadata"])
    for name, roi in CASES:
        started = time.perf_counter()
        found = run_recipe(tables, name, roi)
        ours = time.perf_counter() - started
        expected = recipes_reference.curate(reference, name, roi)
        theirs = time.perf_counter() - started - ours
        different = list(differences(found, expected, uids))
        wrong += [f"{name} {roi}: {text}" for text in different]
        what = (
            f"{name} ({roi} roi): {len(expected.labels)} images, {found.evidence.height} evidence"
        )
        agreement = f"{len(different)} differences"
        rows.append((what, f"{ours:.1f} s", f"{theirs:.1f} s (plain Python)", agreement))
    text = real_scale.report(f"Recipes, {given.images} images", rows)
    print(text, *wrong, sep="\n")
    if given.out:
        given.out.write_text(text)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
