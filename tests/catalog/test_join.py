"""The catalog against pandas, on random tables and random filters: no difference is allowed.

``EMBEDLAB_JOIN_DATASETS`` says how many data sets are drawn; the README has the long form.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from catalog.cohorts.definition import ClassDefinition, LabelDefinition
from catalog.cohorts.labels import label_images
from catalog.counting import count_facets
from catalog.fields import fields
from catalog.grammar import canonical, parse_json, parse_query
from catalog.model import archive
from catalog.model.facets import Unit
from catalog.model.listing import page_of
from catalog.model.read_model import ReadModel
from catalog.model.select import CompiledFilter
from catalog.paths import hash_texts
from catalog.settings import Settings
from catalog.store import loading
from catalog.vocabulary import codes
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalog.direct import ingest_here, put
from tests.catalog.reference import Reference
from tests.catalog.tables import CLINICAL, METADATA, VALUES, Tables, build_model, draw, write

DATASETS = int(os.environ.get("EMBEDLAB_JOIN_DATASETS", "100"))
FILTERS = 4  # of each data set

# What the tables are drawn with, and everything that is derived from it.
COUNTED = [
    *(name for name in VALUES if name not in ("path1", "path2")),
    *(name for name, field in fields().items() if field.table == "derived"),
]
COUNTED.remove("has_file")  # the store has no file of tables that are drawn
RANGES = [name for name in COUNTED if fields()[name].kind == "range"]

UNITS: tuple[Unit, ...] = ("images", "exams", "patients")
Known = Mapping[str, Sequence[Any]]


def choices_of(model: ReadModel) -> Known:
    """By field what a condition may name: values of the data, codes of the legend, null."""
    found = {}
    for name in COUNTED:
        field = fields()[name]
        listed = [int(code) if field.type == "number" else code for code in codes(field.vocabulary)]
        found[name] = list(dict.fromkeys([*model.dictionary(field).elements, *listed, None]))
    return found


def draw_filter(rng: Random, known: Known) -> dict[str, Any]:
    """Up to four conditions; every operator occurs."""
    return {name: _draw_part(rng, known[name], name) for name in rng.sample(COUNTED, _few(rng))}


def _few(rng: Random) -> int:
    return rng.choice([0, 1, 1, 2, 2, 3, 4])


def _draw_part(rng: Random, known: Sequence[Any], name: str) -> Any:
    values = rng.sample(known, min(len(known), rng.randint(1, 3)))
    numbers = [value for value in values if value is not None]
    kind = rng.choice(["in", "in", "not", "none", "both", "range", "range"])
    if kind == "range" and numbers and fields()[name].type == "number":
        bound = {rng.choice(["gte", "gt", "lte", "lt"]): numbers[0]}
        return {**bound, **({"in": [None]} if rng.random() < 0.3 else {})}
    if kind == "both":
        return {"in": values, "not": rng.sample(known, 1)}
    return values if kind in ("in", "range") else {kind: values}


def differences(model: ReadModel, truth: Reference, rng: Random) -> Iterator[str]:
    """What differs from pandas in one filter: totals, images, counts by value in some unit."""
    conditions = draw_filter(rng, choices_of(model))
    parsed = parse_json(conditions)
    unit: Unit = rng.choice(UNITS)
    names = [*dict.fromkeys([*rng.sample(COUNTED, 6), *conditions])]
    counted = count_facets(model, parsed, names, unit)
    if counted["total"] != truth.totals(conditions):
        yield f"{conditions}: {counted['total']} against {truth.totals(conditions)}"
    selected = CompiledFilter(model, parsed).select().places
    uids = set(truth.select(conditions)["uid"].map(hash_of))
    if set(model.image_hash[selected].tolist()) != uids:
        yield f"{conditions}: other images"
    for name in names:
        theirs = truth.facet(name, conditions, unit)
        if name in RANGES:
            described = counted["ranges"][name]
            ours: Any = (described["min"], described["max"], described["nulls"])
            present = [value for value in theirs if value is not None]
            wanted: Any = (
                min(present, default=None),
                max(present, default=None),
                theirs.get(None, 0),
            )
        else:
            ours = {o["value"]: o["count"] for o in counted["facets"][name] if o["count"]}
            wanted = theirs
        if ours != wanted:
            yield f"{conditions}, {name} by {unit}: {ours} against {wanted}"


def hash_of(uid: str) -> int:
    """What the model keeps of an image's UID."""
    return int(hash_texts([uid])[0])


@settings(max_examples=DATASETS, deadline=None)
@given(st.integers(0, 2**32))
def test_totals_images_and_facets_agree_with_pandas(seed: int) -> None:
    rng = Random(seed)
    tables = draw(rng)
    model, truth = build_model(tables), Reference(tables.clinical, tables.metadata)
    found = [line for _ in range(FILTERS) for line in differences(model, truth, rng)]
    assert found == []


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=DATASETS)
def test_a_finding_labels_images_of_one_roi_and_one_finding(seed: int) -> None:
    rng = Random(seed)
    tables = draw(rng)
    model = build_model(tables)
    values = [v for v in model.dictionary(fields()["massshape"]).elements if v is not None]
    if not values:
        return
    label = LabelDefinition(
        field="massshape",
        classes=[ClassDefinition(name=str(v), values=[v]) for v in values],
        policy="finding",
    )
    labelled = label_images(model, label)
    left_out = np.logical_or.reduce([mask for _, mask in labelled.exclusions])
    ours = {
        uid: values[number]
        for uid, number, gone in zip(
            model.image_hash.tolist(), labelled.classes.tolist(), left_out, strict=True
        )
        if number >= 0 and not gone
    }
    truth = Reference(tables.clinical, tables.metadata).rows
    theirs = {}
    for uid, rows in truth[(truth["num_roi"] == 1) & truth["has_finding"]].groupby("uid"):
        shapes = set(rows["massshape"].dropna())
        numbers = set(rows["numfind"])
        one = len(rows) == 1 or (len(numbers) == 1 and rows["numfind"].notna().all())
        if one and len(shapes) == 1:
            theirs[hash_of(str(uid))] = shapes.pop()
    assert ours == theirs


