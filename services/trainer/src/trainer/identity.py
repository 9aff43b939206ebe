"""The identity under which a job acts: its person's, narrowed to the job and its cohort."""

import time
from collections.abc import Callable
from typing import Any

from chassis.identity import Identity, Signer

RENEW_SHARE = 0.5


def owner_of(identity: Identity) -> dict[str, Any]:
    """What is kept of a person with a job: enough to act for them later, as at submission."""
    return {
        "person_id": identity.person_id,
        "name": identity.name,
        "role": identity.role,
        "agreements": sorted(identity.agreements),
    }


def job_identity(owner: dict[str, Any], job_id: str, cohort_id: str | None) -> Identity:
    """The identity of a job."""
    return Identity(
        person_id=owner["person_id"],
        name=owner["name"],
        role=owner["role"],
        agreements=frozenset(owner["agreements"]),
        job_id=job_id,
        cohort_id=cohort_id,
    )


def renewing_token(signer: Signer, identity: Identity, lifetime_s: int) -> Callable[[], str]:
    """A function that gives a valid token, signed anew when half of its life is over."""
    token, renew_at = "", 0.0

    def current() -> str:
        nonlocal token, renew_at
        if time.monotonic() >= renew_at:
            token = signer.sign(identity, lifetime_s)
            renew_at = time.monotonic() + lifetime_s * RENEW_SHARE
        return token

    return current
