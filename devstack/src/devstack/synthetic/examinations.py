"""What is known of an exam beyond its date: identifiers, procedure, density, the detector it was
made with."""

from dataclasses import dataclass

import numpy as np

from devstack.synthetic.anatomy import breast_size
from devstack.synthetic.arrays import Bools, Exams, Ints, Patients, Records
from devstack.synthetic.hashing import between, uniform
from devstack.synthetic.options import Generation
from devstack.synthetic.population import exam_ids, has_tomosynthesis, model_rows
from devstack.synthetic.vocabulary import choice_of, load

EXAMS_PER_PATIENT = 64
_LATERALITIES = ("L", "R", "B")
LARGE_DETECTOR_FROM = 112.0
"""Breasts deeper than this, in millimetres, do not fit the small paddle."""


@dataclass(frozen=True)
class ExamFacts(Records):
    """One row per exam, beside `Exams`. desc and study_desc index `descriptions()`; density 0 is
    unknown."""

    number: Ints
    acc: Ints
    desc: Ints
    study_desc: Ints
    density: Ints
    tomo: Bools
    large: Bools
    second: Ints
    delay: Ints


def descriptions() -> list[str]:
    """Every procedure description, by code."""
    vocabulary = load("vocabulary")
    lists = [
        vocabulary[kind][side]
        for kind in ("desc_screening", "desc_diagnostic")
        for side in _LATERALITIES
    ]
    return [row[0] for rows in lists for row in rows]


def describe_exams(
    patients: Patients, exams: Exams, place: Ints, seed: int, generation: Generation
) -> ExamFacts:
    """Facts of each exam; `place` is its number within the patient (fewer than 64)."""
    if len(place) and place.max() >= EXAMS_PER_PATIENT:
        raise ValueError("a patient has more exams than exam numbers leave room for")
    defects = generation.defects
    number = patients.number[exams.patient] * EXAMS_PER_PATIENT + place
    acc = exam_ids(number, seed)
    tomo = has_tomosynthesis(patients.model)[exams.patient] & (
        exams.day >= patients.tomo_from[exams.patient]
    )
    desc = _procedure(exams, tomo, acc, 41)
    other = _procedure(exams.replace(laterality=np.full(len(exams), 2)), tomo, acc, 42)
    large_breast = breast_size(patients.empi[exams.patient]) > LARGE_DETECTOR_FROM
    late = np.floor(between(1, 6, acc, 47)).astype(np.int64)
    return ExamFacts(
        number=number,
        acc=acc,
        desc=np.where(uniform(acc, 43) < defects.missing_desc, -1, desc),
        study_desc=np.where(uniform(acc, 44) < defects.disagreeing_study_description, other, desc),
        density=_density(patients.density[exams.patient], acc),
        tomo=tomo,
        large=tomo | large_breast,
        second=np.floor(between(7.5 * 3600, 17 * 3600, acc, 46)).astype(np.int64),
        delay=np.where(uniform(acc, 48) < defects.report_date_delay, late, 0),
    )


def _procedure(exams: Exams, tomo: Bools, acc: Ints, salt: int) -> Ints:
    """Codes of procedure descriptions that fit kind, laterality and tomosynthesis of each exam."""
    code = np.zeros(len(exams), np.int64)
    share = uniform(acc, salt)
    start = 0
    for kind in ("desc_screening", "desc_diagnostic"):
        for side, letter in enumerate(_LATERALITIES):
            rows = load("vocabulary")[kind][letter]
            for with_tomo in (False, True):
                fits = [i for i, row in enumerate(rows) if (row[2] == "tomo") <= with_tomo]
                weights = [[i, rows[i][1] * (3.0 if rows[i][2] == "tomo" else 1.0)] for i in fits]
                chosen = (
                    (exams.screening == (kind == "desc_screening"))
                    & (exams.laterality == side)
                    & (tomo == with_tomo)
                )
                code[chosen] = start + np.array(fits)[choice_of(weights).pick(share[chosen])]
            start += len(rows)
    return code


def _density(density: Ints, acc: Ints) -> Ints:
    """A patient's density as read at one exam: one reading in 25 differs by a category, few are
    missing."""
    drawn = uniform(acc, 45)
    step = np.where(drawn < 0.02, -1, np.where(drawn < 0.04, 1, 0))
    read = np.where(density == 5, 5, np.clip(density + step, 1, 4))
    return np.where(drawn > 0.993, 0, read)


def geometry_rows(part: str) -> Ints:
    """(model, 2) array of full-size Rows and Columns by model code; part is `small`, `large` or
    `cview`."""
    geometry = load("vocabulary")["geometry"]
    names = [next(key for key in geometry if model.startswith(key)) for _, model in model_rows()]
    return np.array([geometry[name].get(part, (0, 0)) for name in names], dtype=np.int64)


def detector_spacing() -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Pixel spacing of a full-size 2D image in millimetres, by model code."""
    geometry = load("vocabulary")["geometry"]
    names = [next(key for key in geometry if model.startswith(key)) for _, model in model_rows()]
    return np.array([geometry[name]["spacing"] for name in names])