@pytest.mark.parametrize(
    ("numbers", "found"), [((1, 1), {"L": None, "R": 4}), ((None, None), {"L": 0, "R": 4})]
)
def test_surgery_stands_for_the_biopsy_of_its_own_finding_alone(
    numbers: tuple[int | None, int | None], found: dict[str, int | None]
) -> None:
    exam = {"empi_anon": "11111111", "acc_anon": "2222222222222222"}
    sides = {"L": "1.5", "R": "1.6"}
    rows = [
        {**exam, "side": "L", "type": "B", "path_severity": 0, "numfind": numbers[0]},
        {**exam, "side": "R", "type": "S", "path_severity": 4, "numfind": numbers[1]},
    ]
    images = [
        {**exam, "ImageLateralityFinal": side, "anon_dicom_path": f"a/1.2/3.4/{uid}.dcm"}
        for side, uid in sides.items()
    ]
    model = build_model(Tables(write(CLINICAL, rows), write(METADATA, images)))
    classes = [ClassDefinition(name=str(v), values=[v]) for v in (0, 4)]
    label = LabelDefinition(field="path_severity", classes=classes)
    labelled = label_images(model, label)
    classes_by_hash = dict(zip(model.image_hash.tolist(), labelled.classes.tolist(), strict=True))
    ours = {side: (0, 4, None)[classes_by_hash[hash_of(uid)]] for side, uid in sides.items()}
    assert ours == found


PAIRS = """
select sop_instance_uid, finding_n from catalog.pair
join catalog.image using (revision_id, image_id) where revision_id = $1
"""
MODEL = "select data from catalog.read_model where revision_id = $1 order by part"


async def test_what_postgresql_holds_after_an_ingest_agrees_too(
    bare_settings: Settings, tmp_path: Path
) -> None:
    folder = Path(str(bare_settings.mirror_root)) / tmp_path.name
    folder.mkdir()
    async with loading.connect(bare_settings.database_url) as connection:
        for seed in range(max(4, DATASETS // 10)):
            rng = Random(seed)
            tables = draw(rng)
            truth = Reference(tables.clinical, tables.metadata)
            state = await ingest_here(bare_settings, put(folder, tables))
            assert state["state"] == "succeeded", state["error"]
            parts = await connection.fetch(MODEL, state["revision_id"])
            model = archive.load(b"".join(part["data"] for part in parts))
            assert [line for _ in range(FILTERS) for line in differences(model, truth, rng)] == []
            pairs = await connection.fetch(PAIRS, state["revision_id"])
            rows = truth.rows["row"].astype(object).where(truth.rows["has_finding"], None)
            assert {tuple(pair) for pair in pairs} == {*zip(truth.rows["uid"], rows, strict=True)}
            assert len(pairs) == len(truth.rows)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_pages_list_every_image_once_in_order(seed: int) -> None:
    rng = Random(seed)
    model = build_model(draw(rng))
    conditions = parse_json(draw_filter(rng, choices_of(model)))
    selection = CompiledFilter(model, conditions).select()
    sort = rng.choice(
        [None, "-image_id", "asses", "-asses", "age_at_study", "-tissueden", "ViewPosition"]
    )
    listed: list[int] = []
    position = None
    while True:
        places, position = page_of(selection, sort, position, rng.randint(1, 5))
        listed += places.tolist()
        if position is None:
            break
    assert sorted(listed) == selection.places.tolist()
    if sort == "age_at_study":
        owner = model.owner_of_image("exam")
        ages = [model.value("age_at_study", int(owner[place])) for place in listed]
        present = [age for age in ages if age is not None]
        assert present == sorted(present)
        assert ages == present + [None] * (len(ages) - len(present))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_the_query_string_says_the_same_as_json(seed: int) -> None:
    rng = Random(seed)
    conditions = draw_filter(rng, choices_of(build_model(draw(rng))))
    items = []
    for name, part in conditions.items():
        spec = part if isinstance(part, dict) else {"in": part}
        for operator, values in spec.items():
            for value in values if isinstance(values, list) else [values]:
                key = name if operator == "in" else f"{name}.{operator}"
                items.append((key, "null" if value is None else str(value)))
    assert canonical(parse_query(items)) == canonical(parse_json(conditions))


def test_a_model_survives_its_archive() -> None:
    model = build_model(draw(Random(3)))
    loaded = archive.load(b"".join(archive.dump(model)))
    facets = [name for name in COUNTED if model.has(name)]
    assert count_facets(loaded, {}, facets, "images") == count_facets(model, {}, facets, "images")
    assert loaded.dictionaries["recc"].elements == model.dictionaries["recc"].elements


def test_an_archive_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(archive.dump(build_model(draw(Random(3)))))
    monkeypatch.setattr(archive, "FORMAT", archive.FORMAT + 1)
    with pytest.raises(ValueError, match="format"):
        archive.load(data)
