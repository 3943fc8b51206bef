"""A timeline as SVG: faults, blocks by chain, heights of the nodes, quarantine, loss and bound.

All bands share the time axis. Marks are numbered as in the list below the picture.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final

from cluster.chaos.svg import (
    LEFT,
    RIGHT,
    WIDTH,
    TimeAxis,
    bar,
    dashes,
    label,
    polyline,
    rule,
    text,
    union,
)
from cluster.chaos.timeline import MarkKind, NodeSample, Timeline

ROW: Final = 22
CHART: Final = 110
GAP: Final = 16
MARKS: Final = 20
"""Room above the bands for the numbers of the marks."""
_NUMBER_PIXELS: Final = 13
LAST_SECONDS: Final = 0.5
"""How long the last sample of a node is taken to hold."""
_BIN_PIXELS: Final = 4
_LEAST_EXPONENT: Final = 15
"""Amounts up to 10^15 wei, a thousandth of an ether, are drawn as nothing."""
_COLOURS: Final = {MarkKind.FAULT: "--fault", MarkKind.HEAL: "--heal", MarkKind.NOTE: "--faint"}


def plot(timeline: Timeline) -> str:
    """The picture of one run; empty if nothing was seen of it."""
    if not timeline.nodes and not timeline.marks:
        return ""
    x = TimeAxis(_end(timeline))
    bands: list[str] = []
    top = float(MARKS)
    for chain in ("zk", "fast"):
        bands.append(_block_rate(timeline, chain, x, top))
        top += ROW
    bands.append(_quarantine(timeline, x, top))
    top += ROW
    bands.append(_away(timeline, x, top))
    top += ROW + GAP
    bands.append(_heights(timeline, x, top))
    top += CHART + GAP
    if any(sample.bound_wei or sample.loss_wei for sample in timeline.losses):
        bands.append(_losses(timeline, x, top))
        top += CHART + GAP
    return (
        f'<svg viewBox="0 0 {WIDTH} {top + ROW:.0f}" role="img" aria-label="timeline">'
        f"{''.join(bands)}{_marks(timeline, x, top)}{x.draw(top)}</svg>"
    )


def _end(timeline: Timeline) -> float:
    times = [mark.seconds for mark in timeline.marks]
    times += [sample.seconds for sample in timeline.nodes]
    return max(times, default=1.0) + 0.5


def _marks(timeline: Timeline, x: TimeAxis, bottom: float) -> str:
    """A numbered line for each mark; the numbers of close ones stand side by side."""
    drawn = []
    last = -math.inf
    for number, mark in enumerate(timeline.marks, start=1):
        place = x(mark.seconds)
        last = max(place, last + _NUMBER_PIXELS)
        drawn.append(dashes((place, MARKS - 4), (place, bottom), _COLOURS[mark.kind]))
        drawn.append(text(last, MARKS - 8, str(number), "middle"))
    return "".join(drawn)


def _block_rate(timeline: Timeline, chain: str, x: TimeAxis, top: float) -> str:
    """A bar for each stretch of time, as high as many blocks were final in it."""
    counts = Counter(
        int(x(block.seconds) - LEFT) // _BIN_PIXELS
        for block in timeline.blocks
        if block.chain == chain and 0 <= block.seconds <= x.end_seconds
    )
    most = max(counts.values(), default=1)
    room = ROW - 6
    bin_seconds = x.end_seconds * _BIN_PIXELS / (WIDTH - LEFT - RIGHT)
    bars = []
    for place, count in sorted(counts.items()):
        left = LEFT + place * _BIN_PIXELS
        height = room * count / most
        span = (left, left + _BIN_PIXELS - 1.0)
        bars.append(bar(span, top + 3 + room - height, height, f"--{chain}", f"{count} blocks"))
    # A single block in a short stretch is no rate.
    peak = "" if most == 1 else text(WIDTH, top + 14, f"≤ {most / bin_seconds:.0f}/s")
    return f"{label(f'{chain} blocks', top + 14)}{''.join(bars)}{peak}"


def _quarantine(timeline: Timeline, x: TimeAxis, top: float) -> str:
    """Where some node says that the fast chain is cut off."""
    stretches = [
        stretch
        for samples in _by_node(timeline).values()
        for stretch in _stretches(samples, lambda sample: sample.is_quarantined)
    ]
    bars = (
        bar((x(first), x(last)), top + 3, ROW - 7, "--cut-off", "quarantine")
        for first, last in union(stretches)
    )
    return f"{label('quarantine', top + 14)}{''.join(bars)}"


def _away(timeline: Timeline, x: TimeAxis, top: float) -> str:
    """Where a node's validator does not answer: a thin bar for each node."""
    nodes = _by_node(timeline)
    height = (ROW - 6) / max(1, len(nodes))
    bars = [
        bar((x(first), x(last)), top + 3 + index * height, height - 1, "--faint", f"node {node}")
        for index, (node, samples) in enumerate(nodes.items())
        for first, last in _stretches(samples, lambda sample: sample.height is None)
    ]
    return f"{label('no answer', top + 14)}{''.join(bars)}"


