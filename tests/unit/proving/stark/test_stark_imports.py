"""The verifier is plain Python; the prover runs wherever JAX does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import proving.stark

ARRAY_LIBRARIES = ("jax", "jaxlib", "numpy", "numba")
ARRAY_CODE = (
    *Path(proving.stark.__file__).parent.glob("*.py"),
    *(Path(proving.stark.__file__).parents[1] / "air").glob("*.py"),
)
ONLY_ON_A_CPU = {"numba", "ctypes", "multiprocessing"}


def loaded_by(module: str) -> list[str]:
    code = f"import sys, {module}; print([m for m in {ARRAY_LIBRARIES} if m in sys.modules])"
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return [name for name in ARRAY_LIBRARIES if repr(name) in finished.stdout]


@pytest.mark.parametrize("module", ["proving.stark.verifier", "proving.stark.keys"])
def test_the_verifier_loads_no_array_library(module: str) -> None:
    assert loaded_by(module) == []


def test_the_prover_does() -> None:
    assert "jax" in loaded_by("proving.stark.prover")


@pytest.mark.parametrize("path", ARRAY_CODE, ids=lambda path: path.name)
def test_nothing_in_the_prover_is_only_for_cpus(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    assert imported.isdisjoint(ONLY_ON_A_CPU)
