"""`braid verify`."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from actors.prover.errors import StatementRejected
from actors.prover.proofs import is_batch, verify_batch
from cluster.errors import ClusterError, ProofRefused
from cluster.output import print_json, rounded, say
from cluster.proofs.files import MAX_ELF_BYTES, read_input
from execution.statement import describe, digest
from proving.errors import ProofRejected
from proving.machine.elf import load_elf
from proving.machine.errors import MachineError
from proving.zkvm.proof_file import MAX_FILE_BYTES, ProofFile, decode_proof_file, key_of
from proving.zkvm.verification import security_of, verify_file


def verify(path: Path, elf_file: Path | None, as_json: bool) -> None:
    """Check a proof file and say what it proves.

    Raises
    ------
    ProofRefused
        It does not prove what it says.
    """
    started = perf_counter()
    content = read_input(path, "the proof", MAX_FILE_BYTES)
    try:
        proof_file = decode_proof_file(content)
        if elf_file is not None:
            _check_program(proof_file, elf_file)
        claim, figures = _verify(proof_file)
        key = key_of(proof_file)
        security = security_of(key, proof_file.segments[0].proof)
    except (ProofRejected, StatementRejected) as error:
        raise ProofRefused(f"{path} is rejected: {error}") from error
    figures |= {
        "segments": len(proof_file.segments),
        "parameter_set": proof_file.key.parameter_set,
        "key_digest": key.digest.hex(),
        "security_bits": rounded(security.bits, 2),
        "verify_seconds": rounded(perf_counter() - started, 2),
    }
    if as_json:
        print_json({"valid": True, **figures})
        return
    say(f"[green]valid[/]: {claim}")
    say(
        f"[dim]{figures['segments']} proof(s), parameters '{figures['parameter_set']}', "
        f"{figures['security_bits']} bits ({security.regime}), {figures['verify_seconds']} s[/]"
    )


def _verify(proof_file: ProofFile) -> tuple[str, dict[str, Any]]:
    if is_batch(proof_file):
        statement = verify_batch(proof_file)
        return describe(statement), {
            "program": "stf",
            "first_block": statement.first_block,
            "last_block": statement.last_block,
            "previous_state_root": statement.previous_state_root.hex(),
            "new_state_root": statement.new_state_root.hex(),
            "statement_digest": digest(statement).hex(),
        }
    key = verify_file(proof_file)
    public_values = [list(segment.public_values) for segment in proof_file.segments]
    words = "; ".join(
        " ".join(f"{word:08x}" for word in values) or "none" for values in public_values
    )
    claim = (
        f"the program with the key {key.digest.hex()} ran to its end with success.\n"
        f"Public values: {words}\n"
        "Compare the key with the one of your program, or give the program with --elf."
    )
    return claim, {"program": "other", "public_values": public_values}


def _check_program(proof_file: ProofFile, elf_file: Path) -> None:
    """The file's key is that of this program."""
    from proving.zkvm.program_key import make_program_key

    try:
        program = load_elf(read_input(elf_file, "the program", MAX_ELF_BYTES))
    except MachineError as error:
        raise ClusterError(f"{elf_file}: {error}") from error
    parameters = key_of(proof_file).proof_parameters
    if make_program_key(program, parameters).record != proof_file.key:
        raise StatementRejected(f"the proof is of another program than {elf_file}")
