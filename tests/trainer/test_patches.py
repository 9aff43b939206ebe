"""CBIS-DDSM patches: what is read, who is in which split, and jobs from submit to report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from devstack.synthetic.patches import write_patches
from trainer.arrays import ArrayError
from trainer.patches import Chosen, list_patches, read_patches, to_grey
from trainer.samples import TEST, TRAIN, VALIDATION
from trainer.settings import TrainerSettings
from trainer.training.patches import _scaled

from tests.trainer.running import follow

PUBLISHED = ("train_tensor.npy", "train_labels.npy", "public_test_tensor.npy",
             "public_test_labels.npy")  # fmt: skip


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("patches")
    write_patches(root / "cbis", patients=32)
    return root


def write_tensors(folder: Path, train: list[int], test: list[int], **names: str) -> None:
    """As published: no patients, a last axis of one."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for labels, image, label in ((train, *PUBLISHED[:2]), (test, *PUBLISHED[2:])):
        tensor = draw.integers(0, 65535, (len(labels), 8, 8, 1)).astype(np.uint16)
        np.save(folder / names.get(image, image), tensor)
        np.save(folder / label, np.array(labels, np.float32)[:, None])


def test_synthetic_patches_have_the_published_shape(synthetic: Path) -> None:
    patches = read_patches(synthetic, "cbis")
    assert list_patches(synthetic) == ["cbis"]
    assert patches.side == 150
    assert patches.paired
    for part in (patches.train, patches.test):
        assert part.named
        assert set(part.labels) == {0, 1, 2, 3, 4}
        assert (part.patients[0::2] == part.patients[1::2]).all()
        assert len(np.unique(part.patients)) < len(part.patients) / 3, "several of each patient"
    assert set(patches.train.patients).isdisjoint(patches.test.patients)


@pytest.mark.parametrize(
    ("labelling", "classes"),
    [("mass-calcification", {1: 0, 2: 0, 3: 1, 4: 1}),
     ("benign-malignant", {1: 0, 3: 0, 2: 1, 4: 1}),
     ("baseline-mass-calcification", {0: 0, 1: 1, 2: 1, 3: 2, 4: 2})],
)  # fmt: skip
def test_labels_are_those_of_the_task_and_patients_stay_together(
    synthetic: Path, labelling: Any, classes: dict[int, int]
) -> None:
    patches = read_patches(synthetic, "cbis")
    chosen = Chosen.of(patches, labelling, pairs=False)
    raw = np.concatenate([patches.train.labels, patches.test.labels])[chosen.places]
    assert set(raw) == set(classes)
    assert [classes[label] for label in raw.tolist()] == chosen.labels.tolist()
    splits_of = {p: set(chosen.splits[chosen.patients == p]) for p in chosen.patients}
    assert {len(found) for found in splits_of.values()} == {1}
    train_people = [p for p, found in splits_of.items() if found != {TEST}]
    validating = [p for p in train_people if splits_of[p] == {VALIDATION}]
    assert 0.1 < len(validating) / len(train_people) < 0.25
    assert set(chosen.labels[chosen.splits == VALIDATION]) == set(classes.values())
    assert (chosen.places[chosen.splits == TEST] >= len(patches.train.labels)).all()
    assert chosen.notes == ()


def test_every_task_validates_on_the_same_patients(synthetic: Path) -> None:
    patches = read_patches(synthetic, "cbis")
    tasks = ("mass-calcification", "benign-malignant", "baseline-mass-calcification")
    chosen = [Chosen.of(patches, task, pairs=False) for task in tasks]  # type: ignore[arg-type]
    assert len({frozenset(c.patients[c.splits == VALIDATION]) for c in chosen}) == 1


def test_a_pair_is_an_abnormality_and_the_baseline_before_it(synthetic: Path) -> None:
    patches = read_patches(synthetic, "cbis")
    chosen = Chosen.of(patches, "mass-calcification", pairs=True)
    raw = np.concatenate([patches.train.labels, patches.test.labels])
    people = np.concatenate([patches.train.patients, patches.test.patients])
    assert chosen.partners is not None
    assert (raw[chosen.partners] == 0).all()
    assert (people[chosen.partners] == people[chosen.places]).all()


