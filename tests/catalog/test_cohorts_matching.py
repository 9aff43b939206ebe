"""Case-control matching over arrays: calipers, strata, each patient once, the same every time."""

import numpy as np
from catalog.cohorts.matching import UNMATCHED, Candidates, match
from hypothesis import given, settings
from hypothesis import strategies as st

exams = st.lists(
    st.tuples(
        st.booleans(), st.integers(0, 25), st.integers(0, 2), st.floats(40, 60), st.integers(0, 3)
    ),
    min_size=1,
    max_size=80,
)
Drawn = list[tuple[bool, int, int, float, int]]


def candidates_of(drawn: Drawn) -> tuple[np.ndarray, Candidates]:
    """Cases and controls; a patient who is a case is no control."""
    cases = {patient for is_case, patient, *_ in drawn if is_case}
    kept = [row for row in drawn if row[0] or row[1] not in cases]
    is_case, patient, stratum, age, year = (np.asarray(c) for c in zip(*kept, strict=True))
    keys = np.random.default_rng(5).permutation(len(kept)).astype(np.uint64)
    distances = [(age.astype(float), 4.0), (year.astype(float), 1.0)]
    return is_case.astype(bool), Candidates(patient, keys, stratum, distances)


@settings(deadline=None)
@given(exams, st.integers(1, 4))
def test_sets_are_alike_and_patients_serve_once(drawn: Drawn, controls: int) -> None:
    is_case, candidates = candidates_of(drawn)
    sets = match(candidates, is_case, controls)
    served = []
    for number in range(int(sets.max()) + 1):
        (case,) = np.flatnonzero((sets == number) & is_case)
        found = np.flatnonzero((sets == number) & ~is_case)
        assert 1 <= len(found) <= controls
        assert (candidates.strata[found] == candidates.strata[case]).all()
        for values, limit in candidates.distances:
            assert (np.abs(values[found] - values[case]) <= limit).all()
        served += candidates.patient[found].tolist()
    assert len(served) == len(set(served))


@settings(deadline=None)
@given(exams)
def test_a_case_stays_alone_only_where_nobody_is_left(drawn: Drawn) -> None:
    is_case, candidates = candidates_of(drawn)
    sets = match(candidates, is_case, 1)
    served = set(candidates.patient[(sets != UNMATCHED) & ~is_case].tolist())
    free = [c for c in np.flatnonzero(~is_case) if candidates.patient[c] not in served]
    for case in np.flatnonzero(is_case & (sets == UNMATCHED)):
        for control in free:
            alike = candidates.strata[control] == candidates.strata[case]
            near = all(abs(v[control] - v[case]) <= limit for v, limit in candidates.distances)
            assert not (alike and near)


@settings(deadline=None)
@given(exams, st.randoms(use_true_random=False))
def test_the_order_of_the_exams_does_not_matter(drawn: Drawn, rng: object) -> None:
    is_case, candidates = candidates_of(drawn)
    order = np.arange(len(is_case))
    rng.shuffle(order)  # type: ignore[attr-defined]
    shuffled = Candidates(
        candidates.patient[order],
        candidates.key[order],
        candidates.strata[order],
        [(values[order], limit) for values, limit in candidates.distances],
    )
    assert (match(shuffled, is_case[order], 2) == match(candidates, is_case, 2)[order]).all()
