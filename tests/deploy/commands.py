"""The `braid` commands that manifests, cluster files and documents tell somebody to run."""

import re
import shlex
from collections.abc import Iterator

import typer
from typer.main import get_command

from cluster.cli import app
from tests.deploy.pods import Manifest, of_kind
from tests.deploy.rendering import ROOT

BRAID = re.compile(r"^(?:/opt/braid/bin/)?braid$")
ENDS = {"|", "||", "&&", ";", ">", "#", "…", ")", "};"}


def commands_in(line: str) -> Iterator[list[str]]:
    """Arguments of each `braid` in a line of shell."""
    words = shlex.split(line, comments=True)
    for position, word in enumerate(words):
        if BRAID.match(word):
            arguments = []
            for each in words[position + 1 :]:
                if each in ENDS:
                    break
                arguments.append(each.rstrip(";"))
                if each.endswith(";"):
                    break
            yield arguments


def commands_of_manifests(objects: list[Manifest]) -> Iterator[list[str]]:
    """Arguments of each `braid` that jobs run."""
    for each in of_kind(objects, "RayJob"):
        yield from commands_in(each["spec"]["entrypoint"])


def commands_of_readme() -> Iterator[list[str]]:
    """Arguments of each `braid` in the code of deploy/README.md."""
    text = (ROOT / "deploy" / "README.md").read_text()
    for block in re.findall(r"```(?:sh)?\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            yield from commands_in(line.replace("$i", "0"))


def commands_of_cluster_file(name: str) -> Iterator[list[str]]:
    """Arguments of each `braid` in a file for `ray up`, its head included."""
    text = (ROOT / "deploy" / "ray" / f"{name}.yaml").read_text()
    for line in text.splitlines():
        found = re.search(r"(/opt/braid/bin/braid [^',]*)", line)
        if found is not None:
            # Not those that only ask whether it is there.
            yield from filter(None, commands_in(found.group(1)))


UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What a mistyped command raises; typer has its own click, and does not name this one."""


def parse(arguments: list[str]) -> str:
    """Have the command line read arguments without running anything; gives the command's name.

    Raises
    ------
    UsageError
        As a user would see it.
    """
    command = get_command(app)
    context = command.make_context("braid", list(arguments))
    names = []
    while hasattr(command, "resolve_command"):
        words = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, words)
        names.append(name)
        context = command.make_context(name, rest, parent=context)
    return " ".join(names)
