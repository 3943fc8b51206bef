"""Commands and their output in a page, run again: so the page cannot rot.

A fenced block ``console`` holds commands after ``$`` and what they print, ``console refused``
such that fail. A section whose
heading is followed by ``<!-- run: NAME -->`` is run, all sections of one NAME in one directory,
in the order of the page. Of what is printed numbers, digests and frames may differ.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COLUMNS = 110
COMMAND_SECONDS = 240.0
_RUN = re.compile(r"^<!-- run: ([a-z]+) -->$")
_FRAME = re.compile(r"^[\s━┏┳┓┡╇┩└┴┘─╭╮╰╯]*$")
_MOMENTARY = re.compile(r"has lost its votes and casts none until")
"""Said only by who looks in the second in which it is so."""
_FIGURE = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{16,}\b|\d+(\.\d+)?|–")


@dataclass(frozen=True)
class Step:
    """One command, what the page says it prints, and where that is in the page."""

    group: str | None
    section: str
    command: str
    output: tuple[str, ...]
    first_line: int
    """Of the output, counted from 0."""
    is_refused: bool = False


def steps_of(page: str) -> list[Step]:
    """All commands of a page, in its order."""
    return list(_steps(page.splitlines()))


def _steps(lines: list[str]) -> Iterator[Step]:
    group: str | None = None
    section = ""
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("#"):
            section, group = line.lstrip("# "), None
        found = _RUN.match(line)
        if found is not None:
            group = found[1]
        number += 1
        if line not in ("```console", "```console refused"):
            continue
        is_refused = line.endswith("refused")
        while lines[number] != "```":
            assert lines[number].startswith("$ "), f"line {number + 1} is no command"
            command = lines[number][2:]
            first = number + 1
            number = first
            while lines[number] != "```" and not lines[number].startswith("$ "):
                number += 1
            output = tuple(lines[first:number])
            yield Step(group, section, command, output, first, is_refused)


def run_step(step: Step, home: Path, environment: dict[str, str], more: list[str]) -> list[str]:
    """Run a command; gives what it prints.

    Parameters
    ----------
    more
        Arguments that the page leaves out, such as ports that are free on this machine.
    """
    done = subprocess.run(
        [*shlex.split(step.command), *more],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == (1 if step.is_refused else 0), f"{step.command}: {done.stdout}"
    printed = done.stdout.replace(f"{home.resolve()}/", "").replace(f"{home}/", "")
    return [line.rstrip() for line in printed.strip().splitlines()]


def environment_for(temporary: Path) -> dict[str, str]:
    """As an operator's shell, wide enough, with directories of its own."""
    scripts = str(Path(sys.executable).parent)
    found = {name: value for name, value in os.environ.items() if not name.startswith("BRAID_")}
    return found | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": str(COLUMNS),
        "TMPDIR": str(temporary),
        "NO_COLOR": "1",
    }


def missing_lines(step: Step, printed: list[str]) -> list[str]:
    """Lines that the page promises and that were not printed, figures aside."""
    got = {_shape(line) for line in printed}
    promised = [
        line for line in step.output if not _FRAME.match(line) and not _MOMENTARY.search(line)
    ]
    return [line for line in promised if _shape(line) not in got]


def _shape(line: str) -> str:
    return " ".join(_FIGURE.sub("#", line).split())


def with_outputs(page: str, outputs: dict[int, list[str]]) -> str:
    """The page with other outputs, by the first line of each."""
    lines = page.splitlines()
    for step in reversed(steps_of(page)):
        if step.first_line in outputs:
            end = step.first_line + len(step.output)
            lines[step.first_line : end] = outputs[step.first_line]
    return "\n".join(lines) + "\n"
