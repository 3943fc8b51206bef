"""A Ray of several machines, as far as there can be some on one: a head, and raylets that join."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
from braid_command import BraidCommand, wait_until

from cluster.ports import free_ports

RAY = Path(sys.executable).parent / "ray"
START_SECONDS = 90.0
QUICK_DEATHS = {
    # A machine that is silent for so long is dead, and its actors start elsewhere.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
    "RAY_enable_worker_prestart": "0",
    "PYTHONDONTWRITEBYTECODE": "",
}


class Machines:
    """What `ray start` made; each machine is a raylet with its workers."""

    def __init__(self, braid: BraidCommand) -> None:
        self._braid = braid
        self._log = braid.home / "ray.log"
        (self._port, client_port) = free_ports(2)
        token = braid.home / "token"
        token.write_text(os.urandom(32).hex())
        token.chmod(0o600)
        braid.environment |= {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        # With processors for nobody: actors of validators go where their resource is.
        self.head = self._start(
            *("--head", f"--port={self._port}", f"--ray-client-server-port={client_port}"),
            *("--include-dashboard=false", "--num-cpus=0", f"--temp-dir={braid.temporary}/r"),
        )
        wait_until(lambda: b"Ray runtime started" in self._log.read_bytes(), "Ray", START_SECONDS)
        self.address = f"{_own_address(self._log)}:{self._port}"

    def join(self, *resources: str) -> psutil.Process:
        """Add a machine with resources."""
        have = json.dumps(dict.fromkeys(resources, 1))
        return self._start(f"--address={self.address}", "--num-cpus=0", f"--resources={have}")

    def _start(self, *options: str) -> psutil.Process:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [str(RAY), "start", "--block", "--disable-usage-stats", *options],
                env=self._braid.environment | QUICK_DEATHS,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return psutil.Process(process.pid)


def actors_on(machine: psutil.Process) -> set[str]:
    """Titles of the actors that run on a machine."""
    titles = set()
    for process in machine.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            title = " ".join(process.cmdline()).strip()
            if title.startswith("ray::") and "Actor" in title:
                titles.add(title)
    return titles


def cut_power(machine: psutil.Process) -> None:
    """Kill everything on a machine at once."""
    processes = [machine, *machine.children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def _own_address(log: Path) -> str:
    for line in log.read_text().splitlines():
        if line.startswith("Local node IP:"):
            return line.removeprefix("Local node IP:").strip()
    raise AssertionError(log.read_text())
