"""Which patients get pictures: cancers and matched benign controls, and some of every other class.

A control is a patient with one benign diagnostic exam that agrees with a cancer's in everything
that pixels or headers
could betray: machine, detector size, tomosynthesis, side, laterality of the exam, density, and
nearly so in age and number of images.
A network that tells K from B must therefore have seen the lesion.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from devstack.synthetic.arrays import ASSES, Bools, Ints
from devstack.synthetic.chunks import Chunk, generate_chunk, join_chunks
from devstack.synthetic.options import Generation

POOL_CHUNK = 5_000
"""Pool chunks are numbered from here, so that no patient of the pool is also one of the tables'
others."""
_POOL_SIZE = 8
_MAX_CHUNKS = 960


@dataclass(frozen=True)
class Plan:
    """How many patients of each sort get pictures."""

    pairs: int = 48
    """Patients with one known cancer (K), and as many matched patients with a benign finding
    (B)."""
    per_assessment: int = 6
    """Patients for each of P, S, M and A."""
    per_severity: int = 4
    """Patients for each pathology severity from 1 to 5 (most cancers of the pairs are of 0)."""
    normal: int = 5
    """Patients with negative screens only."""
    histories: int = 2
    """Patients with a long history that ends in a cancer."""
    full_size_pairs: int = 1
    """Pairs whose images keep the detector's full size, for each detector size."""
    max_images: int = 11
    """Images of one patient (histories have more)."""


@dataclass(frozen=True)
class _Case:
    """A patient of the pool with its one diagnostic exam of interest."""

    patient: int
    key: tuple[int, ...]
    age: float
    images: int
    views: int


