"""One Ray for this folder's pools, and real proofs that are made once."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ray

sys.path.insert(0, str(Path(__file__).parent))

import recorded_prover
from ray_pools import RayPool
from small_program import program_elf

from actors.config import ACTOR_NAMESPACE
from actors.prover.pool.programs import PoolProgram
from cluster.ray_instance import RayInstance, start_ray, stop_processes
from cluster.session import PROCESS_RAY_TOKEN
from proving.machine.elf import load_elf
from proving.parameters import FAST

LOGICAL_CPUS, LOGICAL_GPUS = 3, 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="package")
def ray_head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayInstance]:
    """A Ray of three processors and two GPUs that are not there; this process is its driver."""
    folder = tmp_path_factory.mktemp("ray")
    token_file = folder / "ray.token"
    token_file.write_text(PROCESS_RAY_TOKEN)
    instance = start_ray(token_file, folder / "ray.log", LOGICAL_CPUS, LOGICAL_GPUS)
    try:
        os.environ.update(instance.environment())
        ray.cloudpickle.register_pickle_by_value(recorded_prover)
        connect(instance)
        yield instance
        ray.shutdown()
    finally:
        assert stop_processes(instance.pid, instance.temporary_directory) == 0


def connect(instance: RayInstance) -> None:
    """Become a driver."""
    ray.init(
        address=instance.address,
        namespace=ACTOR_NAMESPACE,
        log_to_driver=False,
        logging_level="ERROR",
    )


@pytest.fixture(scope="package")
def program(tmp_path_factory: pytest.TempPathFactory) -> PoolProgram:
    """The small program, with its key."""
    from proving.zkvm.program_key import make_program_key

    elf_file = tmp_path_factory.mktemp("program") / "small.elf"
    elf_file.write_bytes(program_elf())
    return PoolProgram(elf_file, FAST, make_program_key(load_elf(program_elf()), FAST).record)


@pytest.fixture(scope="package")
def folder() -> Iterator[Path]:
    """Directories of the nodes; its path is short."""
    with tempfile.TemporaryDirectory(prefix="pools-") as name:
        yield Path(name)


@pytest.fixture
def make_pool(
    ray_head: RayInstance, folder: Path, program: PoolProgram, request: pytest.FixtureRequest
) -> Iterator[Callable[..., RayPool]]:
    """Makes pools, and stops them in the end."""
    pools: list[RayPool] = []

    def make(index: int | None = None) -> RayPool:
        unused = 10 + len(list(folder.glob("node-*"))) + len(pools)
        pools.append(RayPool(unused if index is None else index, folder, program))
        return pools[-1]

    yield make
    for pool in pools:
        pool.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[object]:
    report = yield
    if report.failed:
        folder = getattr(item, "funcargs", {}).get("folder")
        for log in sorted(folder.glob("node-*/logs/*.jsonl")) if folder else ():
            report.sections.append((str(log), log.read_text(errors="replace")[-4000:]))
    return report
