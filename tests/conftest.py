"""What all tests share: how Ray authenticates, hypothesis' examples, and what runs last."""

from pathlib import Path

import pytest
from hypothesis import settings

import cluster

assert cluster.__doc__, "imported first: it sets variables that Ray reads when it is imported"

TESTS = Path(__file__).parent
LOADS_THE_PROVER = ("soundness", "unit/proving", "property/proving", "differential/proving")
"""Folders whose tests share programs that take long to load, once in a process."""

END_TO_END = TESTS / "e2e"
START_RAY = {END_TO_END / "cluster", END_TO_END / "prover"}

settings.register_profile("braid", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("braid")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--l1 anvil``: tests of settlement on anvil instead of the embedded L1."""
    parser.addoption("--l1", choices=("embedded", "anvil"), default="embedded")


def _group_of(item: pytest.Item) -> str:
    """Tests of one group run in one process: those of a file, and all that load the prover."""
    folder = item.path.relative_to(TESTS).as_posix()
    is_proving = folder.startswith(LOADS_THE_PROVER)
    return "the prover" if is_proving else folder


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Say what may run beside what, for `pytest -n 2 --dist loadgroup`."""
    item.add_marker(pytest.mark.xdist_group(_group_of(item)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start Ray in this process last.

    A wasm trap is a signal (SIGILL), which wasmtime's handler turns into an error. Ray
    installs handlers of its own over it when a process connects, and the next trap
    would end the process. Executor actors are safe: there wasmtime comes after Ray.
    """
    items.sort(key=lambda item: not START_RAY.isdisjoint(item.path.parents))
