"""Small pieces of HTML. Everything that came from outside is escaped here."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from trainer.report.style import series_colour

DASH = "–"
Estimate = Mapping[str, float | None]


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: Any) -> str:
    """``value`` as HTML; whole numbers with their thousands parted."""
    if isinstance(value, Markup):
        return value
    return escape(f"{value:,}" if type(value) is int else str(value))


def table(
    header: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    *,
    texts: int = 1,
    faint: Sequence[bool] = (),
) -> str:
    """A table; all columns but the first ``texts`` are numbers. ``faint`` rows are greyed."""
    body = "".join(
        _row("td", row, texts, faint=bool(faint) and faint[place]) for place, row in enumerate(rows)
    )
    head = _row("th", header, texts)
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _row(kind: str, values: Sequence[Any], texts: int, *, faint: bool = False) -> str:
    cells = "".join(
        f"<{kind}{'' if place < texts else ' class=n'}>{text(value)}</{kind}>"
        for place, value in enumerate(values)
    )
    return f"<tr{' class=small' if faint else ''}>{cells}</tr>"


def facts(pairs: Iterable[tuple[str, Any]]) -> str:
    """A list of names and values; those without a value are left out."""
    shown = [(name, value) for name, value in pairs if value not in (None, "")]
    return "<dl>" + "".join(f"<dt>{text(n)}</dt><dd>{text(v)}</dd>" for n, v in shown) + "</dl>"


def number(value: float | None, places: int = 3) -> str:
    """With so many decimals, or a dash."""
    return DASH if value is None else f"{value:.{places}f}"


def signed(found: Estimate) -> str:
    """A difference and its interval."""
    if found["value"] is None:
        return DASH
    value, low, high = (DASH if v is None else f"{v:+.3f}" for v in _parts(found))
    return f"{value} ({low} to {high})"


def interval(found: Estimate | None) -> str:
    """A figure and its interval; alone where it has none."""
    if found is None or found["value"] is None:
        return DASH
    value, low, high = map(number, _parts(found))
    if low == high == DASH:
        return value
    return f"{value} ({low} to {high})"


def _parts(found: Estimate) -> tuple[float | None, float | None, float | None]:
    return found["value"], found["low"], found["high"]


def legend(names: Sequence[str]) -> str:
    """Names beside the colours of their curves."""
    keys = "".join(
        f'<span><span style="color:{series_colour(i)}">■</span> {text(name)}</span>'
        for i, name in enumerate(names)
    )
    return f'<span class="legend">{keys}</span>'


def percent(value: float) -> str:
    """A share as a whole percentage."""
    return f"{value:.0%}"
