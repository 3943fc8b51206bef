"""The guest: the STF as a program of the zkVM, as it is committed with its SHA-256."""

from typing import Final

from execution._wasm_abi import read_artifact

GUEST_NAME: Final = "stf.elf"


def read_guest() -> bytes:
    """ELF file of the guest (riscv32im).

    Raises
    ------
    ModuleRejectedError
        The artifact is missing or is not the committed one.
    """
    return read_artifact(GUEST_NAME)
