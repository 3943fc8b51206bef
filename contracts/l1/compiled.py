"""The compiled contracts of L1, as ``python -m contracts.build`` wrote them."""

from functools import cache
from pathlib import Path
from typing import Final

from contracts.compiled import Artifact, load_artifact
from contracts.errors import UnknownContractError

L1_ARTIFACTS_FOLDER: Final = Path(__file__).parent / "artifacts"

L1_CONTRACT_NAMES: Final = ("Rollup", "Exits", "ValidatorRegistry", "TestToken")
"""Contracts that are deployed on L1, beside the verifier."""


def l1_artifact_path(name: str) -> Path:
    """Return the file of a contract's artifact."""
    return L1_ARTIFACTS_FOLDER / f"{name}.json"


@cache
def l1_artifact(name: str) -> Artifact:
    """Load one compiled contract.

    Parameters
    ----------
    name
        One of :data:`L1_CONTRACT_NAMES`.

    Raises
    ------
    UnknownContractError
        There is no such contract.

    """
    if name not in L1_CONTRACT_NAMES:
        raise UnknownContractError(name, L1_CONTRACT_NAMES)
    return load_artifact(name, l1_artifact_path(name))
