"""Whose pictures DICOMweb shows: the audit log sums what people look at by patient."""

import time
from collections import Counter

import pytest
from conftest import PublicLab
from public_lab import PATIENT, STUDY, VIEWS

ONE = VIEWS[0]


@pytest.mark.parametrize(
    ("asked", "subject"),
    [
        (f"/studies/{ONE.study}/series/{ONE.series}/instances/{ONE.instance}/thumbnail", PATIENT),
        (f"/studies/{STUDY}/metadata", PATIENT),
        (f"/studies/{STUDY}/series", PATIENT),
        (f"/series?PatientID={PATIENT}", PATIENT),
        ("/studies?PatientID=7*", None),
    ],
)
def test_looks_are_summed_by_patient(
    public_lab: PublicLab, asked: str, subject: str | None
) -> None:
    before = looks(public_lab)
    reader = public_lab.gateway.with_token("reader")
    assert reader.get(f"/dicomweb{asked}").status_code in (200, 204)
    assert looks(public_lab) - before == Counter({subject: 1})


def looks(lab: PublicLab) -> Counter[str | None]:
    """Looks by DICOMweb that the audit log holds, by patient."""
    log = lab.gateway.app.state.hall.audit
    log._close_minutes(before=2**62)
    while log.waiting:
        time.sleep(0.05)
    asked = {"action": "dicomweb.read", "limit": 1000}
    found: Counter[str | None] = Counter()
    for row in lab.gateway.with_token("admin").get("/api/v1/audit", params=asked).json()["items"]:
        found[row["object"]] += row["times"]
    return found
