"""A figure with its interval, as JSON has it."""

from typing import Any

import numpy as np

Estimates = dict[str, dict[str, float | None]]


def estimate(value: Any, low: Any, high: Any) -> dict[str, float | None]:
    """{value, low, high}; null where it is not defined."""
    named = {"value": value, "low": low, "high": high}
    return {name: float(v) if np.isfinite(v) else None for name, v in named.items()}
