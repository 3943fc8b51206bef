"""The reference engine's parts against Ethereum's own state tests for Prague."""

import json
from pathlib import Path
from typing import Any

import pytest
import rlp

from execution._reference_state import new_database, write_genesis
from execution._reference_transactions import Skip, check_account, check_without_state, decode
from execution._reference_vm import apply_transaction, build_state
from execution.types import Address, BlockInput, GenesisAccount, Hash32, Log
from ledger.hashing import keccak

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "evm" / "state_tests"
BLOB_TYPE = b"\x03"
MIN_CASES = 500
SAMPLE_EVERY = 10

# py-evm takes minutes for BLS12-381; the differential tests compare a sample of it.
BLS_FOLDER = "eip2537_bls_12_381_precompiles"

pytestmark = [
    pytest.mark.vectors,
    pytest.mark.skipif(not VECTORS.is_dir(), reason="no ../shared/vectors/evm/state_tests"),
    pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning"),
]

# Name, fixture, and the expectation for Prague.
Case = tuple[str, dict[str, Any], dict[str, Any]]


def number(text: str) -> int:
    return int(text, 16)


def raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def genesis(pre: dict[str, Any]) -> dict[Address, GenesisAccount]:
    return {
        Address(raw(address)): GenesisAccount(
            balance_wei=number(account["balance"]),
            nonce=number(account["nonce"]),
            code=raw(account["code"]),
            storage={number(slot): number(value) for slot, value in account["storage"].items()},
        )
        for address, account in pre.items()
    }


def block(environment: dict[str, str]) -> BlockInput:
    return BlockInput(
        number=number(environment["currentNumber"]),
        timestamp_seconds=number(environment["currentTimestamp"]),
        prev_randao=Hash32(number(environment["currentRandom"]).to_bytes(32, "big")),
        coinbase=Address(raw(environment["currentCoinbase"])),
        gas_limit=number(environment["currentGasLimit"]),
        system_transactions=(),
        transactions=(),
        senders=(),
    )


def run(fixture: dict[str, Any], transaction_bytes: bytes) -> tuple[Hash32, tuple[Log, ...]]:
    """State root and logs after the fixture's one transaction."""
    environment = fixture["env"]
    base_fee_wei = number(environment["currentBaseFee"])
    chain_id = number(fixture.get("config", {}).get("chainid", "0x1"))
    database = new_database()
    root = write_genesis(database, genesis(fixture["pre"]))
    carrier = block(environment)
    state = build_state(database, root, carrier, chain_id, base_fee_wei, ())
    logs: tuple[Log, ...] = ()
    try:
        transaction = decode(transaction_bytes)
        sender = check_without_state(
            transaction, transaction_bytes, chain_id, base_fee_wei, carrier.gas_limit
        )
        check_account(transaction, sender, state)
    except Skip:
        return root, logs
    logs = apply_transaction(state, transaction).logs
    state.persist()
    return Hash32(state.state_root), logs


def cases() -> list[Case]:
    found = []
    for path in sorted(VECTORS.rglob("*.json")):
        if BLS_FOLDER in path.parts:
            continue
        for name, fixture in json.loads(path.read_text()).items():
            for post in fixture["post"].get("Prague", []):
                is_blob = raw(post["txbytes"])[:1] == BLOB_TYPE
                has_blob_fee = number(fixture["env"].get("currentExcessBlobGas", "0x0")) > 0
                if not is_blob and not has_blob_fee:
                    found.append((f"{path.stem}/{name.split('::')[-1]}", fixture, post))
    return found


def failures(chosen: list[Case]) -> list[str]:
    names = []
    for name, fixture, post in chosen:
        root, logs = run(fixture, raw(post["txbytes"]))
        encoded_logs = rlp.encode([[log.address, list(log.topics), log.data] for log in logs])
        is_right = root == raw(post["hash"]) and keccak(encoded_logs) == raw(post["logs"])
        if not is_right:
            names.append(name)
    return names


def test_the_reference_passes_a_sample_of_ethereums_state_tests() -> None:
    all_cases = cases()
    assert len(all_cases) >= MIN_CASES
    assert failures(all_cases[::SAMPLE_EVERY]) == []


@pytest.mark.slow
def test_the_reference_passes_ethereums_state_tests() -> None:
    assert failures(cases()) == []
