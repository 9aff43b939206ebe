"""Exams and findings over the years: screens, recalls, work-ups, short-interval follow-ups,
known cancers."""

import numpy as np

from devstack.synthetic.arrays import (
    ASSES_CODE,
    Bools,
    Exams,
    Findings,
    Ints,
    Patients,
    count_within,
)
from devstack.synthetic.options import Generation
from devstack.synthetic.population import DAYS_OF_SOURCE
from devstack.synthetic.vocabulary import choice, shares

N, B, P, A, S, M, K, X = (ASSES_CODE[letter] for letter in "NBPASMKX")
Batch = tuple[Exams, Findings]

RECALL_RATE = 0.154
BENIGN_RATE = 0.114
WORK_UP_RATE = 0.76
SYMPTOMATIC_RATE = 0.225
FINDINGS_PER_SCREEN = (0.80, 0.155, 0.035, 0.01)
FINDINGS_PER_COMPLAINT = (0.66, 0.24, 0.08, 0.02)
OPPOSITE_ROW_IN_DIAGNOSTIC = 0.24


def simulate_exams(rng: np.random.Generator, patients: Patients, generation: Generation) -> Batch:
    """All exams of the patients and their findings, by patient and date, findings by exam."""
    screens = _screen(rng, patients, generation)
    batches = [
        screens,
        _work_up(rng, screens, A, "recalled"),
        _present_symptoms(rng, patients, screens[0]),
    ]
    for _ in range(3):
        recent = join_batches(batches[-2:])
        batches += [_work_up(rng, recent, P, "follow_up"), _work_up(rng, recent, M, "known")]
    exams, findings = join_batches(batches)
    return _in_order(*_within_source(exams, findings))


def join_batches(batches: list[Batch]) -> Batch:
    """Several batches as one, finding-to-exam indices moved along."""
    offsets = np.cumsum([0] + [len(exams) for exams, _ in batches])
    findings = [
        f.replace(exam=f.exam + start) for (_, f), start in zip(batches, offsets, strict=False)
    ]
    return Exams.join([exams for exams, _ in batches]), Findings.join(findings)


