"""The short form: each of what a job needs is killed once. The long one is a command of its own."""

import random

import pytest

from tests.chaos.trainer import TARGETS, plan, run


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_jobs_survive_whatever_is_killed() -> None:
    assert run(kills=len(TARGETS), seed=1) == []


def test_each_target_has_its_share_of_the_kills() -> None:

    chosen = [target for target, _ in plan(random.Random(1), 60, TARGETS)]
    assert {chosen.count(target) for target in TARGETS} == {10}
