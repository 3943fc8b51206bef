"""``python -m tests.simulation``: thousands of schedules, or latency around the world."""

import argparse
import json
import sys
from dataclasses import asdict, fields

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from tests.simulation.campaign import Campaign, run_campaign
from tests.simulation.geo import LATENCY_FOLDER, GeoResult, measure
from tests.simulation.seeds import keep_seed, kept_seeds

GEO_RUNS = ((4, 50), (10, 20), (50, 1))


def main() -> int:
    """Run what the command line asks for; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000, help="how many seeds to run")
    parser.add_argument("--seed", type=int, help="run this seed alone")
    parser.add_argument("--first", type=int, default=1_000, help="first of the seeds")
    parser.add_argument("--geo", action="store_true", help="measure latency between AWS regions")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    arguments = parser.parse_args()
    if arguments.geo:
        return _geo(arguments.json)
    if arguments.seed is not None:
        seeds = [arguments.seed]
    else:
        seeds = [*kept_seeds(), *range(arguments.first, arguments.first + arguments.schedules)]
    return _schedules(seeds, arguments.json)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _schedules(seeds: list[int], is_json: bool) -> int:
    with _progress() as bar:
        task = bar.add_task("schedules", total=len(seeds))

        def advance(campaign: Campaign) -> None:
            failed = f" [red]{len(campaign.failures)} failed" if campaign.failures else ""
            bar.update(task, advance=1, description=f"schedules{failed}")

        campaign = run_campaign(seeds, advance)
    for seed, reason in campaign.failures.items():
        keep_seed(seed, reason)
    if is_json:
        plain = {part.name: getattr(campaign, part.name) for part in fields(campaign)}
        sys.stdout.write(json.dumps(plain, indent=2) + "\n")
    else:
        _print_campaign(campaign)
    return 1 if campaign.failures else 0


def _print_campaign(campaign: Campaign) -> None:
    console = Console()
    table = Table(title="Consensus under faults", show_header=False)
    for count, number in sorted(campaign.schedules.items()):
        table.add_row(f"schedules with n = {count}", f"{number:,}")
    table.add_row("views", f"{campaign.views:,}")
    table.add_row("payloads finalized", f"{campaign.finalized:,}")
    table.add_row("events", f"{campaign.events:,}")
    table.add_row("messages sent", f"{campaign.messages:,}")
    table.add_row("evidence found", f"{campaign.evidence:,}")
    worst = f"{campaign.worst_recovery_ms} ms (seed {campaign.worst_recovery_seed})"
    table.add_row("slowest progress after the heal", worst)
    table.add_row("trace", campaign.trace_digest[:16])
    table.add_row("seconds", f"{campaign.seconds:.1f} (processor {campaign.cpu_seconds:.1f})")
    console.print(table)
    faults = Table("fault", "times", title="Faults")
    for kind, number in campaign.faults.most_common():
        faults.add_row(kind, f"{number:,}")
    console.print(faults)
    for seed, reason in campaign.failures.items():
        console.print(f"[red]seed {seed} failed:[/red] {reason}", soft_wrap=True)
        console.print(f"again: python -m tests.simulation --seed {seed}")


def _geo(is_json: bool) -> int:
    if not LATENCY_FOLDER.is_dir():
        Console(stderr=True).print("the latency tables (shared/vectors/latency) are not here")
        return 2
    results: list[GeoResult] = []
    with _progress() as bar:
        for count, rounds in GEO_RUNS:
            task = bar.add_task(f"n = {count}", total=count * (rounds + 1) + 2)

            def advance(done: int, task: TaskID = task) -> None:
                bar.update(task, completed=done)

            results.append(measure(count, rounds, progress=advance))
    if is_json:
        sys.stdout.write(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    else:
        _print_geo(results)
    return 0


def _print_geo(results: list[GeoResult]) -> None:
    table = Table(title="Proposal to notarized / finalized, AWS regions, zero CPU")
    for heading in ("n", "views", "notarized ms", "ideal", "finalized ms", "ideal"):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(
            str(result.count),
            str(result.views),
            f"{result.notarized_ms:.1f}",
            str(result.ideal_notarized_ms),
            f"{result.finalized_ms:.1f}",
            str(result.ideal_finalized_ms),
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
