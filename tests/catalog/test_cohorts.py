"""Cohorts over HTTP: of recipes, flags, matches, folds and other cohorts; compared and deleted."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from catalog.recipes.published import steps

from tests.catalog.conftest import Api

pytestmark = pytest.mark.usefixtures("synthetic")

COHORTS = "/api/v1/cohorts"


def label_of(*values: str) -> dict[str, Any]:
    return {"field": "asses", "classes": [{"name": v, "values": [v]} for v in values]}


def create(api: Api, **definition: Any) -> dict[str, Any]:
    cohort: dict[str, Any] = api.post(COHORTS, {"name": "made", "seed": 7, **definition}, 201)
    return cohort


def members_of(api: Api, cohort: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        path = f"{COHORTS}/{cohort['cohort_id']}/members"
        page = api.get(path, limit=1000, **params, **cursor)
        found += page["items"]
        if page["next"] is None:
            assert len(found) == page["total"] == cohort["counts"]["images"]
            return found
        cursor = {"cursor": page["next"]}


def assert_apart(members: list[dict[str, Any]], part: str) -> None:
    """No patient is in two parts."""
    parts = defaultdict(set)
    for member in members:
        parts[member["patient_id"]].add(member[part])
    assert all(len(found) == 1 for found in parts.values())


def ids(members: list[dict[str, Any]]) -> set[int]:
    return {member["image_id"] for member in members}


def test_a_patients_images_in_a_cohort_are_told_at_once(researcher: Api) -> None:
    cohort = create(researcher, label=label_of("N", "B"), sampling={"per_class": 100})
    members = members_of(researcher, cohort)
    by_patient = Counter(member["patient_id"] for member in members)
    [(patient, count)] = by_patient.most_common(1)
    assert count > 1
    path = f"{COHORTS}/{cohort['cohort_id']}/patients"
    found = researcher.get(f"{path}/{patient}/members")
    assert found["items"] == [one for one in members if one["patient_id"] == patient]
    assert (found["total"], found["next"]) == (count, None)
    assert researcher.get(f"{path}/nobody/members")["items"] == []
    assert researcher.http.get(f"{path}/{'x' * 65}/members").status_code == 422
    assert researcher.http.get(f"{path}/a%00b/members").status_code == 422
    unknown = f"{COHORTS}/00000000-0000-4000-8000-000000000000/patients/{patient}/members"
    assert researcher.http.get(unknown).status_code == 404


# Recipes


def test_recipes_are_described_with_published_counts(researcher: Api) -> None:
    items = researcher.get("/api/v1/recipes")["items"]
    assert [item["name"] for item in items] == ["sn", "dc", "sla", "nus", "dt"]
    sn = researcher.get("/api/v1/recipes/sn")
    assert sn == items[0]
    assert sn["steps"][4]["published"]["images"] == 225450
    assert sn["steps"][11]["published"] is None
    assert researcher.http.get("/api/v1/recipes/none").status_code == 404


def test_a_cohort_of_a_recipe_has_its_labels_evidence_and_steps(researcher: Api) -> None:
    definition = {"recipe": {"name": "dc"}}
    cohort = create(researcher, **definition)
    assert cohort["definition"]["label"]["field"] == "recipe"
    published = [step.text for step in steps("dc").values()]
    taken = [step["step"] for step in cohort["attrition"]]
    assert taken[:1] == ["all images"]
    assert taken[1 : 1 + len(published)] == published
    last = cohort["attrition"][len(published)]
    negatives = next(c for c in cohort["classes"] if c["name"] == "negative")
    assert last["images"] == negatives["images"]
    members = members_of(researcher, cohort)
    assert {member["label"] for member in members} == {"negative", "positive"}
    for member in members:
        roles = {item["role"] for item in member["evidence"]}
        followed = any(role.startswith("later screen") for role in roles)
        assert followed == (member["label"] == "negative")
        later = [item for item in member["evidence"] if item["role"] == "later screen"]
        assert all(item["days"] > 360 and item["asses"] in "NB" for item in later)
    assert_apart(members, "split")
    assert create(researcher, **definition)["sha256"] == cohort["sha256"]
    preview = researcher.post(f"{COHORTS}/preview", {**definition, "seed": 7})
    assert preview["counts"] == cohort["counts"]


def test_outcomes_of_a_recipe_can_be_grouped_and_filtered(researcher: Api) -> None:
    classes = [
        {"name": "clear", "values": ["Screen Negative", "Diagnostic Negative"]},
        {"name": "biopsied", "values": ["Confirmed Benign", "Confirmed Cancer"]},
    ]
    cohort = create(
        researcher,
        recipe={"name": "nus"},
        label={"field": "recipe", "classes": classes},
        filter={"ViewPosition": ["CC"]},
        sampling={"per_class": "smallest"},
    )
    images = {item["name"]: item["images"] for item in cohort["classes"]}
    assert images["clear"] == images["biopsied"] > 0
    members = members_of(researcher, cohort)
    assert {m["attributes"]["ViewPosition"] for m in members} == {"CC"}
    assert {m["attributes"]["FinalImageType"] for m in members} == {"2D"}


# Sampling, flags, matching, folds


def test_flagged_images_are_left_out_and_counted(researcher: Api) -> None:
    whole = create(researcher, label=label_of("N", "B"))
    chosen = members_of(researcher, whole)[:3]
    flags = [
        researcher.post("/api/v1/flags", {"image_id": m["image_id"], "kind": "unreadable"}, 201)
        for m in chosen
    ]
    try:
        cohort = create(researcher, label=label_of("N", "B"), without_flags=["unreadable"])
        step = next(s for s in cohort["attrition"] if s["step"] == "not flagged: unreadable")
        before = cohort["attrition"][cohort["attrition"].index(step) - 1]
        assert before["images"] - step["images"] == 3
        assert ids(members_of(researcher, cohort)).isdisjoint(ids(chosen))
        assert cohort["sha256"] != whole["sha256"]
        other = create(researcher, label=label_of("N", "B"), without_flags=["wrong_roi"])
        assert other["counts"] == whole["counts"]
    finally:
        for flag in flags:
            researcher.http.delete(f"/api/v1/flags/{flag['flag_id']}")


def test_cases_have_controls_like_them(researcher: Api) -> None:
    match = {
        "cases": "A",
        "on": ["age", "density", "manufacturer", "year"],
        "controls": 2,
        "age_within": 8,
        "year_within": 2,
    }
    cohort = create(
        researcher, label=label_of("N", "A"), filter={"FinalImageType": ["2D"]}, match=match
    )
    exams: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    of_exam: dict[str, dict[str, Any]] = {}
    years: dict[str, int] = {}
    members = members_of(researcher, cohort)
    for member in members:
        exams[member["attributes"]["matched_set"]][member["label"]].add(member["exam_id"])
        of_exam[member["exam_id"]] = member
    for exam_id in of_exam:
        images = researcher.get(f"/api/v1/exams/{exam_id}")["images"]
        years[exam_id] = min(int(image["study_date_anon"][:4]) for image in images)
    controls = []
    for found in exams.values():
        (case,) = found["A"]
        assert 1 <= len(found["N"]) <= 2
        for control in found["N"]:
            mine, theirs = (of_exam[e]["attributes"] for e in (case, control))
            assert mine["tissueden"] == theirs["tissueden"]
            assert mine["Manufacturer"] == theirs["Manufacturer"]
            assert abs(mine["age_at_study"] - theirs["age_at_study"]) <= 8
            assert abs(years[case] - years[control]) <= 2
            assert of_exam[case]["split"] == of_exam[control]["split"]
            controls.append(of_exam[control]["patient_id"])
    assert len(controls) == len(set(controls)) > 5
    cases = {m["patient_id"] for m in members if m["label"] == "A"}
    assert cases.isdisjoint(controls)
    assert_apart(members, "split")


def test_folds_part_patients_and_each_can_be_tested(researcher: Api) -> None:
    split = {"by": "patient", "folds": {"count": 5, "test": 1}}
    cohort = create(researcher, label=label_of("N", "B"), split=split)
    members = members_of(researcher, cohort)
    assert_apart(members, "fold")
    fold_of = {member["image_id"]: member["fold"] for member in members}
    assert set(fold_of.values()) == set(range(5))
    for tested in (None, 4):
        wanted = 1 if tested is None else tested
        params = {} if tested is None else {"fold": tested}
        for member in members_of(researcher, cohort, **params):
            fold = fold_of[member["image_id"]]
            expected = {wanted: "test", (wanted + 1) % 5: "validation"}.get(fold, "train")
            assert member["split"] == expected
    parts = researcher.get(f"{COHORTS}/{cohort['cohort_id']}/splits")
    assert parts["patients_in_several"] == 0
    counted = Counter((str(m["fold"]), m["label"]) for m in members)
    for fold in parts["folds"]:
        assert fold["classes"] == {n: counted[fold["name"], n] for n in fold["classes"]}
        largest = max(part["images"] for part in parts["folds"])
        assert fold["images"] > 0.5 * largest
    assert sum(fold["images"] for fold in parts["folds"]) == cohort["counts"]["images"]
    path = f"{COHORTS}/{cohort['cohort_id']}/members"
    assert researcher.http.get(path, params={"fold": 5}).status_code == 422


def test_attrition_and_splits_are_told_apart_from_the_cohort(researcher: Api) -> None:
    cohort = create(researcher, label=label_of("N", "B"))
    path = f"{COHORTS}/{cohort['cohort_id']}"
    assert researcher.get(f"{path}/attrition")["items"] == cohort["attrition"]
    parts = researcher.get(f"{path}/splits")
    assert {part["name"] for part in parts["splits"]} == {"train", "validation", "test"}
    assert parts["folds"] == []
    for part in parts["splits"]:
        for item in cohort["classes"]:
            assert part["classes"].get(item["name"], 0) == item["splits"][part["name"]]


def test_subgroups_of_each_split_are_counted(researcher: Api) -> None:
    cohort = create(researcher, label=label_of("N", "B"))
    members = members_of(researcher, cohort)
    told = researcher.get(f"{COHORTS}/{cohort['cohort_id']}/splits")["subgroups"]
    for name in ("race", "age_band", "tissueden", "ViewPosition"):
        of = [(_text(m["attributes"].get(name)), m["split"], m["patient_id"]) for m in members]
        images = Counter(key[:2] for key in of)
        rows = [row for row in told if row["attribute"] == name]
        assert {(r["value"], s): n for r in rows for s, n in r["images"].items()} == images
        counted = Counter(key[:2] for key in set(of))
        assert {(r["value"], s): n for r in rows for s, n in r["patients"].items()} == counted


def _text(value: object) -> str | None:
    return None if value is None else str(value)


# Sets


@pytest.fixture(scope="module")
def operands(researcher: Api) -> list[dict[str, Any]]:
    """Two cohorts that share images, some of them under another label."""
    flat = create(researcher, label=label_of("N", "B"), filter={"FinalImageType": ["2D"]})
    classes = [{"name": "N", "values": ["N", "B"]}, {"name": "A", "values": ["A"]}]
    views = create(
        researcher,
        label={"field": "asses", "classes": classes},
        filter={"ViewPosition": ["CC"]},
    )
    return [flat, views]


@pytest.mark.parametrize("operation", ["union", "intersection", "difference"])
def test_sets_of_images(researcher: Api, operands: list[dict[str, Any]], operation: str) -> None:
    mine, theirs = (
        {m["image_id"]: m for m in members_of(researcher, cohort)} for cohort in operands
    )
    clash = {i for i in mine.keys() & theirs.keys() if mine[i]["label"] != theirs[i]["label"]}
    assert clash
    expected = {
        "union": (mine.keys() | theirs.keys()) - clash,
        "intersection": (mine.keys() & theirs.keys()) - clash,
        "difference": mine.keys() - theirs.keys(),
    }[operation]
    keys = [cohort["cohort_id"] for cohort in operands]
    definition = {"combine": {"operation": operation, "cohorts": keys}}
    cohort = create(researcher, **definition)
    members = members_of(researcher, cohort)
    assert ids(members) == expected
    for member in members:
        source = mine.get(member["image_id"]) or theirs[member["image_id"]]
        assert member["label"] == source["label"]
        assert member["attributes"] == source["attributes"]
    assert_apart(members, "split")
    assert sum(item["images"] for item in cohort["classes"]) == len(expected)
    hashes = [operand["sha256"] for operand in operands]
    assert cohort["definition"]["combine"]["cohorts"] == hashes
    assert create(researcher, **definition)["sha256"] == cohort["sha256"]
    preview = researcher.post(f"{COHORTS}/preview", {**definition, "seed": 7})
    assert preview["counts"] == cohort["counts"]
    if operation != "difference":
        steps_ = {s["step"]: s["images"] for s in cohort["attrition"]}
        assert steps_[operation] - steps_["with one label in all of them"] == len(clash)


def test_a_comparison_says_what_differs_and_why(
    researcher: Api, operands: list[dict[str, Any]]
) -> None:
    a, b = operands
    found = researcher.get(f"{COHORTS}/compare", a=a["cohort_id"], b=b["cohort_id"])
    mine, theirs = ({m["image_id"]: m for m in members_of(researcher, c)} for c in operands)
    both = mine.keys() & theirs.keys()
    assert not found["same"]
    assert found["same_revision"]
    assert found["in_both"] == len(both)
    paths = {difference["path"] for difference in found["definition"]}
    assert {"filter.FinalImageType", "filter.ViewPosition"} <= paths
    for name, alone, own in (("only_a", mine, theirs), ("only_b", theirs, mine)):
        missing = alone.keys() - own.keys()
        assert found[name]["images"] == len(missing)
        assert found[name]["patients"] == len({alone[i]["patient_id"] for i in missing})
        assert sum(reason["images"] for reason in found[name]["reasons"]) == len(missing)
    views = Counter(m["attributes"].get("ViewPosition") for i, m in mine.items() if i not in both)
    reasons = {r["reason"]: r["images"] for r in found["only_a"]["reasons"]}
    assert reasons["matching the filter"] == views.total() - views["CC"]
    for what in ("label", "split"):
        moved = Counter((mine[i][what], theirs[i][what]) for i in both)
        expected = {pair: n for pair, n in moved.items() if pair[0] != pair[1]}
        told = found["labels" if what == "label" else "splits"]
        assert {(item["a"], item["b"]): item["images"] for item in told} == expected
    itself = researcher.get(f"{COHORTS}/compare", a=a["cohort_id"], b=a["cohort_id"])
    assert itself["same"]
    assert itself["definition"] == itself["labels"] == itself["splits"] == []
    assert itself["only_a"] == {"images": 0, "patients": 0, "reasons": []}


# What is refused


def test_a_deleted_cohort_is_gone_and_says_so(
    researcher: Api, admin: Api, catalog_url: str, person: Callable[..., Api]
) -> None:
    cohort, other = (create(researcher, label=label_of("N", "B"), seed=s) for s in (1, 2))
    path = f"{COHORTS}/{cohort['cohort_id']}"
    somebody = person(catalog_url, "researcher", person_id="somebody-else")
    assert somebody.http.delete(path).status_code == 403
    assert person(catalog_url, "reader").http.delete(path).status_code == 403
    assert researcher.http.delete(path).status_code == 204
    for rest in ("", "/members", "/attrition", "/splits"):
        answer = researcher.http.get(path + rest)
        assert answer.status_code == 410
        assert answer.headers["content-type"] == "application/problem+json"
        assert cohort["sha256"] in answer.json()["detail"]
    assert researcher.http.delete(path).status_code == 410
    query = {"a": cohort["cohort_id"], "b": other["cohort_id"]}
    assert researcher.http.get(f"{COHORTS}/compare", params=query).status_code == 410
    keys = [other["cohort_id"], cohort["cohort_id"]]
    refused = researcher.http.post(
        COHORTS, json={"combine": {"operation": "union", "cohorts": keys}}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "combine.cohorts.1"
    listed = {item["cohort_id"] for item in researcher.get(COHORTS, limit=1000)["items"]}
    assert cohort["cohort_id"] not in listed
    assert admin.http.delete(f"{COHORTS}/{other['cohort_id']}").status_code == 204


# Given images


def test_a_cohort_of_given_images_keeps_their_labels(researcher: Api) -> None:
    whole = create(researcher, label=label_of("B", "K"))
    chosen = [m["image_id"] for m in members_of(researcher, whole)][::3]
    cohort = create(researcher, label=label_of("B", "K"), images=[*chosen, chosen[0]])
    labels = {m["image_id"]: m["label"] for m in members_of(researcher, whole)}
    assert {m["image_id"]: m["label"] for m in members_of(researcher, cohort)} == {
        image_id: labels[image_id] for image_id in chosen
    }
    assert cohort["attrition"][1]["step"] == "among the given images"
    assert cohort["definition"]["images"] == sorted(chosen)


def test_a_finding_labels_the_images_whose_one_roi_is_its_own(researcher: Api) -> None:
    """EMBED does not say which finding an ROI outlines where there are several of either."""
    listed = researcher.post("/api/v1/images/search", {"filter": {"num_roi": [1]}, "limit": 1000})
    expected = {}
    for summary in listed["items"]:
        image = researcher.get(f"/api/v1/images/{summary['image_id']}")
        numbers = {finding["values"]["numfind"] for finding in image["findings"]}
        if len(numbers) == 1 and image["findings"][0]["values"]["asses"] == "A":
            expected[image["image_id"]] = "A"
    assert 0 < len(expected) <= listed["total"] == len(listed["items"])
    cohort = create(researcher, label={**label_of("A"), "policy": "finding"})
    assert {m["image_id"]: m["label"] for m in members_of(researcher, cohort)} == expected
    steps = [step["step"] for step in cohort["attrition"]]
    assert "with one finding on the side of the ROI" in steps


def test_what_a_policy_decided_is_counted(researcher: Api) -> None:
    body = {"name": "c", "label": label_of("N", "B", "A", "S", "M", "K")}
    worst = researcher.post(f"{COHORTS}/preview", body)
    told = [s["step"] for s in worst["attrition"] if "worst of findings that differ" in s["step"]]
    agreeing = researcher.post(
        f"{COHORTS}/preview", body | {"label": {**body["label"], "policy": "exclude"}}
    )
    left = [s["images"] for s in agreeing["attrition"]]
    at = [s["step"] for s in agreeing["attrition"]].index("asses: findings agree")
    assert left[at - 1] > left[at]
    differ = left[at - 1] - left[at]
    assert told == [f"asses: the worst of findings that differ ({differ:,} images)"]


def test_given_images_must_be_of_the_dataset(researcher: Api) -> None:
    body = {"name": "c", "label": label_of("B", "K"), "images": [2**60, 2**61]}
    refused = researcher.http.post(COHORTS, json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "images"
    assert str(2**60) in refused.json()["detail"]
    beyond = researcher.http.post(COHORTS, json=body | {"images": [2**70]})
    assert beyond.status_code == 422