def test_tensors_as_published_are_read_and_say_that_patients_are_unknown(tmp_path: Path) -> None:
    write_tensors(tmp_path / "cbis", [0, 1, 0, 2, 0, 3, 0, 4] * 8, [0, 1, 0, 2, 0, 3, 0, 4])
    patches = read_patches(tmp_path, "cbis")
    assert patches.train.images.shape == (64, 8, 8)
    chosen = Chosen.of(patches, "benign-malignant", pairs=True)
    assert len(np.unique(chosen.patients)) == len(chosen.places), "a pair is its own patient"
    assert "do not say whose patches" in chosen.notes[0]


def test_names_of_files_are_settings(tmp_path: Path) -> None:
    renamed = {"train_tensor.npy": "mine.npy"}
    write_tensors(tmp_path / "cbis", [0, 1, 0, 3], [0, 2, 0, 4], **renamed)
    with pytest.raises(ArrayError, match=r"train_tensor\.npy cannot be read"):
        read_patches(tmp_path, "cbis")
    (tmp_path / "cbis/patches.json").write_text('{"train_images": "mine.npy"}')
    assert list_patches(tmp_path) == ["cbis"]
    assert read_patches(tmp_path, "cbis").side == 8
    for bad in ('{"train_images": "../secret.npy"}', '{"colour": 1}', "nonsense"):
        (tmp_path / "cbis/patches.json").write_text(bad)
        with pytest.raises(ArrayError, match=r"patches\.json"):
            read_patches(tmp_path, "cbis")


def test_a_folder_says_what_it_is_and_on_which_terms(synthetic: Path, tmp_path: Path) -> None:
    told = read_patches(synthetic, "cbis").origin
    assert told is not None
    assert "Synthetic" in told.title
    write_tensors(tmp_path / "cbis", [0, 1, 0, 3], [0, 2, 0, 4])
    plain = read_patches(tmp_path, "cbis")
    assert plain.origin is None
    origin = {"title": "CBIS-DDSM", "licence": "CC BY 3.0", "attribution": "Sawyer-Lee"}
    (tmp_path / "cbis/patches.json").write_text(json.dumps({"dataset": origin}))
    named = read_patches(tmp_path, "cbis")
    assert named.origin is not None
    assert named.origin.model_dump() == origin
    assert named.files == plain.files, "what a job works on stays the same"


def test_patients_of_the_test_are_left_out_of_training(tmp_path: Path) -> None:
    write_tensors(tmp_path / "cbis", [0, 1, 0, 3] * 10, [0, 2, 0, 4])
    np.save(tmp_path / "cbis/p.npy", np.repeat(np.arange(20), 2))
    np.save(tmp_path / "cbis/q.npy", np.array([3, 3, 77, 77]))
    (tmp_path / "cbis/patches.json").write_text(
        json.dumps({"train_patients": "p.npy", "test_patients": "q.npy"})
    )
    chosen = Chosen.of(read_patches(tmp_path, "cbis"), "mass-calcification", pairs=False)
    assert chosen.notes == ("2 patches of patients of the test were left out of training.",)
    assert (chosen.splits[chosen.patients == "3"] == TEST).all()
    assert (chosen.splits == TRAIN).any()


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("train_tensor.npy", np.zeros((4, 8, 9)), "not n x side x side"),
        ("train_tensor.npy", np.zeros((4, 8, 8), np.complex64), "not n x side x side"),
        ("train_labels.npy", np.array([0, 1, 0, 5]), "other labels than 0 to 4"),
        ("train_labels.npy", np.array([0, 1.5, 0, 1]), "other labels than 0 to 4"),
        ("train_labels.npy", np.array([0, 1]), "for 4 patches"),
        ("public_test_tensor.npy", np.zeros((4, 9, 9)), "differ in size"),
    ],
)
def test_what_is_not_well_formed_is_refused_by_name(
    tmp_path: Path, name: str, array: Any, said: str
) -> None:
    write_tensors(tmp_path / "cbis", [0, 1, 0, 3], [0, 2, 0, 4])
    np.save(tmp_path / "cbis" / name, array)
    with pytest.raises(ArrayError, match=said):
        read_patches(tmp_path, "cbis")


def test_patches_that_do_not_take_turns_are_no_pairs(tmp_path: Path) -> None:
    write_tensors(tmp_path / "cbis", [0, 0, 1, 3], [0, 2, 0, 4])
    patches = read_patches(tmp_path, "cbis")
    Chosen.of(patches, "mass-calcification", pairs=False)
    with pytest.raises(ArrayError, match="take turns"):
        Chosen.of(patches, "mass-calcification", pairs=True)


