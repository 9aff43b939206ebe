"""The forest plot of subgroups: a row a group, its interval, and its gap to all others."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.report.markup import interval, number, signed, text

ROW, HEAD = 24, 30
WIDTH, NAMES, COUNTS, FROM, TO, GAPS = 1040, 250, 360, 380, 660, 1036


def forest(
    subgroups: Sequence[Mapping[str, Any]],
    figure: str,
    name: str,
    whole: Mapping[str, Any],
    counted: str,
) -> str:
    """Inline SVG; groups of few patients are greyed, not hidden.

    ``whole`` is the figure of the whole split, a line through all rows; ``counted`` what its rows
    are, e.g. `images`.
    """
    least = _least(subgroups, figure)
    parts = [_head(name, least, counted)]
    y = HEAD + ROW
    for subgroup in subgroups:
        label = text(subgroup["label"])
        parts.append(f'<text class="ink" x="0" y="{y}" font-weight="600">{label}</text>')
        y += ROW
        for group in subgroup["groups"]:
            parts.append(_row(group, figure, y, least))
            y += ROW
        y += ROW // 3
    if whole["value"] is not None:
        x = _x(whole["value"], least)
        parts.append(
            f'<line x1="{x:.1f}" y1="{HEAD}" x2="{x:.1f}" y2="{y - ROW}" stroke="var(--b)" '
            'stroke-dasharray="4 4"/>'
        )
    label = f"{name} by subgroup"
    return (
        f'<div class="scroll"><svg class="wide" viewBox="0 0 {WIDTH} {y - ROW // 2}" role="img" '
        f'aria-label="{text(label)}">{"".join(parts)}</svg></div>'
    )


def _least(subgroups: Sequence[Mapping[str, Any]], figure: str) -> float:
    """Where the axis begins: half, or lower where an interval reaches lower."""
    found = (group[figure]["low"] for subgroup in subgroups for group in subgroup["groups"])
    lowest = min((low for low in found if low is not None), default=1.0)
    return max(start for start in (0.0, 0.2, 0.4, 0.5) if start <= lowest)


def _x(value: float, least: float) -> float:
    return FROM + (value - least) / (1 - least) * (TO - FROM)


def _head(name: str, least: float, counted: str) -> str:
    ticks = [least, (1 + least) / 2, 1.0]
    marks = "".join(
        f'<text x="{_x(v, least):.1f}" y="{HEAD - 4}" text-anchor="middle">{v:g}</text>'
        for v in ticks
    )
    titles = (
        f'<text x="{COUNTS - 60}" y="10" text-anchor="end">patients</text>'
        f'<text x="{COUNTS}" y="10" text-anchor="end">{text(counted)}</text>'
        f'<text x="{(FROM + TO) / 2}" y="10" text-anchor="middle">{text(name)}, 95 %</text>'
        f'<text x="{GAPS}" y="10" text-anchor="end">less all others</text>'
    )
    return titles + marks


def _row(group: Mapping[str, Any], figure: str, y: int, least: float) -> str:
    found, gap = group[figure], group["gap"][figure]
    kind = "faint" if group["small"] else "ink"
    colour = "var(--faint)" if group["small"] else "var(--a)"
    cells = [
        (14, "start", group["value"]),
        (COUNTS - 60, "end", group["patients"]),
        (COUNTS, "end", group["n"]),
        (TO + 14, "start", interval(found)),
        (GAPS, "end", signed(gap)),
    ]
    texts = "".join(
        f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{text(value)}</text>'
        for x, anchor, value in cells
    )
    if found["value"] is None:
        return texts
    middle = y - 4
    low, high = (_or(found[end], found["value"]) for end in ("low", "high"))
    return (
        f'{texts}<line x1="{_x(low, least):.1f}" y1="{middle}" x2="{_x(high, least):.1f}" '
        f'y2="{middle}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{_x(found["value"], least):.1f}" cy="{middle}" r="4" fill="{colour}">'
        f"<title>{number(found['value'])}</title></circle>"
    )


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
