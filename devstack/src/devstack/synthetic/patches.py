"""Synthetic CBIS-DDSM patches: 150 x 150, in the files that the trainer reads by default.

    python -m devstack.synthetic.patches FOLDER [--patients 240]

Two to three abnormalities a patient, all of one kind and outcome, each after a baseline of the same
breast's tissue beside it. Masses have a body, calcifications are points; malignant ones are denser,
irregular, spiculated or many. Patients differ in tissue, film and noise, whatever their label.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devstack.synthetic.pixels.breast import Grid
from devstack.synthetic.pixels.calcifications import add_calcifications
from devstack.synthetic.pixels.lesions import Placed, add_lesion
from devstack.synthetic.pixels.noise import Image, sample_texture
from devstack.synthetic.pixels.specs import LesionSpec

ORIGIN = {
    "title": "Synthetic patches in the shape of CBIS-DDSM's",
    "licence": "CC0-1.0",
    "attribution": "Computed; they resemble no person",
}
SIDE = 150
SPACING_MM = 0.2
TEST_SHARE = 0.25
GREATEST = 65535
NAMES = {
    "train": ("train_tensor.npy", "train_labels.npy", "train_patients.npy"),
    "test": ("public_test_tensor.npy", "public_test_labels.npy", "public_test_patients.npy"),
}


@dataclass(frozen=True)
class _Patient:
    """``label``: 1 to 4 as CBIS-DDSM's tensors have it."""

    number: int
    label: int
    abnormalities: int

    @property
    def is_mass(self) -> bool:
        return self.label <= 2

    @property
    def is_malignant(self) -> bool:
        return self.label % 2 == 0


def write_patches(folder: Path, *, patients: int = 240, seed: int = 5) -> None:
    """Write the tensors, labels and patients of both splits, and `patches.json`, to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    people = _draw_patients(patients, np.random.default_rng(seed))
    testing = round(TEST_SHARE * patients)
    for split, part in (("test", people[:testing]), ("train", people[testing:])):
        for name, array in zip(NAMES[split], _draw_patches(part, seed), strict=True):
            np.save(folder / name, array)
    named = {f"{split}_patients": names[2] for split, names in NAMES.items()}
    (folder / "patches.json").write_text(json.dumps(named | {"dataset": ORIGIN}))


def _draw_patients(count: int, generator: np.random.Generator) -> list[_Patient]:
    labels = generator.permutation(np.arange(count) % 4 + 1)
    sizes = generator.integers(2, 4, count)
    pairs = zip(labels.tolist(), sizes.tolist(), strict=True)
    return [_Patient(number, label, size) for number, (label, size) in enumerate(pairs)]


def _draw_patches(patients: Sequence[_Patient], seed: int) -> list[NDArray[Any]]:
    """Pixels (n, 150, 150), labels (n,) and the owners' names (n,), in the order of `NAMES`."""
    images, labels, owners = [], list[int](), list[str]()
    for patient in patients:
        generator = np.random.default_rng([seed, patient.number])
        breast = _Breast(generator)
        for _ in range(patient.abnormalities):
            images += [breast.draw(None), breast.draw(patient)]
            labels += [0, patient.label]
            owners += [f"P_{patient.number:05d}"] * 2
    return [np.stack(images), np.array(labels), np.array(owners)]


class _Breast:
    """The tissue of one patient and the film it was taken on."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        self.level = generator.uniform(0.30, 0.44)
        self.coarseness = generator.uniform(0.6, 1.4)
        self.contrast = generator.uniform(0.045, 0.075)
        self.grain = generator.uniform(0.008, 0.02)
        self.gain = generator.uniform(0.85, 1.1)

    def draw(self, patient: _Patient | None) -> NDArray[np.uint16]:
        """(150, 150): tissue, and a patient's abnormality in it where one is asked for."""
        places = np.arange(SIDE, dtype=np.float64) * self.coarseness
        y, x = np.meshgrid(places, places, indexing="ij")
        light = self.level + self.contrast * sample_texture(self.generator, 3.0, y, x)
        if patient is not None:
            light = self._with_abnormality(light.astype(np.float32), patient)
        light = light + self.grain * self.generator.standard_normal(light.shape)
        scaled = np.clip(light * self.gain, 0, 1) * GREATEST
        return scaled.astype(np.uint16)

    def _with_abnormality(self, light: Image, patient: _Patient) -> Image:
        draw = self.generator
        spec = _spec(draw, patient)
        middle = SIDE * SPACING_MM / 2
        y, x = middle + draw.uniform(-3, 3, 2)
        radius = draw.uniform(3.0, 5.5) if patient.is_mass else draw.uniform(2.5, 6.0)
        placed = Placed(spec, float(y), float(x), float(radius), int(draw.integers(2**31)))
        if patient.is_mass:
            return add_lesion(light, _grid(), placed)
        add_calcifications(light, placed, SPACING_MM, (0.0, 0.0), (middle, 60.0))
        return light


def _spec(draw: np.random.Generator, patient: _Patient) -> LesionSpec:
    """Descriptors as radiologists give them to such findings; the two outcomes overlap."""
    malignant = patient.is_malignant
    severity = float(np.clip(draw.normal(0.72 if malignant else 0.42, 0.09), 0.2, 0.95))
    if patient.is_mass:
        shape, margin = draw.choice(["X", "X", "O"]), draw.choice(["S", "I", "M"])
        if not malignant:
            shape, margin = draw.choice(["O", "R", "O"]), draw.choice(["D", "D", "U"])
        return LesionSpec(0, severity, "mass", shape=str(shape), margin=str(margin), density="=")
    kind, spread = (
        (draw.choice(["F", "B", "I"]), draw.choice(["S", "L", "C"]))
        if malignant
        else (draw.choice(["P", "R", "C"]), draw.choice(["G", "R"]))
    )
    return LesionSpec(
        0, severity, "calcification", calcifications=str(kind), distribution=str(spread)
    )


def _grid() -> Grid:
    places = (np.arange(SIDE) * SPACING_MM).astype(np.float32)
    y, x = np.meshgrid(places, places, indexing="ij")
    return Grid(y, x, SPACING_MM, 60.0, 15.0, 30.0, 30.0, oblique=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m devstack.synthetic.patches")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=240)
    given = parser.parse_args(arguments)
    write_patches(given.folder, patients=given.patients)


if __name__ == "__main__":
    main()
