"""docs/operations.md: its commands exist, do what it says, and print what it shows.

`python tests/e2e/cluster/test_operations_page.py [GROUP …]` runs them and writes the page anew.
"""

import shlex
import sys
from pathlib import Path

import click
import pytest
import typer

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
sys.path.insert(0, str(Path(__file__).parent))

from braid_command import BraidCommand, free_port_options
from runbooks import Step, environment_for, missing_lines, run_step, steps_of, with_outputs

from cluster.cli import app

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
STEPS = steps_of(PAGE.read_text())
QUICK = "alone"
NEW_NETWORK = "braid up"


def groups() -> list[str]:
    return sorted({step.group for step in STEPS if step.group is not None})


def run_group(group: str) -> list[tuple[Step, list[str]]]:
    """Run the commands of a group in one directory; whatever they have started ends with it."""
    done = []
    with BraidCommand() as braid:
        environment = environment_for(braid.temporary)
        for step in STEPS:
            if step.group == group:
                is_new = (
                    step.command.startswith(NEW_NETWORK)
                    and not (braid.home / ".braid" / "network.json").exists()
                )
                more = free_port_options() if is_new else []
                done.append((step, run_step(step, braid.home, environment, more)))
    return done


def check(group: str) -> None:
    problems = [
        f"{step.section}: $ {step.command}: the page shows {line!r}; printed was\n"
        + "\n".join(printed)
        for step, printed in run_group(group)
        for line in missing_lines(step, printed)
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    "step", [step for step in STEPS if step.command.startswith("braid ")], ids=lambda it: it.command
)
def test_every_command_of_the_page_is_one(step: Step) -> None:
    command: click.Command = typer.main.get_command(app)
    arguments = shlex.split(step.command)[1:]
    context = click.Context(command, info_name="braid")
    while isinstance(command, click.Group):
        name, command, arguments = command.resolve_command(context, arguments)
        context = click.Context(command, info_name=name, parent=context)
    command.parse_args(context, arguments)


def test_the_commands_that_need_no_network_do_what_the_page_says() -> None:
    check(QUICK)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("group", [group for group in groups() if group != QUICK])
def test_the_commands_on_a_network_do_what_the_page_says(group: str) -> None:
    check(group)


def test_a_page_that_promises_too_much_is_found() -> None:
    step = Step("alone", "x", "braid x", ("node 3 votes again", "┏━━┓"), 0)
    assert missing_lines(step, ["node 12   votes again"]) == []
    assert missing_lines(step, ["node 3 votes"]) == ["node 3 votes again"]


if __name__ == "__main__":
    printed = {
        step.first_line: lines
        for group in sys.argv[1:] or groups()
        for step, lines in run_group(group)
    }
    PAGE.write_text(with_outputs(PAGE.read_text(), printed))
