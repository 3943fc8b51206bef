"""Blocks really proved, through `braid prove --witness` and `braid verify`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from actors.prover.errors import StatementRejected
from actors.prover.proofs import is_batch, verify_batch
from execution.engine import WasmEngine
from execution.statement import encode as encode_statement
from execution.statement import public_values
from proving.errors import ProofRejected
from proving.zkvm.proof_file import ProofFile, decode_proof_file, encode_proof_file
from tests.integration.prover.test_batches import SPEC, blocks, segments
from tests.support.braid_main import BraidMain

pytestmark = [pytest.mark.soundness, pytest.mark.timeout(900)]


@pytest.fixture
def braid(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> BraidMain:
    return BraidMain(monkeypatch, capfd)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batch")


@pytest.fixture
def proved(braid: BraidMain, folder: Path) -> ProofFile:
    """Blocks 1 and 2, a proof for each; made once."""
    out = folder / "whole.proof"
    if not out.exists():
        parts = []
        for number, segment in enumerate(segments(2, segment_cycles=1), start=1):
            witness, part = folder / f"{number}.witness", folder / f"{number}.proof"
            witness.write_bytes(segment.witness)
            ended = braid("prove", "--witness", str(witness), "--out", str(part))
            assert ended.code == 0, ended.stderr
            parts.append(decode_proof_file(part.read_bytes()))
        whole = replace(parts[0], segments=parts[0].segments + parts[1].segments)
        out.write_bytes(encode_proof_file(whole))
    return decode_proof_file(out.read_bytes())


def test_blocks_are_proved_and_verified_in_words(
    braid: BraidMain, folder: Path, proved: ProofFile
) -> None:
    engine = WasmEngine(SPEC)
    for entry in blocks(2):
        result = engine.execute(entry.block)
    ended = braid("verify", str(folder / "whole.proof"), "--json")
    assert ended.code == 0, ended.stderr
    figures = json.loads(ended.stdout)
    assert (figures["program"], figures["segments"]) == ("stf", 2)
    assert (figures["first_block"], figures["last_block"]) == (1, 2)
    assert figures["new_state_root"] == result.state_root.hex()
    assert "2 block(s), 1 to 2" in braid("verify", str(folder / "whole.proof")).stderr


def test_proofs_of_blocks_are_those_of_the_guest(proved: ProofFile) -> None:
    assert is_batch(proved)
    key = replace(proved.key, preprocessed_root=bytes(32))
    assert not is_batch(replace(proved, key=key))
    with pytest.raises(StatementRejected, match="another program"):
        verify_batch(replace(proved, key=key))


def test_proofs_that_do_not_chain_are_rejected(proved: ProofFile) -> None:
    first, second = proved.segments
    verify_batch(proved)
    for others in ((second, first), (first, first), (first, second, second)):
        with pytest.raises(StatementRejected):
            verify_batch(replace(proved, segments=others))


def test_a_statement_that_the_proof_does_not_show_is_rejected(proved: ProofFile) -> None:
    first, second = proved.segments
    for statement in (b"", second.statement, first.statement[:-1], first.statement + b"\0"):
        claimed = replace(first, statement=statement)
        with pytest.raises(StatementRejected):
            verify_batch(replace(proved, segments=(claimed, second)))


def test_a_statement_with_public_values_of_its_own_is_rejected(
    braid: BraidMain, proved: ProofFile, tmp_path: Path
) -> None:
    """The file is consistent, and only the proof says no."""
    other = replace(segments(1, segment_cycles=1)[0].statement, l1_chain_id=9)
    claimed = replace(
        proved.segments[0],
        statement=encode_statement(other),
        public_values=public_values(other),
    )
    forged = replace(proved, segments=(claimed,))
    with pytest.raises(ProofRejected):
        verify_batch(forged)
    path = tmp_path / "forged.proof"
    path.write_bytes(encode_proof_file(forged))
    ended = braid("verify", str(path))
    assert (ended.code, ended.stdout) == (1, "")
    assert "is rejected" in ended.stderr
