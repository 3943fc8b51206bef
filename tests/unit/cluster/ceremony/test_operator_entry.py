"""What an operator hands over: nobody else can make it, and nobody can change it on the way."""

import json
from dataclasses import replace

import pytest

from cluster.addresses import parse_multiaddress
from cluster.ceremony.operator_entry import MAX_ENTRY_BYTES, make_entry, open_entry, read_entry
from cluster.errors import KeysRefused
from ledger.ed25519 import Ed25519Signer
from ledger.keys import ValidatorKeys
from ledger.types import EvmAddress

ALICE, MALLORY = ValidatorKeys(b"\x01" * 32), ValidatorKeys(b"\x02" * 32)
ADDRESS = parse_multiaddress("/dns4/alice.example.org/tcp/9645")
ELSEWHERE = "/dns4/mallory.example.org/tcp/9645"


def entry_of(keys: ValidatorKeys = ALICE, name: str = "alice") -> dict[str, str]:
    return json.loads(make_entry(keys, name, ADDRESS))


def refused(entry: object) -> str:
    raw = entry if isinstance(entry, bytes) else json.dumps(entry).encode()
    with pytest.raises(KeysRefused) as error:
        open_entry(raw, "alice.json")
    return str(error.value)


def test_an_entry_is_what_the_genesis_is_going_to_list():
    opened = open_entry(make_entry(ALICE, "alice", ADDRESS), "alice.json")
    assert opened.validator == ALICE.genesis_entry("alice")
    assert opened.address == ADDRESS


def test_an_operator_may_name_who_gets_the_fees():
    mine = EvmAddress(b"\x77" * 20)
    opened = open_entry(make_entry(ALICE, "alice", ADDRESS, mine), "alice.json")
    assert opened.validator == replace(ALICE.genesis_entry("alice"), coinbase=mine)


def test_an_entry_holds_no_secret():
    raw = make_entry(ALICE, "alice", ADDRESS).decode()
    secrets = (b"\x01" * 32, ALICE.network_seed)
    assert not any(secret.hex() in raw for secret in secrets)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "alicia"),
        ("address", ELSEWHERE),
        ("coinbase", "0x" + "66" * 20),
        ("network_key", "0x" + Ed25519Signer(MALLORY.network_seed).public_key.hex()),
        ("consensus_key", "0x" + MALLORY.consensus.public_key.hex()),
        ("checkpoint_key", "0x" + MALLORY.checkpoint.public_key.hex()),
        ("possession_proof", "0x" + MALLORY.checkpoint.prove_possession().hex()),
        ("consensus_signature", "0x" + "00" * 64),
        ("network_signature", "0x" + "00" * 64),
    ],
)
def test_no_field_can_be_changed_on_the_way(field, value):
    message = refused(entry_of() | {field: value})
    assert message.startswith("alice.json is no entry of an operator")
    assert "braid keys public" in message


def test_the_keys_of_another_operator_cannot_be_handed_over_as_one_s_own():
    mine = entry_of(MALLORY, "mallory")
    for key, signature in (
        ("consensus_key", "consensus_signature"),
        ("network_key", "network_signature"),
        ("checkpoint_key", "possession_proof"),
    ):
        assert "does not verify" in refused(
            mine | {field: entry_of()[field] for field in (key, signature)}
        )


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 10_000,
        {},
        {"format": 2},
        {"format": 1},
    ],
    ids=["empty", "cut", "a list", "no text", "deep", "no fields", "another format", "only one"],
)
def test_what_is_no_entry_is_refused(entry):
    assert "alice.json is no entry of an operator" in refused(entry)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a" * 65),
        ("name", "a\nb"),
        ("name", " a"),
        ("name", 5),
        ("address", "alice.example.org:9645"),
        ("address", None),
        ("coinbase", "66" * 20),
        ("coinbase", "0x" + "66" * 19),
        ("consensus_key", "0x" + "zz" * 32),
        ("consensus_key", ["0x"]),
        ("checkpoint_key", "0x" + "00" * 48),
        ("checkpoint_key", "0xc0" + "00" * 47),
        ("unexpected", "x"),
    ],
)
def test_a_field_that_is_none_is_refused(field, value):
    refused(entry_of() | {field: value})


def test_a_file_that_is_missing_or_endless_is_refused(tmp_path):
    with pytest.raises(KeysRefused, match=r"alice\.json cannot be read"):
        read_entry(tmp_path / "alice.json")
    (tmp_path / "alice.json").write_bytes(b" " * (MAX_ENTRY_BYTES + 1))
    with pytest.raises(KeysRefused, match=f"longer than {MAX_ENTRY_BYTES} bytes"):
        read_entry(tmp_path / "alice.json")


@pytest.mark.parametrize("name", ["", "a" * 65, "a\x00"])
def test_no_entry_is_made_that_would_be_refused(name):
    with pytest.raises(KeysRefused, match="this entry is no entry"):
        make_entry(ALICE, name, ADDRESS)
