"""The verifier runs wherever Python does; the prover wherever JAX does, with the same proof."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import proving
from proving.commitment import hashing, merkle, sha256_lanes
from proving.field import host_arrays, ntt, ntt_lanes, openings
from proving.parameters import Parameters
from proving.stark import columns
from proving.stark.codec import encode
from proving.stark.prover import prove
from proving.stark.verifier import verify
from tests.support.toy_machine import TESTING, TESTING_SETTLEMENT, toy_key
from tests.support.toy_proofs import World, honest_world

ARRAY_LIBRARIES = ("jax", "jaxlib", "numpy", "numba")
VERIFIER = (
    "proving.stark.verifier",
    "proving.zkvm.verification",
    "proving.zkvm.proof_file",
    "proving.zkvm.machine",
    "proving.chips.registry",
)
PROVER = ("proving.stark.prover", "proving.zkvm.proving")

ROOT = Path(proving.__file__).parent
ON_DEVICES = [
    path
    for folder in ("air", "commitment", "field", "fri", "stark", "zkvm")
    for path in sorted((ROOT / folder).glob("*.py"))
]
"""The executor (`machine`) and the layout of traces are the host's work on every machine."""
ASKS_WHERE_IT_RUNS = (columns, hashing, merkle, ntt, openings)
ONLY_ON_HOSTS = (
    (ntt_lanes, ("extend", "transform")),
    (sha256_lanes, ("hash_rows",)),
    (openings, ("_sum_products",)),
)


# IMPORTS


def loaded_by(module: str) -> set[str]:
    """Array libraries that a fresh interpreter has after importing the module."""
    code = f"import sys, {module}; print(*[m for m in {ARRAY_LIBRARIES} if m in sys.modules])"
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(finished.stdout.split())


@pytest.mark.parametrize("module", VERIFIER)
def test_the_verifier_loads_no_array_library(module: str) -> None:
    assert loaded_by(module) == set()


@pytest.mark.parametrize("module", PROVER)
def test_the_prover_loads_them(module: str) -> None:
    assert loaded_by(module) >= {"jax", "numpy", "numba"}


# NO PLATFORM IS CHOSEN


def choices_of_a_platform(source: str) -> Iterator[str]:
    """Where code names a platform or a device instead of leaving it to JAX and to the user."""
    names = {"devices", "local_devices", "default_device", "Device"}
    settings = {"JAX_PLATFORMS", "JAX_PLATFORM_NAME", "jax_platforms", "jax_platform_name"}
    documentation = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation.add(id(node.value))
        if isinstance(node, ast.Attribute) and node.attr in names:
            yield f"line {node.lineno}: .{node.attr}"
        elif isinstance(node, ast.keyword) and node.arg in {"backend", "device", "platform"}:
            yield f"line {node.value.lineno}: {node.arg}="
        elif (
            isinstance(node, ast.Constant)
            and id(node) not in documentation
            and isinstance(node.value, str)
            and any(name in node.value for name in settings)
        ):
            yield f"line {node.lineno}: {node.value}"


@pytest.mark.parametrize("path", ON_DEVICES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_platform_is_chosen(path: Path) -> None:
    assert list(choices_of_a_platform(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "jax.devices('cpu')[0]",
        "with jax.default_device(device): pass",
        "jax.jit(f, backend='cpu')",
        "os.environ['JAX_PLATFORMS'] = 'cpu'",
        "jax.config.update('jax_platforms', 'cpu')",
        "jax.device_put(x, device=jax.local_devices()[0])",
    ],
)
def test_a_choice_of_a_platform_is_found(source: str) -> None:
    assert list(choices_of_a_platform(source))


def test_all_that_asks_where_it_runs_is_known() -> None:
    """So the test below takes the other path everywhere."""
    asking = {path for path in ON_DEVICES if "import" in path.read_text() and asks(path)}
    assert asking == {Path(str(module.__file__)) for module in ASKS_WHERE_IT_RUNS}


def asks(path: Path) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and any(name.name == "on_host" for name in node.names)
        for node in ast.walk(ast.parse(path.read_text()))
    )


# ONE PROOF EVERYWHERE


@contextmanager
def elsewhere() -> Iterator[None]:
    """The prover takes the path of devices, and code for hosts does not run at all."""

    def only_on_hosts(*_: object, **__: object) -> None:
        raise AssertionError("the path of devices calls code for hosts")

    with pytest.MonkeyPatch.context() as patch:
        for module in ASKS_WHERE_IT_RUNS:
            patch.setattr(module, "on_host", lambda: False)
        for owner, names in ONLY_ON_HOSTS:
            for name in names:
                patch.setattr(owner, name, only_on_hosts)
        yield


def assert_same_proof_elsewhere(world: World) -> None:
    with elsewhere():
        key = toy_key(world.key.verifying_key.proof_parameters)
        proof, _ = prove(key, world.traces, world.public_values)
    assert key.verifying_key.digest == world.key.verifying_key.digest
    assert encode(proof) == world.encoded
    verify(key.verifying_key, encode(proof), world.public_values)


@pytest.mark.slow
def test_the_path_of_devices_gives_the_same_proof() -> None:
    """Byte for byte: commitments, lookups, quotients, openings and FRI through XLA alone."""
    assert_same_proof_elsewhere(honest_world(TESTING, 6, None, None))


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [TESTING, TESTING_SETTLEMENT], ids=lambda p: p.name)
def test_the_path_of_devices_gives_the_same_proof_over_all_tables(parameters: Parameters) -> None:
    assert_same_proof_elsewhere(honest_world(parameters))


def test_the_path_of_hosts_is_the_other_one() -> None:
    """The pair to the tests above: what they forbid is what runs where JAX computes on the CPU."""
    if not host_arrays.on_host():
        pytest.skip("the default device is not the CPU")
    world = honest_world(TESTING, 6, None, None)
    calls = []
    extend = ntt_lanes.extend

    def counting(*given: Any) -> None:
        calls.append(len(given))
        extend(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ntt_lanes, "extend", counting)
        prove(world.key, world.traces, world.public_values)
    assert calls
