"""A timeline as SVG: faults, blocks by chain, heights of the nodes, quarantine, loss and bound.

All bands share the time axis. Colours come from the page (`report.py`), so that it follows the
reader's light or dark setting.
"""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import groupby
from typing import Final

from cluster.chaos.timeline import MarkKind, NodeSample, Timeline

WIDTH: Final = 1040
LEFT: Final = 96
RIGHT: Final = 16
ROW: Final = 22
CHART: Final = 110
GAP: Final = 14
_COLOURS: Final = {MarkKind.FAULT: "--fault", MarkKind.HEAL: "--heal", MarkKind.NOTE: "--faint"}
Point = tuple[float, float]
Scale = Callable[[float], float]
"""From seconds to a place on the time axis."""


def plot(timeline: Timeline) -> str:
    """The picture of one run."""
    end = _end(timeline)
    scale = (WIDTH - LEFT - RIGHT) / end
    bands: list[str] = []
    top = float(GAP)

    def x(seconds: float) -> float:
        return LEFT + min(max(seconds, 0.0), end) * scale

    for chain in ("zk", "fast"):
        ticks = [
            x(block.seconds)
            for block in timeline.blocks
            if block.chain == chain and block.seconds >= 0
        ]
        bands.append(_ticks(f"{chain} blocks", ticks, f"--{chain}", top))
        top += ROW
    bands.append(_quarantine(timeline, x, top))
    top += ROW + GAP
    bands.append(_heights(timeline, x, top))
    top += CHART + GAP
    if any(sample.bound_wei or sample.loss_wei for sample in timeline.losses):
        bands.append(_losses(timeline, x, top))
        top += CHART + GAP
    marks = "".join(
        f'<line x1="{x(mark.seconds):.1f}" x2="{x(mark.seconds):.1f}" y1="2" y2="{top:.0f}" '
        f'stroke="var({_COLOURS[mark.kind]})" stroke-width="1.5" stroke-dasharray="4 3">'
        f"<title>{mark.seconds:.1f} s: {escape(mark.text)}</title></line>"
        for mark in timeline.marks
    )
    height = top + ROW
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="timeline">'
        f"{''.join(bands)}{marks}{_axis(end, x, top)}</svg>"
    )


def _end(timeline: Timeline) -> float:
    times = [mark.seconds for mark in timeline.marks]
    times += [sample.seconds for sample in timeline.nodes]
    return max(times, default=1.0) + 0.5


def _axis(end: float, x: Scale, top: float) -> str:
    step = next(step for step in (1, 2, 5, 10, 20, 60, 600) if end / step <= 15 or step == 600)
    labels = (
        f'<text x="{x(second):.1f}" y="{top + 14:.0f}" text-anchor="middle">{second} s</text>'
        for second in range(0, int(end) + 1, step)
    )
    return f"{_line(LEFT, WIDTH - RIGHT, top)}{''.join(labels)}"


def _ticks(label: str, positions: Sequence[float], colour: str, top: float) -> str:
    path = "".join(f"M{position:.1f} {top + 3:.0f}v{ROW - 7}" for position in positions)
    return (
        f"{_label(label, top + 14)}"
        f'<path d="{path}" stroke="var({colour})" stroke-width="1.2" fill="none"/>'
    )


def _quarantine(timeline: Timeline, x: Scale, top: float) -> str:
    """Where some node says that the fast chain is cut off."""
    times = sorted({sample.seconds for sample in timeline.nodes if sample.is_quarantined})
    bars = "".join(
        f'<rect x="{x(time):.1f}" y="{top + 3:.0f}" width="{x(time + 0.5) - x(time) + 0.5:.1f}" '
        f'height="{ROW - 7}" fill="var(--fault)" opacity="0.35"/>'
        for time in times
    )
    return f"{_label('quarantine', top + 14)}{bars}"


def _heights(timeline: Timeline, x: Scale, top: float) -> str:
    """One line for each node; it is interrupted where the node did not answer."""
    known = [sample.height for sample in timeline.nodes if sample.height is not None]
    low, high = min(known, default=0), max(known, default=1)
    unit = (CHART - 4) / max(1, high - low)
    lines = []
    ordered = sorted(timeline.nodes, key=lambda sample: sample.node)
    for node, samples in groupby(ordered, key=lambda sample: sample.node):
        for run in _runs(samples):
            points = [
                (x(sample.seconds), top + CHART - 2 - ((sample.height or 0) - low) * unit)
                for sample in run
            ]
            lines.append(_polyline(points, "--ink", f"node {node}", 0.35 + 0.12 * (node % 5)))
    return (
        f"{_label('final height', top + 12)}{_label(str(high), top + 26)}"
        f"{_label(str(low), top + CHART)}{''.join(lines)}{_line(LEFT, WIDTH - RIGHT, top + CHART)}"
    )


def _runs(samples: Iterable[NodeSample]) -> list[list[NodeSample]]:
    answered = groupby(samples, key=lambda sample: sample.height is not None)
    return [list(run) for is_there, run in answered if is_there]


def _losses(timeline: Timeline, x: Scale, top: float) -> str:
    highest = max(max(sample.loss_wei, sample.bound_wei) for sample in timeline.losses)
    unit = (CHART - 4) / max(1, highest)

    def line(values: list[tuple[float, int]], colour: str, name: str) -> str:
        points = [(x(second), top + CHART - 2 - value * unit) for second, value in values]
        return _polyline(points, colour, name, 1.0)

    bound = [(sample.seconds, sample.bound_wei) for sample in timeline.losses]
    loss = [(sample.seconds, sample.loss_wei) for sample in timeline.losses]
    return (
        f"{_label('bound, loss', top + 12)}{_label(f'{highest:.2e} wei', top + 26)}"
        f"{line(bound, '--zk', 'loss bound')}{line(loss, '--fault', 'loss')}"
        f"{_line(LEFT, WIDTH - RIGHT, top + CHART)}"
    )


def _polyline(points: Sequence[Point], colour: str, name: str, opacity: float) -> str:
    text = " ".join(f"{left:.1f},{top:.1f}" for left, top in points)
    return (
        f'<polyline points="{text}" fill="none" stroke="var({colour})" stroke-width="1.6" '
        f'opacity="{opacity:.2f}"><title>{escape(name)}</title></polyline>'
    )


def _label(text: str, top: float) -> str:
    return f'<text x="{LEFT - 8}" y="{top:.0f}" text-anchor="end">{escape(text)}</text>'


def _line(left: float, right: float, top: float) -> str:
    return (
        f'<line x1="{left}" x2="{right}" y1="{top:.1f}" y2="{top:.1f}" '
        'stroke="var(--line)" stroke-width="1"/>'
    )
