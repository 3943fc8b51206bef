"""Four operators with a Ray, a directory and a token each; only libp2p is between them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import psutil
from braid_command import BraidCommand, wait_until
from json_rpc import Rpc
from typer.testing import CliRunner

from cluster.chain_client import ChainClient
from cluster.cli import app
from cluster.network import Network, load_network
from cluster.ports import free_ports
from ledger.types import ChainRole

NAMES = ("alice", "bob", "carol", "dave")
START_SECONDS = 240.0


class Operator:
    """One operator's machine, as far as there can be four on one."""

    def __init__(self, index: int, p2p_port: int, rpc_port: int) -> None:
        self.index = index
        self.name = NAMES[index]
        self.p2p_port = p2p_port
        self.url = f"http://127.0.0.1:{rpc_port}"
        self.braid = BraidCommand()
        self.rpc = Rpc(self.url + "/zk")
        self._starting = ("node", "start", str(index), "--rpc", f"127.0.0.1:{rpc_port}", "--json")

    @property
    def network(self) -> Network:
        return load_network(self.braid.directory)

    def begin_start(self) -> Any:
        return self.braid.start(*self._starting)

    def start(self) -> None:
        done = self.braid.finish(self.begin_start(), START_SECONDS)
        assert done.returncode == 0, done.stderr

    def cut_power(self) -> None:
        """Kill every process of the operator, its Ray's first."""
        processes = self.braid.processes()
        assert processes
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)

    def client(self, role: ChainRole) -> ChainClient:
        return ChainClient(f"{role.name} at {self.name}", f"{self.url}/{role.name.lower()}")

    def height(self) -> int:
        return int(self.rpc.status()["final_height"])


class Federation:
    """The operators, from their keys on."""

    def __init__(self) -> None:
        ports = free_ports(2 * len(NAMES))
        self.operators = [
            Operator(index, ports[2 * index], ports[2 * index + 1]) for index in range(len(NAMES))
        ]

    def network_directories(self) -> list[Path]:
        """Where the logs are, for a failure's report."""
        return [operator.braid.directory for operator in self.operators]

    def meet(self) -> None:
        """Make a genesis together; every operator joins with what it has checked."""
        shared = self.operators[0].braid.home / "shared"
        entries = []
        for operator in self.operators:
            entry = operator.braid.home / "entry.json"
            directory = ("--dir", str(operator.braid.directory))
            address = f"/dns4/localhost/tcp/{operator.p2p_port}"
            named = ("--name", operator.name, "--p2p", address, "--out", str(entry))
            run_here("keys", "new", *directory)
            run_here("keys", "public", *directory, *named)
            entries.append(str(entry))
        run_here("genesis", "assemble", *entries, "--development", "--out", str(shared))
        for operator, entry in zip(self.operators, entries, strict=True):
            run_here("genesis", "verify", str(shared), "--entry", entry)
            run_here("node", "join", str(shared), "--dir", str(operator.braid.directory))

    def start(self) -> None:
        starting = [operator.begin_start() for operator in self.operators]
        for operator, process in zip(self.operators, starting, strict=True):
            done = operator.braid.finish(process, START_SECONDS)
            assert done.returncode == 0, done.stderr

    def close(self) -> None:
        for operator in self.operators:
            operator.braid.__exit__()

    def wait_until_agree(self, *operators: Operator) -> None:
        """These, or all, reach one height and have the same block there."""
        chosen = operators or tuple(self.operators)
        goal = max(operator.height() for operator in chosen) + 2
        for operator in chosen:
            wait_until(
                lambda asked=operator: asked.height() >= goal, f"height {goal} at {operator.name}"
            )
        assert len({operator.rpc.digest(goal) for operator in chosen}) == 1


def run_here(*arguments: str) -> None:
    """Run a command that starts nothing, in this process."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output + str(result.exception)
