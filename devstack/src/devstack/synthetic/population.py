"""Patients: identifiers, demographics, density and the machines that image them."""

import numpy as np

from devstack.synthetic.arrays import Bools, Ints, Patients
from devstack.synthetic.hashing import hash_keys
from devstack.synthetic.options import Generation
from devstack.synthetic.vocabulary import choice, choice_of, load, shares

DAYS_OF_SOURCE = 2922
"""2013-01-01 to 2020-12-31, the period the released exams come from."""
RACE_GROUPS = ("Black", "White", "Other", "Unknown")
MAX_PATIENTS = 10_000_000


def patient_ids(numbers: Ints, seed: int) -> Ints:
    """8-digit `empi_anon`, all beginning with 9, distinct for distinct patient numbers."""
    if len(numbers) and numbers.max() >= MAX_PATIENTS:
        raise ValueError(f"8-digit identifiers are enough for {MAX_PATIENTS} patients")
    offset = int(hash_keys(seed, 101)[0] % np.uint64(MAX_PATIENTS))
    return 90_000_000 + (numbers * 6_180_339 + offset) % MAX_PATIENTS


def exam_ids(numbers: Ints, seed: int) -> Ints:
    """16-digit `acc_anon`, all beginning with 99 and beyond 2**53, distinct for distinct exam
    numbers."""
    offset = int(hash_keys(seed, 102)[0] % np.uint64(10**13))
    return 9_900_000_000_000_000 + (numbers * 6_180_339_887 + offset) % 10**14


def draw_patients(
    rng: np.random.Generator, numbers: Ints, seed: int, generation: Generation
) -> Patients:
    """Patients with the demographics of EMBED; `numbers` are their places in the whole data set."""
    n = len(numbers)
    race = choice("race").draw(rng, n)
    group = _race_group(race)
    male = rng.random(n) < 0.0022
    maker = choice("maker").draw(rng, n)
    missing = generation.defects.metadata_only_patients
    return Patients(
        number=numbers,
        empi=patient_ids(numbers, seed),
        cohort=rng.integers(1, 3, n),
        shift=rng.integers(31, 181, n) * rng.choice([-1, 1], n),
        birth=_birth_days(rng, n),
        male=male,
        race=race,
        group=group,
        density=np.where(male, 5, _density(rng, group)),
        maker=maker,
        model=_models(rng, maker),
        tomo_from=_tomo_from(rng, n),
        implants=rng.random(n) < 0.022,
        recorded=rng.random(n) >= missing,
        roi_share=np.full(n, generation.roi_share),
        pixel_scale=np.full(n, generation.pixel_scale),
    )


def _race_group(race: Ints) -> Ints:
    groups = load("vocabulary")["race_group"]
    names = [groups.get(value, "Unknown") for value in choice("race").values]
    return np.array([RACE_GROUPS.index(name) for name in names])[race]


def _density(rng: np.random.Generator, group: Ints) -> Ints:
    density = np.zeros(len(group), dtype=np.int64)
    for code, name in enumerate(RACE_GROUPS):
        rows = np.flatnonzero(group == code)
        density[rows] = 1 + shares("density_by_race", name).draw(rng, len(rows))
    return density


def _birth_days(rng: np.random.Generator, n: int) -> Ints:
    """Birthdays such that ages in the middle of the source period follow EMBED's age
    distribution."""
    bins = load("vocabulary")["age_bins"]
    ages = np.array([edge for edge, _ in bins])
    cumulative = np.cumsum([count for _, count in bins])
    age = np.interp(rng.random(n) * cumulative[-1], cumulative, ages)
    return np.asarray(DAYS_OF_SOURCE // 2 - age * 365.25, dtype=np.int64)


def _models(rng: np.random.Generator, maker: Ints) -> Ints:
    """Codes into the concatenated model lists of the makers (see `model_rows`)."""
    models = np.zeros(len(maker), dtype=np.int64)
    start = 0
    for code, rows in enumerate(load("vocabulary")["model"].values()):
        chosen = np.flatnonzero(maker == code)
        models[chosen] = start + choice_of([row[1:] for row in rows]).draw(rng, len(chosen))
        start += len(rows)
    return models


def model_rows() -> list[tuple[str, str]]:
    """(Manufacturer, ManufacturerModelName) by model code."""
    return [(row[0], row[1]) for rows in load("vocabulary")["model"].values() for row in rows]


def has_tomosynthesis(model: Ints) -> Bools:
    """Whether a machine makes C-Views: only the Selenia Dimensions does."""
    return np.array([name == "Selenia Dimensions" for _, name in model_rows()])[model]


def _tomo_from(rng: np.random.Generator, n: int) -> Ints:
    """The day a patient's site began tomosynthesis: rooms changed over during the whole period."""
    return np.asarray(rng.normal(1450, 750, n), dtype=np.int64)
