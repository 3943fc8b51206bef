"""Four network namespaces on two bridges, and a validator in each."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from validator_process import VALIDATORS, address_of

PROCESS = Path(__file__).parent / "validator_process.py"
WAIT_SECONDS = 90.0
POLL_SECONDS = 0.05


class Namespaces:
    """Nodes on one bridge hear each other; a partition is a move to the other bridge."""

    def __init__(self, directory: Path) -> None:
        self.heights = [0] * VALIDATORS
        self.told: dict[int, str] = {}
        self.problems: list[str] = []
        self._tag = f"b{os.getpid() % 100_000}"
        self._bridges = [f"{self._tag}l", f"{self._tag}r"]
        self._directory = directory
        self._processes: list[subprocess.Popen[str]] = []

    # LIFE

    def start(self) -> None:
        for bridge in self._bridges:
            self._require(f"link add {bridge} type bridge")
            self._require(f"link set {bridge} up")
        for index in range(VALIDATORS):
            self._add_namespace(index)
        for index in range(VALIDATORS):
            self._start_validator(index)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for index in range(VALIDATORS):
            _ip(f"netns del {self._namespace(index)}")
            _ip(f"link del {self._outside(index)}")
        for bridge in self._bridges:
            _ip(f"link del {bridge}")

    def _add_namespace(self, index: int) -> None:
        namespace, outside = self._namespace(index), self._outside(index)
        self._require(f"netns add {namespace}")
        self._require(f"link add {outside} type veth peer name eth0 netns {namespace}")
        self._require(f"link set {outside} master {self._bridges[0]} up")
        self._require(f"-n {namespace} addr add {address_of(index)}/24 dev eth0")
        self._require(f"-n {namespace} link set eth0 up")
        self._require(f"-n {namespace} link set lo up")

    def _start_validator(self, index: int) -> None:
        log = (self._directory / f"validator-{index}.log").open("wb")
        process = subprocess.Popen(
            [
                *("ip", "netns", "exec", self._namespace(index)),
                *(sys.executable, str(PROCESS), str(index)),
                str(self._directory / f"node-{index}"),
            ],
            cwd=Path(__file__).parents[3],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        log.close()
        self._processes.append(process)
        threading.Thread(target=self._read, args=(index, process), daemon=True).start()

    def _read(self, index: int, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError):
                self._note(index, json.loads(line))

    def _note(self, index: int, report: dict[str, Any]) -> None:
        height, digest = report["height"], report["digest"]
        if self.told.setdefault(height, digest) != digest:
            self.problems.append(f"node {index} has another block at height {height}")
        if report["convicted"]:
            self.problems.append(f"node {index} convicts {report['convicted']}")
        self.heights[index] = height

    # FAULTS

    def part(self, *group: int) -> None:
        """Move these nodes to the other bridge."""
        for index in group:
            self._require(f"link set {self._outside(index)} master {self._bridges[1]}")

    def heal(self) -> None:
        """All nodes on one bridge."""
        for index in range(VALIDATORS):
            self._require(f"link set {self._outside(index)} master {self._bridges[0]}")

    def shape(self, *netem: str) -> None:
        """Delay and lose packets of every node; skips where the kernel has no netem."""
        for index in range(VALIDATORS):
            command = ["tc", "-n", self._namespace(index), "qdisc", "replace", "dev", "eth0"]
            done = subprocess.run(
                [*command, "root", "netem", *netem], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                pytest.skip(f"this kernel shapes no packets: {done.stderr.strip()}")

    # WAITING

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert self.problems == []
            ended = [process for process in self._processes if process.poll() is not None]
            assert not ended, f"a validator has ended: {self._logs()}"
            assert time.monotonic() < deadline, f"{what}: heights {self.heights} {self._logs()}"
            time.sleep(POLL_SECONDS)

    def wait_for_growth(self, blocks: int, *nodes: int) -> None:
        chosen = nodes or tuple(range(VALIDATORS))
        goal = max(self.heights[node] for node in chosen) + blocks
        self.wait_until(
            lambda: all(self.heights[node] >= goal for node in chosen), f"height {goal} at {chosen}"
        )

    def _logs(self) -> str:
        logs = sorted(self._directory.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in logs)

    def _namespace(self, index: int) -> str:
        return f"{self._tag}n{index}"

    def _outside(self, index: int) -> str:
        return f"{self._tag}v{index}"

    def _require(self, arguments: str) -> None:
        done = _ip(arguments)
        if done.returncode != 0:
            self.stop()
            pytest.skip(f"no network namespaces here: ip {arguments}: {done.stderr.strip()}")


def _ip(arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["ip", *arguments.split()], capture_output=True, text=True, check=False, timeout=10
    )
