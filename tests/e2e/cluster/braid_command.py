"""The ``braid`` command as a user runs it, and what it leaves behind on the machine."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from cluster.errors import PortsTaken
from cluster.ports import free_ports, require_free

BRAID = Path(sys.executable).parent / "braid"
COMMAND_SECONDS = 180.0
POLL_SECONDS = 0.05


def _hear_interrupts() -> None:
    """Undo what a shell does to the tests if it runs them in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class BraidCommand:
    """Runs commands with a home of their own for the network and for temporary files.

    Everything that a command starts inherits ``TMPDIR``, so what is left of it is found.
    """

    def __init__(self) -> None:
        # Ray's sockets lie in it, and the path of a socket has at most 107 bytes.
        self.home = Path(tempfile.mkdtemp(prefix="e2e-"))
        self.temporary = self.home / "t"
        self.temporary.mkdir()
        self.directory = self.home / "network"
        self.environment = os.environ | {
            "TMPDIR": str(self.temporary),
            "BRAID_DIR": str(self.directory),
        }

    def __enter__(self) -> "BraidCommand":
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def network_directories(self) -> list[Path]:
        """Networks that it made, for a failure's report."""
        return [file.parent for file in self.home.glob("**/network.json")]

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command, as a shell does: in a process group of its own."""
        return subprocess.Popen(
            [str(BRAID), *arguments],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            preexec_fn=_hear_interrupts,
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return self.finish(self.start(*arguments))

    def finish(
        self, process: "subprocess.Popen[str]", seconds: float = COMMAND_SECONDS
    ) -> "subprocess.CompletedProcess[str]":
        """Wait for a command's end."""
        stdout, stderr = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run a command that succeeds, and read its one JSON object."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def up(self) -> dict[str, Any]:
        """Start a network on free ports; it stays on them."""
        return self.json("up", *free_port_options())

    def interrupt(self, process: "subprocess.Popen[str]", number: signal.Signals) -> None:
        """Do what Ctrl-C does: signal the whole process group."""
        os.killpg(process.pid, number)

    def processes(self) -> set[psutil.Process]:
        """Live processes that commands have started, and their children."""
        found = set()
        for process in psutil.process_iter():
            with contextlib.suppress(
                psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess
            ):
                if process.environ().get("TMPDIR") == str(self.temporary):
                    found.update((process, *process.children(recursive=True)))
        return found

    def temporary_files(self) -> list[str]:
        """What lies in the temporary directory."""
        return sorted(path.name for path in self.temporary.iterdir())


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Poll until something is true, and give it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(POLL_SECONDS)
    return found


def wait_until_gone(processes: set[psutil.Process], seconds: float = 15.0) -> None:
    """Wait until none of some processes lives any more."""

    def left() -> list[str]:
        alive = []
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    alive.append(f"{process.pid} {process.name()}")
        return alive

    try:
        wait_until(lambda: not left(), "the end of all processes", seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}: {left()}") from None


def free_port_options() -> list[str]:
    """Options of `braid up` for ports in which nothing listens now."""
    rpc_port, p2p_port = free_ranges(2, 4)
    (l1_port,) = free_ports(1)
    ports = {"--rpc-port": rpc_port, "--p2p-port": p2p_port, "--l1-port": l1_port}
    return [text for option, port in ports.items() for text in (option, str(port))]


def free_ranges(count: int, size: int) -> list[int]:
    """First ports of some ranges, apart from each other, in which nothing listens now."""
    firsts: list[int] = []
    taken: set[int] = set()
    for candidate in free_ports(64):
        ports = set(range(candidate, candidate + size))
        if taken & ports or candidate + size > 65_000:
            continue
        if all(_is_free(port) for port in ports):
            firsts.append(candidate)
            taken |= ports
        if len(firsts) == count:
            return firsts
    raise AssertionError("this machine has no free ports")


def _is_free(port: int) -> bool:
    try:
        require_free([port])
    except PortsTaken:
        return False
    return True
