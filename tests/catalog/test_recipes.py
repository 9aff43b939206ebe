"""The recipes agree row for row with another implementation of the published description."""

from pathlib import Path
from random import Random

import pytest
from catalog.recipes.evidence import EvidenceRows
from catalog.recipes.published import RECIPES, steps
from catalog.recipes.run import RecipeOutcome, run_recipe

from tests.catalog import recipes_reference
from tests.catalog.recipe_tables import draw, load, save
from tests.catalog.recipes_reference import Result
from tests.catalog.tables import Tables

CASES = [*((name, "any") for name in RECIPES), ("nus", "some"), ("nus", "one")]
DRAWS = 16


def found_of(outcome: RecipeOutcome, uids: list[str]) -> Result:
    """An outcome as the reference tells it."""
    result = Result()
    for uid, label in zip(uids, outcome.labels.tolist(), strict=True):
        if label >= 0:
            result.labels[uid] = outcome.classes[label]
    for place, role, row, days in outcome.evidence.iter_rows():
        result.evidence[uids[place]].add((role, row, days))
    result.steps = [
        tuple(s[n] for n in ("rows", "images", "exams", "patients")) for s in outcome.attrition
    ]
    return result


def compare(tables: Tables, folder: Path) -> dict[str, set[str]]:
    """Assert that all recipes agree; the labels that each gave."""
    _, ours, uids = load(tables)
    theirs = recipes_reference.Tables(*save(tables, folder))
    given: dict[str, set[str]] = {}
    for name, roi in CASES:
        found = found_of(run_recipe(ours, name, roi), uids)
        expected = recipes_reference.curate(theirs, name, roi)
        assert found.labels == expected.labels, name
        assert found.evidence == expected.evidence, name
        assert found.steps == expected.steps, name
        given.setdefault(name, set()).update(found.labels.values())
    return given


@pytest.fixture(scope="module")
def synthetic(synthetic_tables: Path) -> Tables:
    names = (f"EMBED_OpenData_{table}.csv" for table in ("clinical", "metadata"))
    return Tables(*((synthetic_tables / name).read_text(encoding="utf-8") for name in names))


def test_recipes_agree_on_synthetic_tables(synthetic: Tables, tmp_path: Path) -> None:
    given = compare(synthetic, tmp_path)
    assert given["dc"] == {"negative", "positive"}
    assert {"Screen Negative", "Diagnostic Negative", "Biopsy Proven Benign"} <= given["sla"]


def test_recipes_agree_on_tables_of_every_kind(tmp_path: Path) -> None:
    given: dict[str, set[str]] = {}
    for seed in range(DRAWS):
        for name, labels in compare(draw(Random(seed)), tmp_path).items():
            given.setdefault(name, set()).update(labels)
    # The draw is of use only where it reaches every class.
    for name, recipe in RECIPES.items():
        assert given[name] == set(recipe.classes), name


def test_recorded_outcomes_count_where_a_table_has_them(tmp_path: Path) -> None:
    for seed in range(10):
        compare(draw(Random(seed), outcomes=True), tmp_path)


@pytest.mark.parametrize("name", RECIPES)
def test_attrition_has_the_published_steps_in_their_order(name: str, synthetic: Tables) -> None:
    _, tables, _ = load(synthetic)
    taken = [step["step"] for step in run_recipe(tables, name, "any").attrition]
    published = [step.text for step in steps(name).values()]
    if name == "nus":
        assert published[8:] == [
            "with an ROI",
            "with one ROI and at most one finding on its side",
        ]
        published = published[:8]
    assert taken == published


def test_published_counts_are_those_of_the_notebooks() -> None:
    """A few of each, as the notebooks print them."""
    assert steps("sn")[5].counts == {
        "rows": 226557,
        "patients": 17547,
        "exams": 47475,
        "images": 225450,
    }
    assert steps("dc")[22].counts["images"] == 806676
    assert steps("sla")[4].counts == {"exams": 18281}
    assert steps("nus")[8].counts["images"] == 260673
    assert steps("dt")[14].counts["images"] == 1057665
    assert not steps("sn")[12].published


def test_evidence_says_what_the_rows_say(synthetic: Tables) -> None:
    _, tables, _ = load(synthetic)
    outcome = run_recipe(tables, "dc")
    rows = {row["n"]: row for row in tables.rows.to_dicts()}
    evidence = EvidenceRows(outcome)
    positive = outcome.classes.index("positive")
    place = outcome.labels.tolist().index(positive)
    told = evidence.of(place)
    assert {item["role"] for item in told} == {"screen", "diagnostic"}
    for item in told:
        row = rows[item["row"]]
        assert (item["asses"], item["side"]) == (row["asses"], row["side"])
        assert item["exam_id"] == row["exam_id"]
        assert item["study_date_anon"] == row["day"].isoformat()
        assert item["asses"] in ("A" if item["role"] == "screen" else "PSMK")
        assert 0 <= item["days"] <= 90