@pytest.mark.parametrize(
    ("array", "greatest", "grey"),
    [
        (np.array([0, 127, 255], np.uint8), 255, [0, 127, 255]),
        (np.array([0, 65535], np.uint16), 65535, [0, 255]),
        (np.array([0, 4095], np.uint16), 4095, [0, 255]),
        (np.array([0, 0.5, 1], np.float32), 1, [0, 128, 255]),
        (np.array([0, 200.0], np.float32), 200, [0, 200]),
    ],
)
def test_grey_values_keep_their_range(array: Any, greatest: float, grey: list[int]) -> None:
    assert to_grey(array, greatest).tolist() == grey


def test_smaller_pictures_are_means() -> None:
    board = np.kron(np.array([[0, 200], [100, 40]]), np.ones((4, 4))).astype(np.uint8)
    assert _scaled(board[None], 8).tolist() == [board.tolist()]
    small = _scaled(np.stack([board, np.full((8, 8), 70, np.uint8)]), 4)
    assert abs(float(small[0].mean()) - board.mean()) < 2
    assert (small[1] == 70).all()


@pytest.fixture
def cbis(settings: TrainerSettings, synthetic: Path) -> str:
    assert settings.arrays is not None
    (settings.arrays / "cbis").symlink_to(synthetic / "cbis")
    return "cbis"


async def submit(api: httpx.AsyncClient, experiment: str, **body: Any) -> httpx.Response:
    return await api.post("/api/v1/jobs", json={"experiment": experiment, **body})


async def test_pairs_train_from_submit_to_report(
    api: httpx.AsyncClient, start_worker: Callable[..., Any], cbis: str
) -> None:
    start_worker()
    overrides = {"input_size": 32, "epochs": 1}
    answer = await submit(api, "cbis-siamese", array=cbis, overrides=overrides)
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert job["spec"]["source"]["classes"] == ["mass", "calcification"]
    done = await follow(api, job["job_id"])
    assert done["state"] == "succeeded", done["reason"]
    report = (await api.get(f"/api/v1/jobs/{job['job_id']}/report")).json()
    assert {row["variant"] for row in report["published"]} >= {"base frozen"}
    assert sum(split["images"] for split in report["splits"]) == job["spec"]["source"]["images"]


async def test_an_ensemble_of_the_report_is_submitted_as_one_job(
    api: httpx.AsyncClient, cbis: str
) -> None:
    body = {"experiment": "cbis-benmal-ensemble", "array": cbis, "profile": "published"}
    answer = await api.post("/api/v1/jobs/preview", json=body)
    assert answer.status_code == 422, "the members' pretrained weights are not here"
    assert "cbis-benmal-vgg16-fe" in answer.json()["detail"]
    answer = await api.post("/api/v1/jobs/preview", json=body | {"profile": "quick"})
    assert answer.status_code == 200, answer.text
    children = answer.json()["children"]
    assert [child["settings"]["model"] for child in children] == [
        "scratch_b", "scratch_b", "vgg16_dense",
    ]  # fmt: skip
    assert [child["settings"]["class_weights"] for child in children] == [
        "none", "balanced", "none",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"input_size": 200}, "overrides.input_size"),
        ({"input_size": 64}, "overrides.input_size"),
        ({"weights": "ddsm"}, "overrides.weights"),
        ({"class_weight_values": [1, 2, 3]}, "overrides.class_weight_values"),
        ({"class_weight_values": "1, -2"}, "overrides.class_weight_values"),
        ({"augmented_copies": 2}, "overrides.augmented_copies"),
        ({"dropout": 1}, "overrides.dropout"),
    ],
)
async def test_settings_that_patches_cannot_have_are_refused(
    api: httpx.AsyncClient, cbis: str, overrides: dict[str, Any], field: str
) -> None:
    answer = await submit(api, "cbis-masscalc-scratch", array=cbis, overrides=overrides)
    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]


async def test_what_is_no_folder_of_patches_is_refused(
    api: httpx.AsyncClient, settings: TrainerSettings, blobs: str
) -> None:
    missing = await submit(api, "cbis-siamese", array=blobs)
    assert missing.status_code == 404
    unnamed = await submit(api, "cbis-siamese")
    assert unnamed.json()["errors"][0]["field"] == "array"
    assert settings.arrays is not None
    write_tensors(settings.arrays / "mixed", [0, 0, 1, 3], [0, 2, 0, 4])
    no_pairs = await submit(api, "cbis-siamese", array="mixed", overrides={"input_size": 32})
    assert no_pairs.status_code == 422
    assert "take turns" in no_pairs.json()["detail"]
