"""The compiled contracts, as ``python -m contracts.build`` wrote them."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from contracts.errors import UnknownContractError

ARTIFACTS_FOLDER: Final = Path(__file__).parent / "artifacts"

PREDEPLOY_NAMES: Final = ("Portal", "RoundGuard", "OwnershipOracle", "BridgedTokens")
"""Contracts that genesis puts at fixed addresses."""

GAME_NAMES: Final = ("AccessPass", "Trophy", "Market", "Arena")
"""Contracts of the example game, deployed by transactions."""

EXAMPLE_NAMES: Final = ("ForgedArena", "BackdooredArena")
"""Contracts that show an attack; never part of a deployment."""

CONTRACT_NAMES: Final = PREDEPLOY_NAMES + GAME_NAMES + EXAMPLE_NAMES


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    ``bytecode`` is the init code (constructor arguments follow it),
    ``runtime_bytecode`` what genesis stores. ``storage_layout`` maps each
    variable, ``module.variable`` for those of imported modules, to its slot.
    ``abi`` is the JSON ABI as web3.py takes it.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime_bytecode: bytes
    has_immutables: bool
    storage_layout: dict[str, int]


def artifact_path(name: str) -> Path:
    """Return the file of a contract's artifact."""
    return ARTIFACTS_FOLDER / f"{name}.json"


@cache
def artifact(name: str) -> Artifact:
    """Load one compiled contract.

    Parameters
    ----------
    name
        One of :data:`CONTRACT_NAMES`.

    Raises
    ------
    UnknownContractError
        There is no such contract.

    """
    if name not in CONTRACT_NAMES:
        raise UnknownContractError(name, CONTRACT_NAMES)
    return load_artifact(name, artifact_path(name))


def load_artifact(name: str, path: Path) -> Artifact:
    """Load a compiled contract from the file that ``contracts.build`` wrote."""
    content = json.loads(path.read_text())
    return Artifact(
        name=name,
        abi=content["abi"],
        bytecode=bytes.fromhex(content["bytecode"].removeprefix("0x")),
        runtime_bytecode=bytes.fromhex(content["runtime_bytecode"].removeprefix("0x")),
        has_immutables=content["has_immutables"],
        storage_layout=content["storage_layout"],
    )
