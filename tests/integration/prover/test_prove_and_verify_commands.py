"""`braid prove --elf` and `braid verify`: what they write, what they say, and what they refuse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from proving.zkvm.proof_file import ProofFile, decode_proof_file, encode_proof_file
from tests.support.braid_main import BraidMain
from tests.support.riscv_assembler import Assembler

INPUT = b"\x2a\0\0\0and more"
FIRST_WORD = 42
FIGURES = {
    "proof",
    "segments",
    "cycles",
    "seconds",
    "seconds_by_phase",
    "peak_memory_bytes",
    "proof_bytes",
}


def program_elf(exit_code: int = 0) -> bytes:
    """Publishes the length of its input and the first word of it."""
    code = Assembler()
    code.li("s0", 0x40000000)
    for index in range(2):
        code.lw("t0", 4 * index, "s0")
        code.commit(index, "t0")
    code.halt(exit_code)
    return code.elf()


@pytest.fixture
def braid(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> BraidMain:
    return BraidMain(monkeypatch, capfd)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A program, another one, and an input."""
    folder = tmp_path_factory.mktemp("programs")
    contents = {
        "program": program_elf(),
        "failing": program_elf(exit_code=3),
        "input": INPUT,
        "text": b"this is no proof",
        "nothing": b"",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


@pytest.fixture(scope="module")
def proof(files: dict[str, Path]) -> Path:
    """Where the proof is that the first test writes."""
    return files["program"].with_name("elf.proof")


@pytest.fixture
def proved(braid: BraidMain, files: dict[str, Path], proof: Path) -> Path:
    """The proof file, which is written once."""
    if not proof.exists():
        program, given = str(files["program"]), str(files["input"])
        ended = braid("prove", "--elf", program, "--stdin", given, "--out", str(proof))
        assert ended.code == 0, ended.stderr
    return proof


def words_of(proof_file: ProofFile) -> tuple[int, ...]:
    (segment,) = proof_file.segments
    return segment.public_values


# PROVE


def test_a_program_is_proved_with_every_figure(
    braid: BraidMain, files: dict[str, Path], proof: Path
) -> None:
    program, given = str(files["program"]), str(files["input"])
    ended = braid("prove", "--elf", program, "--stdin", given, "--out", str(proof), "--json")
    assert ended.code == 0, ended.stderr
    (line,) = ended.stdout.splitlines()
    figures = json.loads(line)
    assert set(figures) == FIGURES
    assert figures["proof_bytes"] == proof.stat().st_size
    assert figures["segments"] == 1
    assert 0 < figures["cycles"] < 30
    assert figures["peak_memory_bytes"] > 0
    assert {"setup", "execute", "open"} < set(figures["seconds_by_phase"])
    assert words_of(decode_proof_file(proof.read_bytes())) == (len(INPUT), FIRST_WORD)
    assert [path.name for path in proof.parent.glob("*.part")] == []


def test_without_an_input_the_program_finds_none(
    braid: BraidMain, files: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "new folder [/dim]" / "proof"
    ended = braid("prove", "--elf", str(files["program"]), "--out", str(out))
    assert (ended.code, ended.stdout) == (0, "")
    assert "check them with `braid verify" in ended.stderr
    assert words_of(decode_proof_file(out.read_bytes())) == (0, 0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("failing", "exit code 3"),
        ("text", "not a program of this machine"),
        ("nothing", "not a program of this machine"),
        ("absent", "cannot be read: No such file"),
        ("", "cannot be read: Is a directory"),
    ],
)
def test_what_cannot_be_proved_is_named_and_leaves_no_file(
    braid: BraidMain, files: dict[str, Path], tmp_path: Path, name: str, reason: str
) -> None:
    program, out = files["program"].parent / name, tmp_path / "proof"
    ended = braid("prove", "--elf", str(program), "--out", str(out))
    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: ")
    assert reason in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_input_that_cannot_be_read_is_named(
    braid: BraidMain, files: dict[str, Path], tmp_path: Path
) -> None:
    absent = str(tmp_path / "absent")
    ended = braid("prove", "--elf", str(files["program"]), "--stdin", absent)
    assert ended.code == 1
    assert "the input" in ended.stderr
    assert "cannot be read" in ended.stderr


def test_bytes_that_are_no_witness_are_not_proved(
    braid: BraidMain, files: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "proof"
    ended = braid("prove", "--witness", str(files["text"]), "--out", str(out))
    assert ended.code == 1
    assert ended.stderr.startswith("error: ")
    assert not out.exists()


def test_blocks_are_not_proved_without_a_network(braid: BraidMain, tmp_path: Path) -> None:
    for command in ("prove", "witness"):
        ended = braid(command, "--from", "1", "--to", "2", "--dir", str(tmp_path))
        assert ended.code == 1
        assert "holds no network" in ended.stderr


# VERIFY


def test_a_proof_is_verified_in_words(braid: BraidMain, proved: Path) -> None:
    ended = braid("verify", str(proved))
    assert (ended.code, ended.stdout) == (0, "")
    assert ended.stderr.startswith("valid: ")
    assert f"Public values: {len(INPUT):08x} {FIRST_WORD:08x}" in ended.stderr


def test_a_proof_is_verified_against_its_program(
    braid: BraidMain, files: dict[str, Path], proved: Path
) -> None:
    ended = braid("verify", str(proved), "--elf", str(files["program"]), "--json")
    assert ended.code == 0, ended.stderr
    figures = json.loads(ended.stdout)
    assert figures["valid"] is True
    assert figures["program"] == "other"
    assert figures["public_values"] == [[len(INPUT), FIRST_WORD]]
    assert figures["parameter_set"] == "fast"
    assert figures["security_bits"] >= 96
    assert len(bytes.fromhex(figures["key_digest"])) == 32


def test_a_proof_of_another_program_is_refused(
    braid: BraidMain, files: dict[str, Path], proved: Path
) -> None:
    ended = braid("verify", str(proved), "--elf", str(files["failing"]))
    assert (ended.code, ended.stdout) == (1, "")
    assert "the proof is of another program" in ended.stderr


def tampered(encoded: bytes) -> dict[str, bytes]:
    """Files that do not prove what they say, by what was changed."""
    honest = decode_proof_file(encoded)
    (segment,) = honest.segments
    middle = len(segment.proof) // 2
    flipped = bytearray(segment.proof)
    flipped[middle] ^= 1
    claims = {
        "a byte of the proof": replace(segment, proof=bytes(flipped)),
        "the proof's end": replace(segment, proof=segment.proof[:-1]),
        "a public value": replace(segment, public_values=(len(INPUT), FIRST_WORD + 1)),
        "no public values": replace(segment, public_values=()),
    }
    changed = {name: replace(honest, segments=(claim,)) for name, claim in claims.items()}
    changed["a second segment"] = replace(honest, segments=(segment, claims["a public value"]))
    changed["no segment"] = replace(honest, segments=())
    keys = {
        "the entry": replace(honest.key, entry_pc=honest.key.entry_pc + 4),
        "the program": replace(honest.key, preprocessed_root=bytes(32)),
        "the parameter set": replace(honest.key, parameter_set="settlement"),
        "an unknown parameter set": replace(honest.key, parameter_set="quick"),
        "a set whose name is markup": replace(honest.key, parameter_set="[/red]"),
    }
    changed |= {name: replace(honest, key=key) for name, key in keys.items()}
    files = {name: encode_proof_file(file) for name, file in changed.items()}
    return files | {"the file's end": encoded[:-1], "a byte more": encoded + b"\0"}


def test_a_tampered_proof_is_rejected_with_a_reason(
    braid: BraidMain, proved: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tampered.proof"
    for name, content in tampered(proved.read_bytes()).items():
        path.write_bytes(content)
        ended = braid("verify", str(path), "--json")
        assert (ended.code, ended.stdout) == (1, ""), name
        said, reason = ended.stderr.split(" is rejected: ")
        assert said.startswith("error: "), name
        assert "expected" in reason, name


@pytest.mark.parametrize("name", ["program", "text", "nothing"])
def test_a_file_that_is_no_proof_is_rejected(
    braid: BraidMain, files: dict[str, Path], name: str
) -> None:
    ended = braid("verify", str(files[name]))
    assert (ended.code, ended.stdout) == (1, "")
    assert "is rejected: proof file: expected a canonical proof file" in ended.stderr


@pytest.mark.parametrize(("name", "reason"), [("absent", "No such file"), ("", "Is a directory")])
def test_a_proof_that_cannot_be_read_is_named(
    braid: BraidMain, tmp_path: Path, name: str, reason: str
) -> None:
    ended = braid("verify", str(tmp_path / name))
    assert (ended.code, ended.stdout) == (1, "")
    assert f"cannot be read: {reason}" in ended.stderr
