"""Case-control matching of exams: for each case controls that are alike in what is named.

Exams, not images, are matched: what is compared belongs to an exam, and its images come together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from chassis.problems import invalid

from catalog.cohorts.definition import MatchDefinition, MatchOn
from catalog.cohorts.narrowing import Narrowing, owners
from catalog.cohorts.splits import Hashes, shuffled_keys
from catalog.model.read_model import ReadModel
from catalog.paths import hash_texts

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

UNMATCHED = -1
COLUMNS: Mapping[MatchOn, str] = {
    "age": "age_at_study",
    "density": "tissueden",
    "manufacturer": "Manufacturer",
    "year": "study_date_anon",
}


@dataclass(frozen=True)
class Candidates:
    """Exams that can be matched. ``strata``: equal numbers are alike in what must be equal."""

    patient: Ints
    key: Hashes
    strata: Ints
    distances: Sequence[tuple[Floats, float]]  # (value by exam, how far apart it may be)


@dataclass(frozen=True)
class Matched:
    """By exam of the model the set it belongs to, or UNMATCHED.

    ``group_of_patient``: the patient of a control's case, else the patient: whom to split as one.
    ``short``: matched cases with fewer controls than asked.
    """

    set_of_exam: Ints
    group_of_patient: Ints
    cases: int
    short: int


def match_cases(
    narrowing: Narrowing, classes: Ints, names: Sequence[str], wanted: MatchDefinition, seed: int
) -> Matched:
    """Narrow to matched exams. ``classes``: by image of the model."""
    if wanted.cases not in names:
        raise invalid("match.cases", f"no class is called {wanted.cases!r}"[:300], list(names))
    model, case = narrowing.model, names.index(wanted.cases)
    exams, _ = owners(model, narrowing.places)
    is_case = classes[narrowing.places] == case
    case_exam = np.zeros(model.exams, bool)
    case_exam[exams[is_case]] = True
    case_patient = np.zeros(model.patients, bool)
    case_patient[model.patient_of_exam[case_exam]] = True
    other = ~case_patient[model.patient_of_exam[exams]]
    narrowing.keep(f"match: {wanted.cases}, and patients without it", is_case | other)

    exams, _ = owners(model, narrowing.places)
    values = {name: _by_exam(model, name, narrowing.places, exams) for name in wanted.on}
    known = np.all([~np.isnan(value) for value in values.values()], axis=0)
    narrowing.keep(f"match: {', '.join(wanted.on)} known", known[exams])

    exams, _ = owners(model, narrowing.places)
    present = np.unique(exams)
    candidates = _candidates(model, present, values, wanted, seed)
    sets = match(candidates, case_exam[present], wanted.controls)
    set_of_exam = np.full(model.exams, UNMATCHED, np.int64)
    set_of_exam[present] = sets
    narrowing.keep("match: cases and their controls", set_of_exam[exams] != UNMATCHED)
    return _described(model, set_of_exam, case_exam, wanted.controls)


def _described(
    model: ReadModel, set_of_exam: Ints, case_exam: npt.NDArray[np.bool_], wanted: int
) -> Matched:
    is_control = (set_of_exam != UNMATCHED) & ~case_exam
    counts = np.bincount(set_of_exam[is_control])
    cases = np.flatnonzero((set_of_exam != UNMATCHED) & case_exam)
    case_of_set = cases[np.argsort(set_of_exam[cases])]
    group = np.arange(model.patients)
    patient = model.patient_of_exam
    group[patient[is_control]] = patient[case_of_set[set_of_exam[is_control]]]
    return Matched(set_of_exam, group, len(counts), int(np.sum(counts < wanted)))


def _by_exam(model: ReadModel, name: MatchOn, places: Ints, exams: Ints) -> Floats:
    """A number for each exam, of its first image where it is the image's; NaN where unknown."""
    column = COLUMNS[name]
    if not model.has(column):
        raise invalid("match.on", f"this revision's files do not have {column}")
    values = model.dictionaries[column].values
    if name == "age":
        numbers = [np.nan, *(float(str(value)) for value in values)]
    elif name == "year":
        numbers = [np.nan, *(float(date.fromisoformat(str(value)).year) for value in values)]
    else:
        numbers = [np.nan, *map(float, range(len(values)))]
    of_code, codes = np.asarray(numbers), model.codes[column]
    if name in ("age", "density"):
        return of_code[codes]
    found = np.full(model.exams, np.nan)
    found[exams[::-1]] = of_code[codes[places[::-1]]]  # the last assignment, the first image, stays
    return found


