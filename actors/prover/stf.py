"""The guest: the state transition function as a program of the zkVM, and the key it is known by."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Final

from proving.machine.elf import load_elf
from proving.machine.program import Program
from proving.parameters import FAST, KNOWN_PARAMETERS
from proving.zkvm.proof_file import KeyRecord

ARTIFACTS: Final = Path(__file__).resolve().parents[2] / "stf" / "artifacts"
_KEYS_FILE: Final = ARTIFACTS / "stf.keys.json"


@cache
def load_guest() -> Program:
    """Return the program whose proofs settle the ZK chain."""
    return load_elf((ARTIFACTS / "stf.elf").read_bytes())


def guest_key(parameter_set: str = FAST.name) -> KeyRecord:
    """Return the guest's key, which `python -m actors.prover.stf` writes after every build.

    Raises
    ------
    KeyError
        There is no such parameter set.
    """
    record = json.loads(_KEYS_FILE.read_text())[parameter_set]
    return KeyRecord(**record | {"preprocessed_root": bytes.fromhex(record["preprocessed_root"])})


def write_guest_keys() -> None:
    """Commit to the guest under every parameter set, and write the keys beside it."""
    from proving.zkvm.program_key import make_program_key

    keys = {}
    for name, parameters in KNOWN_PARAMETERS.items():
        record = make_program_key(load_guest(), parameters).record
        keys[name] = asdict(record) | {"preprocessed_root": record.preprocessed_root.hex()}
    _KEYS_FILE.write_text(json.dumps(keys, indent=2) + "\n")


if __name__ == "__main__":
    write_guest_keys()
