"""The processes behind a node's parts, and what the operating system can do to them."""

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil
import ray
from ray.actor import ActorHandle

from cluster.chaos.errors import NotPossibleHere

PID_SECONDS: Final = 30.0


def run_inside(actor: ActorHandle, function: Any, *arguments: Any, seconds: float = 30.0) -> Any:
    """Run a function inside an actor's process, with the actor as first argument.

    This is how a fault gets into a process without a line for it in the product: the class is
    untouched, and a restart by Ray is clean again.
    """
    return ray.get(actor.__ray_call__.remote(function, *arguments), timeout=seconds)


def process_of(actor: ActorHandle) -> psutil.Process:
    """The process in which an actor lives now."""
    return psutil.Process(run_inside(actor, _own_pid, seconds=PID_SECONDS))


def kill_now(process: psutil.Process) -> None:
    """``kill -9``, and wait until the process is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended."""
    try:
        is_zombie: bool = process.status() == psutil.STATUS_ZOMBIE
        return is_zombie or not process.is_running()
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """Stop a process for the duration of a block, as a machine that hangs does."""
    process.suspend()
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def limit_file_size(process: psutil.Process, size_bytes: int) -> None:
    """Have every write beyond a size fail in a process: a full disk, as a program sees it.

    A real full disk gives ENOSPC, the limit gives EFBIG; :mod:`storage.journal` treats them alike.

    Raises
    ------
    NotPossibleHere
        If the system does not let us.
    """
    try:
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size_bytes, hard))
    except (OSError, AttributeError) as error:
        raise NotPossibleHere(f"limits of another process cannot be set: {error}") from error


def newest_segment(journal_directory: Path) -> Path:
    """The journal file to which a validator appends."""
    return max(journal_directory.glob("*.journal"))


def _own_pid(_actor: Any) -> int:
    return os.getpid()
