"""Plots as inline SVG, in the colours of the page's scheme."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.report.markup import legend, text
from trainer.report.style import series_colour

WIDTH, HEIGHT = 420, 320
LEFT, RIGHT, TOP, BASE = 46, 14, 12, 44
Points = tuple[Sequence[float], Sequence[float]]


class Axes:
    """A frame with ticks; ``across`` and ``up`` are (least, greatest)."""

    def __init__(self, across: tuple[float, float], up: tuple[float, float]) -> None:
        self.across, self.up = across, up
        self.parts: list[str] = []

    def x(self, value: float) -> float:
        """Where ``value`` stands from the left."""
        low, high = self.across
        return LEFT + (value - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Where ``value`` stands from the top."""
        low, high = self.up
        return HEIGHT - BASE - (value - low) / ((high - low) or 1) * (HEIGHT - BASE - TOP)

    def frame(self, labels: tuple[str, str], ticks: Points) -> None:
        """Grid, ticks and what is along the axes."""
        for value in ticks[0]:
            x = self.x(value)
            self._line((x, TOP), (x, HEIGHT - BASE), "var(--line)")
            self._text(x, HEIGHT - BASE + 16, f"{value:g}", "middle")
        for value in ticks[1]:
            y = self.y(value)
            self._line((LEFT, y), (WIDTH - RIGHT, y), "var(--line)")
            self._text(LEFT - 6, y + 4, f"{value:g}", "end")
        self._text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, labels[0], "middle")
        middle = (TOP + HEIGHT - BASE) / 2
        self.parts.append(
            f'<text transform="translate(12 {middle:.0f}) rotate(-90)" text-anchor="middle">'
            f"{text(labels[1])}</text>"
        )

    def curve(self, points: Points, colour: str, *, dashed: bool = False) -> None:
        """A polyline."""
        pairs = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(*points, strict=True))
        dash = ' stroke-dasharray="4 4"' if dashed else ""
        self.parts.append(
            f'<polyline points="{pairs}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'
        )

    def dots(self, points: Points, sizes: Sequence[float], colour: str) -> None:
        """Circles of the given radii."""
        self.parts += [
            f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{r:.1f}" fill="{colour}"/>'
            for x, y, r in zip(*points, sizes, strict=True)
        ]

    def figure(self, name: str, caption: str) -> str:
        """The whole, with a caption below."""
        body = "".join(self.parts)
        picture = (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(name)}">{body}</svg>'
        )
        return f"<figure>{picture}<figcaption><b>{text(name)}.</b> {caption}</figcaption></figure>"

    def _line(self, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
        self.parts.append(
            f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
            f'stroke="{colour}"/>'
        )

    def _text(self, x: float, y: float, value: str, anchor: str) -> None:
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text(value)}</text>'
        )


SHARES = (0, 0.25, 0.5, 0.75, 1)


def roc_figure(curves: Sequence[Mapping[str, Any]]) -> str:
    """ROC curves over the line of chance."""
    axes = Axes((0, 1), (0, 1))
    axes.frame(("1 - specificity", "sensitivity"), (SHARES, SHARES))
    axes.curve(((0, 1), (0, 1)), "var(--faint)", dashed=True)
    for place, curve in enumerate(curves):
        axes.curve((curve["fpr"], curve["tpr"]), series_colour(place))
    return axes.figure("ROC", _of(curves))


def pr_figure(curves: Sequence[Mapping[str, Any]]) -> str:
    """Precision over recall, in steps."""
    axes = Axes((0, 1), (0, 1))
    axes.frame(("sensitivity (recall)", "precision"), (SHARES, SHARES))
    for place, curve in enumerate(curves):
        axes.curve(_steps(curve["recall"], curve["precision"]), series_colour(place))
    return axes.figure("Precision and recall", _of(curves))


def _of(curves: Sequence[Mapping[str, Any]]) -> str:
    return legend([str(curve["name"]) for curve in curves])


def _steps(xs: Sequence[float], ys: Sequence[float]) -> Points:
    """Precision holds back to the threshold before it: no line may rise between two points."""
    along, up = [xs[0]], [ys[1] if len(ys) > 1 else ys[0]]
    for before, x, y in zip(xs, xs[1:], ys[1:], strict=False):
        along += [before, x]
        up += [y, y]
    return along, up


def reliability_figure(found: Mapping[str, Any], ece: float | None) -> str:
    """Observed share by predicted probability; the larger the dot, the more of them."""
    axes = Axes((0, 1), (0, 1))
    axes.frame(("predicted probability", "observed share"), (SHARES, SHARES))
    axes.curve(((0, 1), (0, 1)), "var(--faint)", dashed=True)
    points = found["predicted"], found["observed"]
    most = max(found["n"], default=1)
    axes.curve(points, series_colour(0))
    axes.dots(points, [2.5 + 6.5 * (n / most) ** 0.5 for n in found["n"]], series_colour(0))
    told = "" if ece is None else f" Expected calibration error {ece:.3f}."
    return axes.figure("Calibration", f"Dots grow with what their bin holds.{told}")


def epoch_figure(
    name: str,
    epochs: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    best: int | None,
    top: float | None = None,
) -> str:
    """Columns of the epochs as curves up to ``top``; the epoch that was tested is marked."""
    known = [e[c] for e in epochs for c in columns if e[c] is not None]
    top = top or _round_up(max(known, default=1.0))
    last = max(int(epochs[-1]["epoch"]), 2)
    axes = Axes((1, last), (0, top))
    axes.frame(("epoch", ""), (_ticks(last), _levels(top)))
    if best is not None:
        axes.curve(((best, best), (0, top)), "var(--faint)", dashed=True)
    for place, column in enumerate(columns):
        rows = [e for e in epochs if e[column] is not None]
        points = [e["epoch"] for e in rows], [min(e[column], top) for e in rows]
        axes.curve(points, series_colour(place))
        axes.dots(points, [2.5] * len(rows), series_colour(place))
    told = "" if best is None else f"; the dashed line is epoch {best}, which was tested."
    return axes.figure(name, legend(list(columns.values())) + told)


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** (len(f"{int(value)}") - 1) if value >= 1 else 1.0
    while power > value > 0:
        power /= 10
    return next((power * step for step in (1, 2, 2.5, 5, 10) if power * step >= value), value)


def _levels(top: float) -> list[float]:
    """From nothing to what `_round_up` gave, in steps that can be read."""
    parts = 5 if f"{top:e}".startswith(("2.5", "5")) else 4
    return [top * n / parts for n in range(parts + 1)]


def _ticks(last: int) -> list[int]:
    step = max(1, -(-last // 8))
    return sorted({1, *range(step, last + 1, step)})
