"""Compiles the L1 verifier to the artifact that is committed beside it, and the probe of its tests.

Needs Node, and the network once for the compiler from npm; the running product needs neither. Run
``python -m contracts.l1.build_verifier`` after a change in ``contracts/l1/src/verifier``, and with
``--check`` to see whether the artifacts are what the sources compile to.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contracts.verifier.artifact import (
    ARTIFACT_PATH,
    CONTRACT_NAME,
    SOURCE_FOLDER,
    source_digests,
)

_PROBE: Final = Path(__file__).parents[2] / "tests/unit/contracts/verifier/VerifierProbe"

SOLC_VERSION: Final = "0.8.37"
SETTINGS: Final[dict[str, Any]] = {
    "evmVersion": "prague",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 1_000_000},
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
}
_OUTPUTS: Final = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]


@dataclass(frozen=True, slots=True)
class Target:
    """A contract to compile: the verifier's sources, and some more."""

    contract: str
    artifact: Path
    more_sources: tuple[Path, ...] = ()

    def sources(self) -> list[Path]:
        """All source files."""
        return [*sorted(SOURCE_FOLDER.glob("*.sol")), *self.more_sources]


TARGETS: Final = (
    Target(CONTRACT_NAME, ARTIFACT_PATH),
    Target(_PROBE.name, _PROBE.with_suffix(".json"), (_PROBE.with_suffix(".sol"),)),
)
_DRIVER: Final = """
const solc = require('solc');
const input = require('fs').readFileSync(0, 'utf8');
process.stdout.write(JSON.stringify({version: solc.version(), ...JSON.parse(solc.compile(input))}));
"""


def build(target: Target, compiler: Path) -> str:
    """Return an artifact's text, the same on every machine.

    Raises
    ------
    SystemExit
        The compiler refuses the sources.
    """
    request = {
        "language": "Solidity",
        "sources": {path.name: {"content": path.read_text()} for path in target.sources()},
        "settings": {**SETTINGS, "outputSelection": {"*": {"*": _OUTPUTS}}},
    }
    answer = _compile(json.dumps(request), compiler)
    problems = [entry["formattedMessage"] for entry in answer.get("errors", [])]
    if problems:
        raise SystemExit("\n".join(problems))
    output = answer["contracts"][f"{target.contract}.sol"][target.contract]
    artifact = {
        "name": target.contract,
        "compiler": f"solc {answer['version']}",
        "settings": SETTINGS,
        "source_sha256": source_digests(target.sources()),
        "abi": output["abi"],
        "bytecode": "0x" + output["evm"]["bytecode"]["object"],
        "runtime_bytecode": "0x" + output["evm"]["deployedBytecode"]["object"],
    }
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def _compile(request: str, folder: Path) -> Any:
    driver = folder / "driver.js"
    driver.write_text(_DRIVER)
    done = subprocess.run(
        ["node", str(driver)], cwd=folder, input=request, text=True, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("building the verifier needs Node with npm")
    install = [npm, "install", "--silent", "--no-fund", f"solc@{SOLC_VERSION}"]
    subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def main(arguments: list[str]) -> int:
    """Build the artifacts, or compare them with ``--check``; return the exit status."""
    stale = []
    with tempfile.TemporaryDirectory(prefix="braid-solc-") as folder:
        _install(Path(folder))
        for target in TARGETS:
            built = build(target, Path(folder))
            if target.artifact.is_file() and target.artifact.read_text() == built:
                continue
            stale.append(target.contract)
            if arguments != ["--check"]:
                target.artifact.write_text(built)
    if arguments == ["--check"] and stale:
        names = ", ".join(stale)
        sys.stderr.write(f"stale, run python -m contracts.l1.build_verifier: {names}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
