"""The committed artifacts are what the sources compile to, and Python agrees with both."""

import subprocess
import sys
from pathlib import Path

import pytest
from eth_hash.auto import keccak

from bridge.work import MAX_MESSAGE_GAS
from contracts import (
    BRIDGED_TOKENS_ADDRESS,
    OWNERSHIP_ORACLE_ADDRESS,
    PORTAL_ADDRESS,
    ROUND_GUARD_ADDRESS,
    artifact,
    bindings,
)
from contracts.build import SOURCE_FOLDER, compile_contract
from contracts.compiled import CONTRACT_NAMES, PREDEPLOY_NAMES, artifact_path
from contracts.errors import GenesisError, UnknownContractError
from contracts.predeploys import GenesisStorage, zk_predeploys
from execution.types import SYSTEM_ADDRESS, GenesisAccount
from ledger.crossing import MAX_MESSAGE_DATA_BYTES

MAX_CODE_BYTES = 24_576  # EIP-170


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_the_artifact_is_what_the_source_compiles_to(name: str) -> None:
    assert artifact_path(name).read_text() == compile_contract(name)


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_the_code_fits_into_an_account(name: str) -> None:
    assert 0 < len(artifact(name).runtime_bytecode) <= MAX_CODE_BYTES


@pytest.mark.parametrize("name", PREDEPLOY_NAMES)
def test_a_predeploy_has_no_immutables(name: str) -> None:
    assert not artifact(name).has_immutables


def test_there_is_no_artifact_of_an_unknown_contract() -> None:
    with pytest.raises(UnknownContractError, match="known: Portal"):
        artifact("../../etc/passwd")


def test_the_running_product_does_not_import_the_compiler() -> None:
    program = (
        "import sys, contracts, contracts.bindings; contracts.artifact('Portal');"
        "assert 'vyper' not in sys.modules and 'snekmate' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3], timeout=60
    )


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("SYSTEM", SYSTEM_ADDRESS),
        ("PORTAL", PORTAL_ADDRESS),
        ("ROUND_GUARD", ROUND_GUARD_ADDRESS),
        ("OWNERSHIP_ORACLE", OWNERSHIP_ORACLE_ADDRESS),
        ("BRIDGED_TOKENS", BRIDGED_TOKENS_ADDRESS),
    ],
)
def test_sources_and_python_name_the_same_addresses(name: str, address: bytes) -> None:
    source = (SOURCE_FOLDER / "predeploy_addresses.vy").read_text()
    (line,) = (line for line in source.splitlines() if line.startswith(f"{name}: "))
    assert bytes.fromhex(line.split(" = 0x")[1]) == address


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("outbox", "MAX_DATA_BYTES", MAX_MESSAGE_DATA_BYTES),
        ("Portal", "MAX_GAS_LIMIT", MAX_MESSAGE_GAS),
    ],
)
def test_the_portal_has_the_bounds_of_the_ledger_and_the_bridge(
    module: str, name: str, value: int
) -> None:
    source = (SOURCE_FOLDER / f"{module}.vy").read_text().replace("_", "")
    assert f"{name}: constant(uint256) = {value}\n".replace("_", "") in source


def test_the_message_topic_is_that_of_the_portal_event() -> None:
    (event,) = (e for e in artifact("Portal").abi if e.get("name") == "MessageSent")
    types = ",".join(entry["type"] for entry in event["inputs"])
    assert keccak(f"MessageSent({types})".encode()) == bindings.MESSAGE_SENT_TOPIC


def test_the_access_pass_announces_the_slot_at_which_it_keeps_owners() -> None:
    slot = artifact("AccessPass").storage_layout["erc721._owners"]
    source = (SOURCE_FOLDER / "AccessPass.vy").read_text()
    assert f"OWNERS_SLOT: public(constant(uint256)) = {slot}\n" in source


def test_genesis_locks_what_the_fast_chain_starts_with() -> None:
    accounts = [GenesisAccount(balance_wei=3), GenesisAccount(balance_wei=4)]
    portal = zk_predeploys(2, accounts)[PORTAL_ADDRESS]
    slot = artifact("Portal").storage_layout["locked_wei"]
    assert (portal.balance_wei, portal.storage[slot]) == (7, 7)


def test_genesis_rejects_what_a_predeploy_cannot_hold() -> None:
    with pytest.raises(GenesisError, match="no variable"):
        GenesisStorage("Portal", {"owner": 1}).account()
    with pytest.raises(GenesisError, match="256 bits"):
        GenesisStorage("Portal", {"locked_wei": 2**256}).account()
    with pytest.raises(GenesisError, match="immutables"):
        GenesisStorage("Arena", {}).account()