def choose_patients(seed: int, generation: Generation, plan: Plan) -> tuple[Chunk, set[int]]:
    """The patients who get pictures, in a chunk of their own, and which of them (`empi`) at full
    size.

    The pool grows until every class of the plan is full.
    """
    pool: list[Chunk] = []
    chosen = None
    while chosen is None:
        if len(pool) >= _MAX_CHUNKS:
            raise RuntimeError("the pool holds too few patients for this plan")
        for _ in range(max(_POOL_SIZE, len(pool) // 5)):
            part = generate_chunk(seed, POOL_CHUNK + len(pool), generation)
            pool.append(_plain(part, plan))
        chunk = join_chunks(pool)
        chosen = _choose(chunk, plan)
    pairs, others = chosen
    order = [patient for pair in pairs for patient in pair] + others
    full = {
        int(chunk.patients.empi[patient])
        for patient in _full_size(chunk, pairs, plan.full_size_pairs)
    }
    return _in_order(chunk, order), full


def _full_size(chunk: Chunk, pairs: list[tuple[int, int]], wanted: int) -> list[int]:
    """Patients of the first pairs on the small and on the large detector of the commonest
    machine."""
    large = _count(chunk.exams.patient[chunk.facts.large], chunk) > 0
    common = chunk.patients.model == 0
    of_size = [
        [pair for pair in pairs if common[pair[0]] and large[pair[0]] == size]
        for size in (False, True)
    ]
    return [patient for fitting in of_size for pair in fitting[:wanted] for patient in pair]


def _plain(chunk: Chunk, plan: Plan) -> Chunk:
    """Women without implants, few enough images, recorded in both tables, density read."""
    images = _count(chunk.exams.patient[chunk.images.exam], chunk)
    exams = _count(chunk.exams.patient, chunk)
    unread = _count(chunk.exams.patient[chunk.facts.density == 0], chunk)
    few = (images <= plan.max_images) | ((exams >= 4) & (images <= 40))
    return chunk.take_patients(
        few
        & (unread == 0)
        & ~chunk.patients.male
        & ~chunk.patients.implants
        & chunk.patients.recorded
    )


def _count(patients: Ints, chunk: Chunk) -> Ints:
    return np.bincount(patients, minlength=len(chunk.patients))


def _choose(chunk: Chunk, plan: Plan) -> tuple[list[tuple[int, int]], list[int]] | None:
    few = _count(chunk.exams.patient[chunk.images.exam], chunk) <= plan.max_images
    cancers, controls = _cases(chunk, "K", few), _cases(chunk, "B", few)
    pairs = _match(cancers, controls, plan.pairs)
    if len(pairs) < plan.pairs:
        return None
    taken = {patient for pair in pairs for patient in pair}
    others: list[int] = []
    for candidates, wanted in _wanted(chunk, plan, few):
        fresh = [patient for patient in candidates.tolist() if patient not in taken][:wanted]
        if len(fresh) < wanted:
            return None
        taken.update(fresh)
        others += fresh
    return pairs, others


def _cases(chunk: Chunk, letter: str, few: Bools) -> list[_Case]:
    """Patients with this assessment in exactly one exam, a diagnostic one, on exactly one side, and
    nothing like it elsewhere.

    A control has no P, S, M or K at all. Screens of both are negative or recalled, never benign:
    what pixels carry the
    label comes from like exams.
    """
    rows = chunk.rows
    patient_of = chunk.exams.patient[rows.exam]
    mine = rows.asses == ASSES.index(letter)
    other = rows.asses == ASSES.index("B" if letter == "K" else "K")
    severe = (
        np.isin(rows.asses, [ASSES.index(x) for x in "PSMX"])
        if letter == "B"
        else np.zeros(len(rows), bool)
    )
    index = mine & ~chunk.exams.screening[rows.exam] & (rows.side < 2)
    spoilt = _count(patient_of[other | severe | (mine & ~index)], chunk) > 0
    place = np.unique(rows.exam[index] * 2 + rows.side[index])
    places = _count(chunk.exams.patient[place // 2], chunk)
    cases: list[_Case] = []
    for one in place.tolist():
        exam, side = divmod(one, 2)
        patient = int(chunk.exams.patient[exam])
        if few[patient] and places[patient] == 1 and not spoilt[patient]:
            cases += _case(chunk, patient, exam, side)
    return cases


def _case(chunk: Chunk, patient: int, exam: int, side: int) -> Iterator[_Case]:
    first, last = np.searchsorted(chunk.images.exam, [exam, exam + 1])
    images = chunk.images.take(np.arange(first, last))
    standard = (images.side == side) & (images.view <= 1) & ~images.cview & (images.modifier == 0)
    if len(set(images.view[standard].tolist())) < 2:
        return
    facts, exams = chunk.facts, chunk.exams
    key = (
        chunk.patients.model[patient],
        facts.large[exam],
        facts.tomo[exam],
        side,
        exams.laterality[exam],
        facts.density[exam],
    )
    age = (exams.day[exam] - chunk.patients.birth[patient]) / 365.25
    yield _Case(
        patient, tuple(int(part) for part in key), float(age), len(images), int(standard.sum())
    )


def _match(cancers: list[_Case], controls: list[_Case], wanted: int) -> list[tuple[int, int]]:
    """Pairs that agree in the key, each with the control nearest in age and images that is still
    free."""
    free: dict[tuple[int, ...], list[_Case]] = defaultdict(list)
    for control in controls:
        free[control.key].append(control)
    pairs: list[tuple[int, int]] = []
    for cancer in cancers:
        if len(pairs) == wanted:
            break
        near = sorted(free[cancer.key], key=lambda c, to=cancer: _distance(c, to))  # type: ignore[misc]
        if near and _distance(near[0], cancer) < 18:
            free[cancer.key].remove(near[0])
            pairs.append((cancer.patient, near[0].patient))
    return pairs


def _distance(one: _Case, other: _Case) -> float:
    return (
        abs(one.age - other.age)
        + 3 * abs(one.images - other.images)
        + 6 * abs(one.views - other.views)
    )


def _wanted(chunk: Chunk, plan: Plan, few: Bools) -> Iterator[tuple[Ints, int]]:
    """(candidates, how many of them) for every class beside the pairs."""
    rows = chunk.rows
    patient_of = chunk.exams.patient[rows.exam]
    diagnostic = ~chunk.exams.screening[rows.exam] & (rows.side < 2)
    known = _count(patient_of[rows.asses == ASSES.index("K")], chunk) > 0
    exams = _count(chunk.exams.patient, chunk)
    yield np.flatnonzero(known & ~few & (exams >= 4)), plan.histories
    few = few & ~known
    for severity in (5, 3, 2, 1, 4):
        has = _count(patient_of[diagnostic & (rows.severity == severity)], chunk) > 0
        yield np.flatnonzero(has & few), plan.per_severity
    for letter in "MSPA":
        sided = diagnostic if letter != "A" else rows.side < 2
        has = _count(patient_of[sided & (rows.asses == ASSES.index(letter))], chunk) > 0
        yield np.flatnonzero(has & few), plan.per_assessment
    quiet = _count(patient_of[rows.asses != ASSES.index("N")], chunk) == 0
    yield np.flatnonzero(quiet & few & (exams > 0)), plan.normal


def _in_order(chunk: Chunk, order: list[int]) -> Chunk:
    """The patients in this order, as one chunk."""
    numbers = np.arange(len(chunk.patients))
    return join_chunks([chunk.take_patients(numbers == patient) for patient in order])