def _heights(timeline: Timeline, x: TimeAxis, top: float) -> str:
    """One line for each node; it is interrupted where the node did not answer."""
    known = [sample.height for sample in timeline.nodes if sample.height is not None]
    low, high = min(known, default=0), max(known, default=1)
    unit = (CHART - 4) / max(1, high - low)
    lines = []
    for node, samples in _by_node(timeline).items():
        for run in _runs(samples):
            points = [
                (x(sample.seconds), top + CHART - 2 - ((sample.height or 0) - low) * unit)
                for sample in run
            ]
            lines.append(polyline(points, "--ink", f"node {node}", 0.35 + 0.12 * (node % 5)))
    return (
        f"{label('final height', top + CHART / 2)}{label(str(high), top + 10)}"
        f"{label(str(low), top + CHART)}{''.join(lines)}{rule(top + CHART)}"
    )


def _by_node(timeline: Timeline) -> dict[int, list[NodeSample]]:
    """Samples of each node, in the order of time."""
    ordered = sorted(timeline.nodes, key=lambda sample: (sample.node, sample.seconds))
    return {node: list(found) for node, found in groupby(ordered, key=lambda entry: entry.node)}


def _stretches(
    samples: list[NodeSample], holds: Callable[[NodeSample], bool]
) -> list[tuple[float, float]]:
    """Where something holds of a node: each sample counts until the next one."""
    ends = [sample.seconds for sample in samples[1:]] + [samples[-1].seconds + LAST_SECONDS]
    moments = zip(samples, ends, strict=True)
    return union([(sample.seconds, end) for sample, end in moments if holds(sample)])


def _runs(samples: Iterable[NodeSample]) -> list[list[NodeSample]]:
    answered = groupby(samples, key=lambda sample: sample.height is not None)
    return [list(run) for is_there, run in answered if is_there]


def _losses(timeline: Timeline, x: TimeAxis, top: float) -> str:
    """Loss and bound on one logarithmic axis: the bound may be many thousand times the loss.

    What the loss may not exceed is the bound at the first fault: a dashed line from there on.
    """
    losses = timeline.losses
    most_wei = max(max(sample.loss_wei, sample.bound_wei) for sample in losses)
    exponents = max(1, math.ceil(_exponent(most_wei)) - _LEAST_EXPONENT)
    unit = (CHART - 4) / exponents

    def y(amount_wei: int) -> float:
        return top + CHART - 2 - max(0.0, _exponent(amount_wei) - _LEAST_EXPONENT) * unit

    def line(values: list[tuple[float, int]], colour: str, name: str) -> str:
        points = [(x(second), y(value)) for second, value in values]
        left, height = points[-1]
        return polyline(points, colour, name) + text(left + 6, height + 4, name, "start")

    grid = "".join(
        rule(y(10**exponent)) + label(f"{10.0 ** (exponent - 18):,g} ETH", y(10**exponent) + 4)
        for exponent in range(_LEAST_EXPONENT, _LEAST_EXPONENT + exponents + 1)
        if (exponent - _LEAST_EXPONENT) % (1 + exponents // 6) == 0
    )
    bound = [(sample.seconds, sample.bound_wei) for sample in losses]
    loss = [(sample.seconds, sample.loss_wei) for sample in losses]
    faults = [x(mark.seconds) for mark in timeline.marks if mark.kind is MarkKind.FAULT]
    allowed = ""
    if faults:
        height = y(timeline.bound_before_faults())
        allowed = dashes((min(faults), height), (WIDTH - RIGHT, height), "--zk") + text(
            min(faults) + 6, height - 5, "bound at the fault", "start"
        )
    return f"{grid}{allowed}{line(bound, '--zk', 'bound')}{line(loss, '--fault', 'loss')}"


def _exponent(amount_wei: int) -> float:
    return math.log10(max(1, amount_wei))
