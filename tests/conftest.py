"""What all tests share: how Ray authenticates, hypothesis' examples, and what runs last."""

from pathlib import Path

import pytest
from hypothesis import settings

import cluster

assert cluster.__doc__, "imported first: it sets variables that Ray reads when it is imported"

END_TO_END = Path(__file__).parent / "e2e"
START_RAY = {END_TO_END / "cluster", END_TO_END / "prover"}

settings.register_profile("braid", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("braid")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--l1 anvil``: tests of settlement on anvil instead of the embedded L1."""
    parser.addoption("--l1", choices=("embedded", "anvil"), default="embedded")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start Ray in this process last.

    A wasm trap is a signal (SIGILL), which wasmtime's handler turns into an error. Ray
    installs handlers of its own over it when a process connects, and the next trap
    would end the process. Executor actors are safe: there wasmtime comes after Ray.
    """
    items.sort(key=lambda item: not START_RAY.isdisjoint(item.path.parents))
