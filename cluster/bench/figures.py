"""How benchmarks print: one JSON object, or a table with the limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.output import print_json, print_table


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure has to reach: at most, or at least, a value."""

    value: float
    is_upper: bool

    def is_met(self, figure: float | None) -> bool:
        """Whether a figure reaches it."""
        if figure is None:
            return False
        return figure <= self.value if self.is_upper else figure >= self.value

    def __str__(self) -> str:
        return f"{'≤' if self.is_upper else '≥'} {self.value:g}"


def print_figures(
    title: str, figures: Mapping[str, Any], limits: Mapping[str, Limit], as_json: bool
) -> None:
    """Print figures for people or for programs."""
    if as_json:
        print_json(dict(figures))
        return
    print_table(
        title,
        ("figure", "value", "to reach", ""),
        (
            (
                name,
                value,
                limits.get(name, ""),
                ("✓" if limits[name].is_met(value) else "✗") if name in limits else "",
            )
            for name, value in figures.items()
        ),
    )
