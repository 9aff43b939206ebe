"""What a person may have meant: the nearest of the accepted names."""

from collections.abc import Iterable
from difflib import get_close_matches

SUGGESTIONS = 8
LOOKED_AT = 5000


def nearest(given: str, accepted: Iterable[str]) -> list[str]:
    """At most ``SUGGESTIONS`` of ``accepted``, nearest to ``given`` first, without regard to case.

    Where nothing is near, the first few: a short vocabulary is then shown whole.
    """
    choices = list(accepted)
    folded: dict[str, str] = {}
    for choice in choices[:LOOKED_AT]:
        folded.setdefault(choice.casefold(), choice)
    near = get_close_matches(given[:200].casefold(), folded, n=SUGGESTIONS, cutoff=0.55)
    return [folded[match] for match in near] or choices[:SUGGESTIONS]
