"""Clinical rows: findings numbered within their exam, biopsied, operated on, and spoilt where
the real table is."""

import numpy as np

from devstack.synthetic.arrays import (
    ASSES_CODE,
    ClinicalRows,
    Exams,
    Findings,
    Ints,
    count_within,
)
from devstack.synthetic.options import Defects
from devstack.synthetic.vocabulary import load, shares

NONE, BIOPSY, SURGERY = 0, 1, 2
_SURGERY_AFTER_CANCER = 0.56


def clinical_rows(
    rng: np.random.Generator, exams: Exams, findings: Findings, defects: Defects
) -> ClinicalRows:
    """One row per finding and procedure, in order of exam, numfind and procedure."""
    findings = findings.replace(
        asses=_screening_errors(rng, exams, findings, defects.screening_asses_errors)
    )
    severity = _biopsies(rng, exams, findings, defects.addended_negatives)
    rows = ClinicalRows(
        exam=findings.exam,
        side=findings.side,
        asses=findings.asses,
        kind=findings.kind,
        numfind=count_within(findings.exam) + 1,
        rank=rank_on_side(findings.exam, findings.side),
        procedure=np.where(severity >= 0, BIOPSY, NONE),
        severity=severity,
    )
    return _with_surgery(rng, rows)


def rank_on_side(exam: Ints, side: Ints) -> Ints:
    """0, 1 ... for the findings of one exam and side, in their order: the lesion that a finding
    is."""
    key = exam * 4 + side
    order = np.argsort(key, kind="stable")
    rank = np.empty(len(key), np.int64)
    rank[order] = count_within(key[order]) if len(key) else order
    return rank


def _screening_errors(
    rng: np.random.Generator, exams: Exams, findings: Findings, rate: float
) -> Ints:
    """P, S, M, K and X do not belong on a screening exam; a few rows have them (facts 5.9)."""
    wrong = exams.screening[findings.exam] & (rng.random(len(findings)) < rate)
    letters = np.array([ASSES_CODE[letter] for letter in "PSMKX"])
    drawn = letters[rng.choice(5, len(findings), p=[0.415, 0.468, 0.026, 0.07, 0.021])]
    return np.where(wrong & (findings.side < 3), drawn, findings.asses)


def _biopsies(rng: np.random.Generator, exams: Exams, findings: Findings, addended: float) -> Ints:
    """Pathology severity 0 to 5 per finding, -1 where no tissue was taken."""
    severity = np.full(len(findings), -1)
    rates = load("vocabulary")["biopsied_by_asses"]
    screening = exams.screening[findings.exam]
    for letter, code in ASSES_CODE.items():
        rate = np.where(screening, rates["screening"].get(letter, 0.0), rates["diagnostic"][letter])
        rate = np.where(screening & (letter in "NB"), addended, rate)
        rows = np.flatnonzero((findings.asses == code) & (rng.random(len(findings)) < rate))
        severity[rows] = shares("severity_by_asses", letter).draw(rng, len(rows))
    return severity


def _with_surgery(rng: np.random.Generator, rows: ClinicalRows) -> ClinicalRows:
    """Half of the cancers are operated on within the table: a second row of the same finding,
    type S."""
    operated = np.flatnonzero(
        (rows.severity >= 0)
        & (rows.severity <= 1)
        & (rng.random(len(rows)) < _SURGERY_AFTER_CANCER)
    )
    again = rows.take(operated)
    upgraded = np.where((again.severity == 1) & (rng.random(len(again)) < 0.18), 0, again.severity)
    again = again.replace(procedure=np.full(len(again), SURGERY), severity=upgraded)
    both = ClinicalRows.join([rows, again])
    order = np.lexsort((both.procedure, both.numfind, both.exam))
    return both.take(order)
