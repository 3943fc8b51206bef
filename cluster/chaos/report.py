"""One HTML file for a run: a table, and a timeline for each scenario. No other file is loaded."""

from decimal import Context, Decimal
from html import escape
from pathlib import Path
from typing import Final

from cluster.chaos.plot import plot
from cluster.chaos.scenario import Outcome

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c1f24; --faint: #7a828d; --line: #d9dde2;
  --paper: #ffffff; --zk: #3457d5; --fast: #e08a1e; --fault: #c62f3b; --heal: #2a8c4a;
  --cut-off: #ecb3b8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --faint: #9aa3ae; --line: #3a4048;
  --paper: #16191d; --zk: #8ba3ff; --fast: #f2b25c; --fault: #ff7b84; --heal: #66cc88;
  --cut-off: #74363d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.figure, th.figure { text-align: right; white-space: nowrap; }
.held { color: var(--heal); } .broken { color: var(--fault); font-weight: 600; }
.skipped, .faint, .note { color: var(--faint); }
.fault { color: var(--fault); } .heal { color: var(--heal); }
table.marks { width: auto; } table.marks td:last-child { width: 100%; }
.wide { overflow-x: auto; }
section { margin-top: 2.5rem; } svg { width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: var(--faint); }
a { color: inherit; }
"""
_WORDS: Final = {True: "held", False: "broken", None: "skipped"}
_HEADINGS: Final = ("faults", "loss, ETH", "bound, ETH", "NFTs lost", "recovery", "seed")


def write_report(file: Path, outcomes: list[Outcome]) -> None:
    """Write the report of all outcomes to a file."""
    rows = "".join(_row(outcome) for outcome in outcomes)
    headings = "".join(f'<th class="figure">{heading}</th>' for heading in _HEADINGS)
    sections = "".join(_section(outcome) for outcome in outcomes)
    held = sum(outcome.held is True for outcome in outcomes)
    file.write_text(
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><title>Braid: chaos report</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>"
        f"<h1>Chaos report</h1><p>{held} of {len(outcomes)} scenarios held.</p>"
        f'<div class="wide"><table><thead><tr><th>scenario</th><th></th>{headings}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{sections}</body></html>\n",
        encoding="utf-8",
    )


def _row(outcome: Outcome) -> str:
    recovery = outcome.recovery_seconds
    figures = (
        outcome.faults_injected,
        _ether(outcome.loss_wei),
        _ether(outcome.bound_wei),
        outcome.nfts_lost_to_cap,
        "–" if recovery is None else f"{recovery:.1f} s",
        outcome.seed,
    )
    cells = "".join(f'<td class="figure">{figure}</td>' for figure in figures)
    name = escape(outcome.name)
    return f'<tr><td><a href="#{name}">{name}</a></td><td>{_verdict(outcome)}</td>{cells}</tr>'


def _section(outcome: Outcome) -> str:
    reason = "" if outcome.reason is None else f"<p>{escape(outcome.reason)}</p>"
    marks = "".join(
        f'<tr><td class="figure faint">{number}</td><td class="figure">{mark.seconds:.1f} s</td>'
        f'<td class="{mark.kind.value}">{mark.kind.value}</td><td>{escape(mark.text)}</td></tr>'
        for number, mark in enumerate(outcome.timeline.marks, start=1)
    )
    return (
        f'<section id="{escape(outcome.name)}"><h2>{escape(outcome.name)} {_verdict(outcome)}</h2>'
        f"<p>{escape(outcome.invariant)}</p>{reason}{plot(outcome.timeline)}"
        f'<table class="marks"><tbody>{marks}</tbody></table></section>'
    )


def _ether(amount_wei: int) -> str:
    """An amount to five significant figures, so that a small loss is not rounded away."""
    return f"{Decimal(amount_wei).scaleb(-18).normalize(Context(prec=5)):,f}"


def _verdict(outcome: Outcome) -> str:
    word = _WORDS[outcome.held]
    return f'<span class="{word}">{word}</span>'
