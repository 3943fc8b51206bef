"""The verifier is plain Python: it runs where no array library is installed."""

import subprocess
import sys

import pytest

ARRAY_LIBRARIES = ("jax", "jaxlib", "numpy", "numba")


def loaded_by(module: str) -> list[str]:
    code = f"import sys, {module}; print([m for m in {ARRAY_LIBRARIES} if m in sys.modules])"
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return [name for name in ARRAY_LIBRARIES if repr(name) in finished.stdout]


@pytest.mark.parametrize("module", ["proving.fri.verifier", "proving.security"])
def test_the_verifier_loads_no_array_library(module: str) -> None:
    assert loaded_by(module) == []


def test_the_prover_does() -> None:
    assert "jax" in loaded_by("proving.fri.prover")
