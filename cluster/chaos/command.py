"""``braid chaos list`` and ``braid chaos run``."""

import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import TextIO

from rich.status import Status

from cluster.chaos.catalogue import chosen_scenarios, known_scenarios
from cluster.chaos.report import write_report
from cluster.chaos.runner import run_scenario
from cluster.chaos.scenario import Outcome
from cluster.output import console, print_json, print_table, say


def show(file: Path | None, as_json: bool) -> None:
    """List the scenarios."""
    known = known_scenarios(file)
    if as_json:
        print_json(
            {
                "scenarios": [
                    {
                        "name": scenario.name,
                        "invariant": scenario.invariant,
                        "description": scenario.description,
                        "seed": scenario.seed,
                    }
                    for scenario in known.values()
                ]
            }
        )
        return
    print_table(
        "Chaos scenarios",
        ("name", "what is done", "what has to hold"),
        ((entry.name, entry.description, entry.invariant) for entry in known.values()),
    )


def run(name: str, file: Path | None, seed: int | None, report: Path | None, as_json: bool) -> bool:
    """Run scenarios one after the other; gives whether none of them broke."""
    outcomes: list[Outcome] = []
    for scenario in chosen_scenarios(name, file):
        with console.status(scenario.name) as spinner, _stdout_for_answers():
            outcome = run_scenario(scenario, seed, partial(_tell, spinner, scenario.name))
        outcomes.append(outcome)
        say(_verdict(outcome))
        if report is not None:
            write_report(report, outcomes)  # Again each time: what ran is kept if the rest fails.
    all_held = not any(outcome.held is False for outcome in outcomes)
    if as_json:
        print_json({"all_held": all_held, "scenarios": [outcome.to_json() for outcome in outcomes]})
    else:
        _print(outcomes)
    return all_held


def _stdout_for_answers() -> contextlib.AbstractContextManager[TextIO]:
    """Ray says on the standard output that a process of ours was killed: not among the answers."""
    return contextlib.redirect_stdout(sys.stderr)


def _tell(spinner: Status, name: str, text: str) -> None:
    spinner.update(f"{name}: {text}")


def _verdict(outcome: Outcome) -> str:
    if outcome.held is None:
        return f"[yellow]–[/] {outcome.name}: skipped: {outcome.reason}"
    if not outcome.held:
        return (
            f"[red]✗[/] {outcome.name}: {outcome.reason}\n"
            f"  again: braid chaos run {outcome.name} --seed {outcome.seed}"
        )
    recovery = (
        "" if outcome.recovery_seconds is None else f", back in {outcome.recovery_seconds:.1f} s"
    )
    return f"[green]✓[/] {outcome.name} [dim]({outcome.seconds:.0f} s{recovery})[/]"


def _print(outcomes: list[Outcome]) -> None:
    words = {True: "held", False: "BROKEN", None: "skipped"}
    print_table(
        "Chaos",
        ("scenario", "invariant", "", "faults", "loss wei", "bound wei", "NFTs", "recovery s"),
        (
            (
                entry.name,
                entry.invariant,
                words[entry.held],
                entry.faults_injected,
                entry.loss_wei,
                entry.bound_wei,
                entry.nfts_lost_to_cap,
                None if entry.recovery_seconds is None else f"{entry.recovery_seconds:.1f}",
            )
            for entry in outcomes
        ),
    )
