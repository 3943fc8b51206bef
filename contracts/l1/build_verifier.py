"""Compiles the L1 verifier to the artifact that is committed beside it.

Needs Node, and the network once for the compiler from npm; the running product needs neither. Run
``python -m contracts.l1.build_verifier`` after a change in ``contracts/l1/src/verifier``, and with
``--check`` to see whether the artifact is what the sources compile to.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from contracts.verifier.artifact import (
    ARTIFACT_PATH,
    CONTRACT_NAME,
    SOURCE_FOLDER,
    source_digests,
)

SOLC_VERSION: Final = "0.8.37"
SETTINGS: Final[dict[str, Any]] = {
    "evmVersion": "prague",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 1_000_000},
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
}
_OUTPUTS: Final = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]
_DRIVER: Final = """
const solc = require('solc');
const input = require('fs').readFileSync(0, 'utf8');
process.stdout.write(JSON.stringify({version: solc.version(), ...JSON.parse(solc.compile(input))}));
"""


def build() -> str:
    """Return the artifact's text, the same on every machine.

    Raises
    ------
    SystemExit
        The compiler is not to be had, or refuses the sources.
    """
    sources = {
        path.name: {"content": path.read_text()} for path in sorted(SOURCE_FOLDER.glob("*.sol"))
    }
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": {**SETTINGS, "outputSelection": {"*": {"*": _OUTPUTS}}},
    }
    answer = _compile(json.dumps(request))
    problems = [entry["formattedMessage"] for entry in answer.get("errors", [])]
    if problems:
        raise SystemExit("\n".join(problems))
    output = answer["contracts"][f"{CONTRACT_NAME}.sol"][CONTRACT_NAME]
    artifact = {
        "name": CONTRACT_NAME,
        "compiler": f"solc {answer['version']}",
        "settings": SETTINGS,
        "source_sha256": source_digests(),
        "abi": output["abi"],
        "bytecode": "0x" + output["evm"]["bytecode"]["object"],
        "runtime_bytecode": "0x" + output["evm"]["deployedBytecode"]["object"],
    }
    return json.dumps(artifact, indent=1, sort_keys=True) + "\n"


def _compile(request: str) -> Any:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise SystemExit("building the verifier needs Node with npm")
    with tempfile.TemporaryDirectory(prefix="braid-solc-") as folder:
        install = [npm, "install", "--silent", "--no-fund", f"solc@{SOLC_VERSION}"]
        subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        driver = Path(folder) / "driver.js"
        driver.write_text(_DRIVER)
        done = subprocess.run(
            [node, str(driver)],
            cwd=folder,
            input=request,
            text=True,
            capture_output=True,
            check=True,
        )
    return json.loads(done.stdout)


def main(arguments: list[str]) -> int:
    """Build the artifact, or compare it with ``--check``; return the exit status."""
    built = build()
    if arguments == ["--check"]:
        if ARTIFACT_PATH.read_text() == built:
            return 0
        sys.stderr.write("stale artifact, run python -m contracts.l1.build_verifier\n")
        return 1
    ARTIFACT_PATH.parent.mkdir(exist_ok=True)
    ARTIFACT_PATH.write_text(built)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