def _candidates(
    model: ReadModel,
    exams: Ints,
    values: Mapping[MatchOn, Floats],
    wanted: MatchDefinition,
    seed: int,
) -> Candidates:
    equal = [values[name][exams] for name in values if name in ("density", "manufacturer")]
    strata = np.zeros(len(exams), np.int64)
    if equal and len(exams):
        _, strata = np.unique(np.stack(equal), axis=1, return_inverse=True)
    within: dict[MatchOn, float] = {"age": wanted.age_within, "year": wanted.year_within}
    hashes = hash_texts(model.exam_id[exam].decode() for exam in exams)
    return Candidates(
        patient=model.patient_of_exam[exams].astype(np.int64),
        key=shuffled_keys(hashes, "match", seed),
        strata=np.ravel(strata),
        distances=[(values[n][exams], within[n]) for n in ("age", "year") if n in values],
    )


def match(candidates: Candidates, is_case: npt.NDArray[np.bool_], controls: int) -> Ints:
    """By exam the number of its set; UNMATCHED where it is in none.

    Cases choose in the order of their keys, one control a round: the nearest that is free, ties by
    key. A patient serves once. Sets are numbered in the order of the cases' keys.
    """
    pool = _Pool(candidates, np.flatnonzero(~is_case))
    cases = np.flatnonzero(is_case)
    cases = cases[np.argsort(candidates.key[cases], kind="stable")]
    chosen: dict[int, list[int]] = {int(case): [] for case in cases}
    for _ in range(controls):
        for case, found in chosen.items():
            control = pool.take(case)
            if control is not None:
                found.append(control)
    sets = np.full(len(is_case), UNMATCHED, np.int64)
    matched = [(case, found) for case, found in chosen.items() if found]
    for number, (case, found) in enumerate(matched):
        sets[[case, *found]] = number
    return sets


class _Pool:
    """Controls by stratum, those of patients who have not served yet."""

    def __init__(self, candidates: Candidates, controls: Ints) -> None:
        self._candidates = candidates
        self._served = np.zeros(int(candidates.patient.max(initial=0)) + 1, bool)
        order = controls[np.argsort(candidates.strata[controls], kind="stable")]
        strata, begin = np.unique(candidates.strata[order], return_index=True)
        parts = np.split(order, begin[1:])
        self._free = dict(zip(strata.tolist(), parts, strict=True)) if len(order) else {}

    def take(self, case: int) -> int | None:
        """The best control that is left for ``case``; it and its patient leave the pool."""
        stratum = int(self._candidates.strata[case])
        free = self._free.get(stratum)
        if free is None:
            return None
        gaps = [np.abs(value[free] - value[case]) for value, _ in self._candidates.distances]
        near = np.ones(len(free), bool)
        for gap, (_, limit) in zip(gaps, self._candidates.distances, strict=True):
            near &= gap <= limit
        near &= ~self._served[self._candidates.patient[free]]
        allowed = np.flatnonzero(near)
        if len(allowed) == 0:
            return None
        keys = [self._candidates.key[free[allowed]], *(gap[allowed] for gap in reversed(gaps))]
        best = int(free[allowed[np.lexsort(keys)[0]]])
        self._served[self._candidates.patient[best]] = True
        return best
