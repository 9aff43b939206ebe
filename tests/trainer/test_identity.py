"""A job acts for its person, and for its cohort alone."""

from chassis.identity import Identity, Signer, Verifier
from devstack.testing import IdentityKeys
from trainer.identity import job_identity, owner_of, renewing_token

PERSON = Identity(
    person_id="p",
    name="Ada",
    role="researcher",
    scopes=frozenset({"jobs:write"}),
    agreements=frozenset({"embed"}),
)


def test_a_jobs_token_names_person_job_cohort_and_agreements(identity_keys: IdentityKeys) -> None:
    signer = Signer(identity_keys.trainer_key_path, "trainer")
    identity = job_identity(owner_of(PERSON), "j", "c")
    token = renewing_token(signer, identity, 300)()
    found = Verifier(identity_keys.jwks_path).verify(token)
    assert (found.person_id, found.role, found.job_id, found.cohort_id) == (
        "p", "researcher", "j", "c",
    )  # fmt: skip
    assert found.agreements == {"embed"}
    assert found.scopes == frozenset(), "a job needs none of its person's scopes"


def test_a_token_is_signed_anew_when_half_of_its_life_is_over(identity_keys: IdentityKeys) -> None:
    signer = Signer(identity_keys.trainer_key_path, "trainer")
    lasting = renewing_token(signer, PERSON, 300)
    assert lasting() == lasting()
    fleeting = renewing_token(signer, PERSON, 0)
    assert fleeting() != fleeting()
