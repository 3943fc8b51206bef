"""The package is sans-IO: the same state and event always give the same effects."""

import ast
from copy import deepcopy
from pathlib import Path

import pytest

import consensus
from consensus import ConsensusConfig, InvalidTiming, step
from consensus.events import MessageReceived, Tick
from ledger.types import ValidatorIndex
from tests.simulation.bench import Bench

FORBIDDEN = {"asyncio", "ray", "random", "time", "datetime", "logging", "os", "socket", "secrets"}
MODULES = sorted(Path(consensus.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_imports_neither_clock_nor_randomness_nor_io(path: Path) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported.update(alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported & FORBIDDEN == set()


def test_copy_of_a_state_answers_like_the_original(bench: Bench) -> None:
    bench.accept(bench.proposal(1))
    copy = deepcopy(bench.state)
    event = MessageReceived(ValidatorIndex(2), bench.notarize(2, bench.proposal(1)))
    original_state, original_effects = step(bench.state, event, 50)
    copied_state, copied_effects = step(copy, event, 50)
    assert original_effects == copied_effects
    assert original_state == copied_state


def test_stepping_a_copy_leaves_the_original_alone(bench: Bench) -> None:
    copy = deepcopy(bench.state)
    step(copy, Tick(), 10_000)
    assert copy != bench.state


def test_configuration_without_time_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidTiming):
        ConsensusConfig(bench.config.index, bench.validators, bench.config.sign, delta_ms=0)
