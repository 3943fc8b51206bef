"""The compiled verifier, as ``python -m contracts.l1.build_verifier`` wrote it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

CONTRACT_NAME: Final = "StarkVerifier"
_L1_FOLDER: Final = Path(__file__).parents[1] / "l1"
SOURCE_FOLDER: Final = _L1_FOLDER / "src" / "verifier"
ARTIFACT_PATH: Final = _L1_FOLDER / "artifacts" / f"{CONTRACT_NAME}.json"


@dataclass(frozen=True, slots=True)
class VerifierArtifact:
    """The compiled contract.

    Attributes
    ----------
    bytecode
        Init code; constructor arguments follow it.
    compiler
        Name and version.
    source_sha256
        Digest of each source, by its file's name.
    """

    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime_bytecode: bytes
    compiler: str
    source_sha256: dict[str, str]


@cache
def verifier_artifact() -> VerifierArtifact:
    """Load the artifact."""
    return read_artifact(ARTIFACT_PATH)


def read_artifact(path: Path) -> VerifierArtifact:
    """Read an artifact that `contracts.l1.build_verifier` wrote."""
    content = json.loads(path.read_text())
    return VerifierArtifact(
        abi=content["abi"],
        bytecode=bytes.fromhex(content["bytecode"].removeprefix("0x")),
        runtime_bytecode=bytes.fromhex(content["runtime_bytecode"].removeprefix("0x")),
        compiler=content["compiler"],
        source_sha256=content["source_sha256"],
    )


def source_digests(sources: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of source files, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sources}
