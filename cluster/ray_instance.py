"""One Ray head of our own, started and stopped without touching any other Ray on the machine.

``ray stop`` would end every Ray process of the machine, so the head runs as
``ray start --head --block`` in a session of its own: ending that process ends
all its children, and what is left over is found by a variable that all of them inherit.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.errors import StartFailed
from cluster.ports import free_ports

START_TIMEOUT_SECONDS = 90.0
STOP_TIMEOUT_SECONDS = 20.0
ORPHAN_TIMEOUT_SECONDS = 2.0

_MARKER = "BRAID_RAY_DIRECTORY"
_HEAD_ENVIRONMENT = {
    # A node is five actors that wait most of the time: more processes than processors is right.
    "RAY_worker_maximum_startup_concurrency": "8",
    "RAY_enable_worker_prestart": "0",
    # Nodes are stopped before their Ray; what a failed start leaves need not be waited for.
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    # Twenty processes that each compile every module take longer than the whole start.
    "PYTHONDONTWRITEBYTECODE": "",
}


@dataclass(frozen=True, slots=True)
class RayInstance:
    """A running Ray head."""

    pid: int
    address: str
    temporary_directory: Path
    token_file: Path

    def environment(self) -> dict[str, str]:
        """Variables with which a process may join this Ray."""
        return ray_environment(self.token_file)


@dataclass(frozen=True, slots=True)
class RayAddress:
    """A Ray that somebody else runs.

    Attributes
    ----------
    address
        As Ray takes it: ``HOST:PORT`` of its head, or ``ray://HOST:PORT`` from outside.
    token_file
        Where its token lies; None if Ray finds that by itself (``RAY_AUTH_TOKEN``,
        ``RAY_AUTH_TOKEN_PATH``, ``~/.ray/auth_token``), or there is none.
    """

    address: str
    token_file: Path | None = None

    def environment(self) -> dict[str, str]:
        """Variables with which a process may join this Ray."""
        return {} if self.token_file is None else ray_environment(self.token_file)


AnyRay = RayInstance | RayAddress


def ray_environment(token_file: Path) -> dict[str, str]:
    """Variables for a Ray that asks for the token in ``token_file``."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_file),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }


def start_ray(
    token_file: Path, log_file: Path, cpu_count: int, gpu_count: int | None = None
) -> RayInstance:
    """Start a head and wait until it answers.

    Parameters
    ----------
    cpu_count, gpu_count
        What Ray believes to have; it counts GPUs by itself if it is told none.

    Raises
    ------
    StartFailed
        With the end of Ray's output.
    """
    client_port, gcs_port = free_ports(2)
    # Unix socket paths are short, so Ray's directory cannot lie below the data directory.
    temporary = Path(tempfile.mkdtemp(prefix="braid-"))
    command = [
        str(Path(sys.executable).parent / "ray"), "start", "--head", "--block",
        f"--port={gcs_port}", f"--ray-client-server-port={client_port}",
        "--include-dashboard=false", "--disable-usage-stats",
        f"--num-cpus={cpu_count}", f"--temp-dir={temporary}",
        *([] if gpu_count is None else [f"--num-gpus={gpu_count}"]),
    ]  # fmt: skip
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ
            | ray_environment(token_file)
            | _HEAD_ENVIRONMENT
            | {_MARKER: str(temporary)},
        )
    try:
        address = _wait_for_address(process, temporary, log_file)
    except BaseException:
        stop_processes(process.pid, temporary)
        raise
    return RayInstance(process.pid, address, temporary, token_file)


def stop_processes(pid: int, temporary_directory: Path) -> int:
    """End a head and everything it started; gives how many processes had to be killed.

    Ctrl-C does not interrupt this: what is left half stopped would be hard to find.
    """
    with _uninterrupted():
        family = processes_of(temporary_directory)
        # The number alone may be somebody else's by now.
        heads = {process for process in family if process.pid == pid}
        for head in heads:
            with contextlib.suppress(psutil.NoSuchProcess):
                head.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            _reap(pid)
            family |= processes_of(temporary_directory)
            if not any(_is_alive(process) for process in family):
                break
            if not any(_is_alive(head) for head in heads):
                # A head ends the others first; what outlives it would not end by itself.
                deadline = min(deadline, time.monotonic() + ORPHAN_TIMEOUT_SECONDS)
            psutil.wait_procs(family, timeout=0.2)
        killed = 0
        for process in family | processes_of(temporary_directory):
            if _is_alive(process):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
                    killed += 1
        psutil.wait_procs(family, timeout=5)
        _reap(pid)
        shutil.rmtree(temporary_directory, ignore_errors=True)
        return killed


def processes_of(temporary_directory: Path) -> set[psutil.Process]:
    """Live processes that were started for the Ray with this temporary directory.

    Ray's agents overwrite their environment when they set their title, and survive
    a head that was killed: they are found by their logs, which lie in the directory.
    """
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            is_marked = process.environ().get(_MARKER) == str(temporary_directory)
            if is_marked or _is_agent(process, temporary_directory.resolve()):
                found.add(process)
    return found


def _is_agent(process: psutil.Process, temporary_directory: Path) -> bool:
    return process.name().startswith("ray::") and any(
        Path(file.path).is_relative_to(temporary_directory) for file in process.open_files()
    )


def _is_alive(process: psutil.Process) -> bool:
    try:
        is_zombie: bool = process.status() == psutil.STATUS_ZOMBIE
        return process.is_running() and not is_zombie
    except psutil.NoSuchProcess:
        return False


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM for the duration of a block, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _wait_for_address(process: "subprocess.Popen[bytes]", temporary: Path, log_file: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    address_file = temporary / "ray_current_cluster"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartFailed(f"Ray ended with code {process.returncode}:\n{_tail(log_file)}")
        if b"Ray runtime started" in log_file.read_bytes() and address_file.exists():
            return address_file.read_text().strip()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
    raise StartFailed(f"Ray did not start in {START_TIMEOUT_SECONDS:.0f} s:\n{_tail(log_file)}")


def _tail(log_file: Path) -> str:
    return "\n".join(log_file.read_text(errors="replace").splitlines()[-15:])