def _screen(rng: np.random.Generator, patients: Patients, generation: Generation) -> Batch:
    # Women below 38 and an eighth of the others come with symptoms only.
    age = (DAYS_OF_SOURCE // 2 - patients.birth) / 365.25
    invited = (rng.random(len(patients)) >= 0.088) & (age >= 38)
    count = np.where(invited, 1 + rng.binomial(7, 0.243, len(patients)), 0)
    patient = np.repeat(np.arange(len(patients)), count)
    gap = np.rint(358 + rng.exponential(105, len(patient))).astype(np.int64)
    visit = count_within(patient) if len(patient) else patient
    since = (
        np.cumsum(gap)
        - np.repeat(
            np.cumsum(np.bincount(patient, gap, len(patients)))
            - np.bincount(patient, gap, len(patients)),
            count,
        )
        - gap
    )
    span = np.zeros(len(patients))
    np.maximum.at(span, patient, since)
    start = rng.random(len(patients)) * np.maximum(DAYS_OF_SOURCE - 60 - span, 30)
    day = np.asarray(start[patient] + since, dtype=np.int64)
    keep = (day < DAYS_OF_SOURCE) | (visit == 0)
    exams = Exams(
        patient[keep], day[keep], np.ones(keep.sum(), bool), _laterality(rng, keep.sum(), 0.039)
    )
    return exams, _screening_findings(rng, exams, generation)


def _laterality(rng: np.random.Generator, n: int, unilateral: float) -> Ints:
    return np.where(rng.random(n) < unilateral, rng.integers(0, 2, n), 2)


def _screening_findings(rng: np.random.Generator, exams: Exams, generation: Generation) -> Findings:
    drawn = rng.random(len(exams))
    recalled, benign = (
        drawn < RECALL_RATE,
        (drawn >= RECALL_RATE) & (drawn < RECALL_RATE + BENIGN_RATE),
    )
    quiet = np.flatnonzero(~recalled & ~benign)
    negatives = Findings(
        quiet, np.full(len(quiet), 3), np.full(len(quiet), N), np.zeros(len(quiet), np.int64)
    )
    abnormal = _fresh_findings(rng, exams, np.flatnonzero(recalled), FINDINGS_PER_SCREEN)
    abnormal = abnormal.replace(
        asses=np.full(len(abnormal), A), kind=_kinds(rng, np.full(len(abnormal), A))
    )
    opposite = _opposite_rows(rng, exams, abnormal, 1 - generation.defects.missing_contralateral)
    return Findings.join(
        [negatives, _benign_findings(rng, exams, np.flatnonzero(benign)), abnormal, opposite]
    )


def _benign_findings(rng: np.random.Generator, exams: Exams, rows: Ints) -> Findings:
    side = rng.choice([0, 1, 2, 3], len(rows), p=[0.22, 0.22, 0.47, 0.09])
    one_sided = exams.laterality[rows] < 2
    side = np.where(one_sided & (side != 3), exams.laterality[rows], side)
    asses = np.full(len(rows), B)
    kind = np.where(side == 3, 0, _kinds(rng, asses))
    return Findings(rows, side, asses, kind)


def _fresh_findings(
    rng: np.random.Generator, exams: Exams, rows: Ints, counts: tuple[float, ...]
) -> Findings:
    """One to four findings per exam of `rows`, most of an exam's on one side."""
    count = 1 + rng.choice(4, len(rows), p=counts)
    first = np.where(
        exams.laterality[rows] < 2, exams.laterality[rows], rng.integers(0, 2, len(rows))
    )
    exam = np.repeat(rows, count)
    other = (rng.random(len(exam)) < 0.3) & (exams.laterality[exam] == 2) & (count_within(exam) > 0)
    side = np.repeat(first, count) ^ other
    blank = np.zeros(len(exam), np.int64)
    return Findings(exam, side, blank, blank)


def _kinds(rng: np.random.Generator, asses: Ints) -> Ints:
    kind = np.zeros(len(asses), np.int64)
    for letter, code in ASSES_CODE.items():
        rows = np.flatnonzero(asses == code)
        kind[rows] = shares("kind_by_asses", letter).draw(rng, len(rows))
    return kind


def _opposite_rows(
    rng: np.random.Generator, exams: Exams, findings: Findings, share: float
) -> Findings:
    """Rows for the unremarkable breast of a recalled bilateral screen, where the radiologist
    wrote one."""
    left = np.isin(np.arange(len(exams)), findings.exam[findings.side == 0])
    right = np.isin(np.arange(len(exams)), findings.exam[findings.side == 1])
    rows = np.flatnonzero((left ^ right) & (exams.laterality == 2))
    rows = rows[rng.random(len(rows)) < share]
    asses = np.where(rng.random(len(rows)) < 0.5, N, B)
    return Findings(rows, np.where(left[rows], 1, 0), asses, np.zeros(len(rows), np.int64))


def _work_up(rng: np.random.Generator, batch: Batch, asses: int, outcome: str) -> Batch:
    """Diagnostic exams that look again at findings with one assessment: a recall, a 6-month
    control, a known cancer."""
    exams, findings = batch
    rate, low, spread = {
        "recalled": (WORK_UP_RATE, 2, 16),
        "follow_up": (0.55, 155, 25),
        "known": (0.45, 12, 60),
    }[outcome]
    looked_at = findings.take(findings.asses == asses)
    parents = np.unique(looked_at.exam)
    parents = parents[rng.random(len(parents)) < rate]
    looked_at = looked_at.take(np.isin(looked_at.exam, parents))
    delay = np.asarray(low + rng.exponential(spread, len(parents)), dtype=np.int64)
    # A recall is worked up within 90 days; the few who come later are not linked by anyone.
    delay = np.where(
        (outcome == "recalled") & (delay > 90) & (rng.random(len(parents)) < 0.9), 90, delay
    )
    place = np.searchsorted(parents, looked_at.exam)
    children = Exams(
        exams.patient[parents],
        exams.day[parents] + delay,
        np.zeros(len(parents), bool),
        _sides_seen(rng, place, looked_at.side, len(parents)),
    )
    order = np.argsort(place, kind="stable")
    assessed = _assess(rng, looked_at.replace(exam=place).take(order), outcome)
    return children, _with_opposite(rng, children, assessed)


def _with_opposite(rng: np.random.Generator, exams: Exams, findings: Findings) -> Findings:
    """A diagnostic exam of both breasts often says something of the unremarkable one too."""
    opposite = _opposite_rows(rng, exams, findings, OPPOSITE_ROW_IN_DIAGNOSTIC)
    both = Findings.join([findings, opposite])
    return both.take(np.argsort(both.exam, kind="stable"))


def _sides_seen(rng: np.random.Generator, place: Ints, side: Ints, n: int) -> Ints:
    """Laterality of diagnostic exams: the side of the finding, both when both have one and in a
    third of the others."""
    left = np.isin(np.arange(n), place[(side == 0) | (side == 2)])
    right = np.isin(np.arange(n), place[(side == 1) | (side == 2)])
    both = (left & right) | (rng.random(n) < 0.45)
    return np.where(both, 2, np.where(right, 1, 0))


def _assess(rng: np.random.Generator, findings: Findings, outcome: str) -> Findings:
    """Assessments of a diagnostic exam; an exam whose first finding turns out negative keeps
    that one row."""
    pairs = choice("asses_diagnostic", outcome)
    letters = np.array([ASSES_CODE[letter] for letter in pairs.values])
    asses = letters[pairs.draw(rng, len(findings))]
    place = count_within(findings.exam) if len(findings) else findings.exam
    first = np.flatnonzero(place == 0)
    negative = np.repeat(asses[first] == N, np.diff(np.r_[first, len(findings)]))
    asses = np.where((place > 0) & (asses == N), B, asses)
    keep = (place == 0) | ~negative
    return findings.replace(asses=asses, kind=_inherit_kind(rng, findings.kind, asses)).take(keep)


def _inherit_kind(rng: np.random.Generator, kind: Ints, asses: Ints) -> Ints:
    """A finding keeps its kind; what had none, or was put in doubt, is described anew."""
    redraw: Bools = (kind == 0) | (rng.random(len(kind)) < 0.3) | np.isin(asses, [N, M, K])
    return np.where(redraw, _kinds(rng, asses), kind)


def _present_symptoms(rng: np.random.Generator, patients: Patients, screens: Exams) -> Batch:
    """Diagnostic exams without a screen before them: a lump, pain, an outside finding; all that
    the unscreened have."""
    screened = np.isin(np.arange(len(patients)), screens.patient)
    count = np.where(screened, 0, 1) + rng.poisson(SYMPTOMATIC_RATE, len(patients))
    patient = np.repeat(np.arange(len(patients)), count)
    n = len(patient)
    exams = Exams(
        patient, rng.integers(0, DAYS_OF_SOURCE, n), np.zeros(n, bool), _laterality(rng, n, 0.45)
    )
    findings = _assess(
        rng, _fresh_findings(rng, exams, np.arange(n), FINDINGS_PER_COMPLAINT), "symptomatic"
    )
    return exams, _with_opposite(rng, exams, findings)


def _within_source(exams: Exams, findings: Findings) -> Batch:
    """Exams of the source period, at most one a day and patient."""
    order = np.lexsort((exams.day, exams.patient))
    same_day = np.r_[False, (np.diff(exams.day[order]) == 0) & (np.diff(exams.patient[order]) == 0)]
    keep = np.zeros(len(exams), bool)
    keep[order[~same_day]] = True
    keep &= exams.day < DAYS_OF_SOURCE
    return select_exams(exams, findings, keep)


def select_exams(exams: Exams, findings: Findings, keep: Bools) -> Batch:
    """The kept exams and their findings, renumbered."""
    place = np.cumsum(keep) - 1
    kept = findings.take(keep[findings.exam])
    return exams.take(keep), kept.replace(exam=place[kept.exam])


def _in_order(exams: Exams, findings: Findings) -> Batch:
    order = np.lexsort((exams.day, exams.patient))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    findings = findings.replace(exam=place[findings.exam])
    return exams.take(order), findings.take(np.argsort(findings.exam, kind="stable"))
