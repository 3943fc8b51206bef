"""A Ray of several machines, as far as there can be some on one: a head, and raylets that join."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil
from braid_command import BraidCommand, wait_until

from cluster.ports import free_ports

RAY = Path(sys.executable).parent / "ray"
START_SECONDS = 90.0
ACTOR_TITLE = re.compile(r"ray::(\w+)Actor")
REDIS = shutil.which("redis-server")
QUICK_DEATHS = {
    # A machine that is silent for so long is dead, and its actors start elsewhere.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
    # As KubeRay has it: a machine waits so long for another head before it gives up.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "600",
    # The head starts a process for each client, which on a busy machine takes more than Ray's 30 s.
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "120",
    "RAY_enable_worker_prestart": "0",
    "PYTHONDONTWRITEBYTECODE": "",
}


class Machines:
    """What `ray start` made; each machine is a raylet with its workers."""

    def __init__(self, braid: BraidCommand) -> None:
        self._braid = braid
        self._started = 0
        gcs_port, client_port, redis_port = free_ports(3)
        token = braid.home / "token"
        token.write_text(os.urandom(32).hex())
        token.chmod(0o600)
        braid.environment |= {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self.has_store = REDIS is not None
        self.client_address = f"ray://127.0.0.1:{client_port}"
        self._environment = braid.environment | QUICK_DEATHS
        self._head_options: tuple[str, ...] = (
            # With processors for nobody: actors of validators go where their resource is.
            *("--head", f"--port={gcs_port}", f"--ray-client-server-port={client_port}"),
            *("--include-dashboard=false", "--num-cpus=0", f"--temp-dir={braid.temporary}/r"),
        )
        if REDIS is not None:
            self._start_store(REDIS, redis_port)
        self.head = self._start(*self._head_options)
        self._current_cluster = braid.temporary / "r" / "ray_current_cluster"
        self.address = self._current_cluster.read_text().strip()

    def start_head_again(self) -> None:
        """A head in the place of one that has died; it finds its tables in the store."""
        # On a machine of its own: here Ray would take the others' raylets for a head that runs.
        self._current_cluster.unlink()
        self.head = self._start(*self._head_options)

    def _start_store(self, redis: str, port: int) -> None:
        """Keep the head's tables outside it, as deploy/k8s does."""
        password = os.urandom(16).hex()
        home = self._braid.home / "redis"
        home.mkdir()
        subprocess.Popen(
            [
                *(redis, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home)),
                *("--requirepass", password, "--save", "", "--appendonly", "yes"),
                # A title would lie over its environment, by which whatever is left is found.
                *("--set-proc-title", "no"),
            ],
            env=self._braid.environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(lambda: not _is_free(port), "Redis", START_SECONDS)
        self._environment |= {
            "RAY_REDIS_ADDRESS": f"127.0.0.1:{port}",
            "RAY_external_storage_namespace": "braid",
        }
        self._head_options += (f"--redis-password={password}",)

    def join(self, *resources: str) -> psutil.Process:
        """Add a machine with resources."""
        have = json.dumps(dict.fromkeys(resources, 1))
        return self._start(f"--address={self.address}", "--num-cpus=0", f"--resources={have}")

    def _start(self, *options: str) -> psutil.Process:
        self._started += 1
        log_file = self._braid.home / f"ray-{self._started}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [str(RAY), "start", "--block", "--disable-usage-stats", *options],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # One after the other: two that choose ports at once may choose the same.
        wait_until(
            lambda: process.poll() is not None or b"Ray runtime started" in log_file.read_bytes(),
            "a machine of Ray",
            START_SECONDS,
        )
        assert process.poll() is None, log_file.read_text()
        return psutil.Process(process.pid)


def actors_on(machine: psutil.Process) -> set[str]:
    """Kinds of actors that run on a machine: `Validator`, `Executor` and so on."""
    kinds = set()
    for process in machine.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found = ACTOR_TITLE.match(" ".join(process.cmdline()))
            if found is not None:
                kinds.add(found.group(1))
    return kinds


def cut_power(machine: psutil.Process) -> None:
    """Kill everything on a machine at once."""
    processes = [machine, *machine.children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def _is_free(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return True
    return False
