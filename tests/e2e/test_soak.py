"""What the soak takes for growth: what is certain, whatever a process's memory does beside it."""

import random

import pytest

from benchmarks.soak.soak import SAMPLE_S, judge

PER_SECOND = 200.0
SAMPLES = 120  # ten minutes


def grows(sizes: list[float]) -> bool:
    verdict: bool = judge({"it": sizes}, PER_SECOND)["it"][-1]
    return verdict


def series(per_10_000: float, noise: float) -> list[float]:
    """MiB of a process that leaks so much, under noise that lasts for a few samples."""
    drawn = random.Random(1)
    slope = per_10_000 * PER_SECOND * SAMPLE_S / 10_000
    sizes, off = [], 0.0
    for place in range(SAMPLES):
        off = 0.8 * off + drawn.gauss(0, noise)
        sizes.append(200 + slope * place + off)
    return sizes


@pytest.mark.parametrize("noise", [0.0, 1.0, 10.0, 50.0])
def test_noise_is_no_growth(noise: float) -> None:
    assert not grows(series(0, noise))


@pytest.mark.parametrize(("leak", "noise"), [(1.1, 0.0), (2.0, 1.0), (20.0, 5.0)])
def test_a_leak_is_found_under_noise(leak: float, noise: float) -> None:
    assert grows(series(leak, noise))


def test_caches_may_fill_in_the_first_third() -> None:
    assert not grows([min(500.0, 200.0 + 10 * n) for n in range(SAMPLES)])


def test_the_slope_is_in_mib_per_ten_thousand_requests() -> None:
    slope, off, _ = judge({"it": series(3, 0)}, PER_SECOND)["it"]
    assert slope == pytest.approx(3)
    assert off == pytest.approx(0, abs=1e-9)


def test_a_short_run_is_judged_as_well() -> None:
    assert not grows([200.0] * 8)
