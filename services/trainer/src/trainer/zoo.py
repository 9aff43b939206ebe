"""Which networks torchvision and timm have: names alone, so that the API can check them."""

from difflib import get_close_matches
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("zoo.csv")


@cache
def zoo() -> frozenset[str]:
    """Every classifier of the pinned versions."""
    return frozenset(FILE.read_text().split())


def nearest(name: str, others: tuple[str, ...]) -> list[str]:
    """What is accepted, nearest first: names like ``name``, then ``others``."""
    return [*dict.fromkeys([*get_close_matches(name, zoo() | {*others}, 5, 0.6), *others])]
