"""What differs between two frozen cohorts, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from catalog.cohorts.narrowing import STAYED, Narrowing

NOT_THERE = "not in the revision"
AGAIN = "nothing: the definition takes them now; flags have changed"


def compare_definitions(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every part that differs, by its path."""
    parts = (dict(_parts(a)), dict(_parts(b)))
    paths = dict.fromkeys([*parts[0], *parts[1]])
    found = [{"path": path, "a": parts[0].get(path), "b": parts[1].get(path)} for path in paths]
    return [difference for difference in found if difference["a"] != difference["b"]]


def _parts(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of a document; a list of plain values is one leaf."""
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = enumerate(value)
    else:
        yield path, value
        return
    for key, part in items:
        yield from _parts(part, f"{path}.{key}" if path else str(key))


def moved(rows: Sequence[Mapping[str, Any]], what: str) -> list[dict[str, Any]]:
    """How many images of both have another ``what`` in each, the most first."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[row[f"{what}_a"], row[f"{what}_b"]] += row["images"]
    return [{"a": a, "b": b, "images": n} for (a, b), n in counts.most_common() if a != b]


def reasons(narrowing: Narrowing, image_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The steps that left these images out, the most first."""
    places = narrowing.model.places_of(list(image_ids))
    left_at = narrowing.left_at[places[places >= 0]]
    numbers, counts = np.unique(left_at, return_counts=True)
    found = [
        {"reason": AGAIN if n == STAYED else narrowing.reasons[n], "images": count}
        for n, count in zip(numbers.tolist(), counts.tolist(), strict=True)
    ]
    unknown = int(np.count_nonzero(places < 0))
    found += [{"reason": NOT_THERE, "images": unknown}] if unknown else []
    return sorted(found, key=lambda item: -item["images"])
