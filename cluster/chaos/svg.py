"""The few shapes that a plot is drawn with; colours are the page's (`report.py`)."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

WIDTH: Final = 1040
LEFT: Final = 112
RIGHT: Final = 64

Point = tuple[float, float]


class TimeAxis:
    """From seconds to a place on the plot; what lies outside is put at the edge."""

    def __init__(self, end_seconds: float) -> None:
        self.end_seconds = end_seconds
        self._unit = (WIDTH - LEFT - RIGHT) / end_seconds

    def __call__(self, seconds: float) -> float:
        """Where a moment is."""
        return LEFT + min(max(seconds, 0.0), self.end_seconds) * self._unit

    def draw(self, top: float) -> str:
        """The axis, with at most 15 labels."""
        steps = (1, 2, 5, 10, 20, 60, 600)
        fits = (step for step in steps if self.end_seconds / step <= 15)
        labels = (
            text(self(second), top + 14, f"{second} s", "middle")
            for second in range(0, int(self.end_seconds) + 1, next(fits, steps[-1]))
        )
        return rule(top) + "".join(labels)


def text(left: float, top: float, words: str, anchor: str = "end") -> str:
    """Words at a place."""
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def label(words: str, top: float) -> str:
    """Words to the left of the plot."""
    return text(LEFT - 8, top, words)


def rule(top: float) -> str:
    """A thin line over the whole plot."""
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{top:.1f}" y2="{top:.1f}" '
        'stroke="var(--line)" stroke-width="1"/>'
    )


def bar(span: tuple[float, float], top: float, height: float, colour: str, title: str = "") -> str:
    """A filled box from left to right, a pixel wide at least."""
    left, right = span
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 1.0):.1f}" '
        f'height="{height:.1f}" fill="var({colour})"><title>{escape(title)}</title></rect>'
    )


def polyline(points: Sequence[Point], colour: str, title: str, opacity: float = 1.0) -> str:
    """A line through points."""
    places = " ".join(f"{left:.1f},{top:.1f}" for left, top in points)
    return (
        f'<polyline points="{places}" fill="none" stroke="var({colour})" stroke-width="1.6" '
        f'opacity="{opacity:.2f}"><title>{escape(title)}</title></polyline>'
    )


def dashes(start: Point, end: Point, colour: str) -> str:
    """A dashed line between two places."""
    return (
        f'<line x1="{start[0]:.1f}" x2="{end[0]:.1f}" y1="{start[1]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="var({colour})" stroke-width="1.5" stroke-dasharray="4 3"/>'
    )


def union(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The stretches that cover the same and do not touch each other."""
    covered: list[tuple[float, float]] = []
    for first, last in sorted(stretches):
        if covered and first <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(covered[-1][1], last))
        else:
            covered.append((first, last))
    return covered
