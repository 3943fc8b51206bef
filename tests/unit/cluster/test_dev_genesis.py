"""The development genesis: what it promises to users, and that the bridge's sums begin right."""

import pytest

from cluster.dev_genesis import (
    DEV_ACCOUNT_COUNT,
    DEV_BALANCE_WEI,
    DEV_FAST_BALANCE_WEI,
    FAST_CHAIN_ID,
    ZK_CHAIN_ID,
    dev_account,
    dev_genesis,
)
from contracts.addresses import (
    BRIDGED_TOKENS_ADDRESS,
    OWNERSHIP_ORACLE_ADDRESS,
    PORTAL_ADDRESS,
    ROUND_GUARD_ADDRESS,
)
from ledger.codec import encode
from ledger.genesis import Genesis, genesis_digest, open_genesis
from ledger.keys import ValidatorKeys
from ledger.types import ChainRole, TimestampMs

TIMESTAMP = TimestampMs(1_700_000_000_000)


def _genesis(first_seed: int = 1, count: int = 4) -> Genesis:
    keys = [ValidatorKeys(bytes([first_seed + index]) * 32) for index in range(count)]
    return dev_genesis(keys, TIMESTAMP)


def test_the_same_keys_at_the_same_time_make_the_same_genesis():
    assert genesis_digest(_genesis()) == genesis_digest(_genesis())


def test_other_keys_make_another_genesis():
    assert genesis_digest(_genesis()) != genesis_digest(_genesis(first_seed=2))


@pytest.mark.parametrize("count", [1, 4, 7, 16])
def test_the_genesis_of_any_number_of_validators_is_read_back(count):
    genesis = _genesis(count=count)
    assert open_genesis(encode(genesis)) == genesis
    assert len(genesis.validators) == count


def test_the_funded_accounts_are_the_same_on_every_machine():
    assert dev_account(0).address == "0xE12EF65D28045459A73bf04f6D3a607C6ED0c81b"
    assert len({dev_account(index).address for index in range(DEV_ACCOUNT_COUNT)}) == 64


@pytest.mark.parametrize(
    ("role", "chain_id", "balance_wei"),
    [
        (ChainRole.ZK, ZK_CHAIN_ID, DEV_BALANCE_WEI),
        (ChainRole.FAST, FAST_CHAIN_ID, DEV_FAST_BALANCE_WEI),
    ],
)
def test_every_development_account_has_its_balance_on_both_chains(role, chain_id, balance_wei):
    chain = _genesis().chain(role)
    balances = {entry.address: entry.balance_wei for entry in chain.allocations}
    assert chain.chain_id == chain_id
    for index in range(DEV_ACCOUNT_COUNT):
        assert balances[bytes.fromhex(dev_account(index).address[2:])] == balance_wei


def test_the_predeploys_have_code_on_their_chains_only():
    genesis = _genesis()
    with_code = {
        role: {entry.address for entry in genesis.chain(role).allocations if entry.code}
        for role in ChainRole
    }
    assert with_code == {
        ChainRole.ZK: {PORTAL_ADDRESS, ROUND_GUARD_ADDRESS, BRIDGED_TOKENS_ADDRESS},
        ChainRole.FAST: {PORTAL_ADDRESS, OWNERSHIP_ORACLE_ADDRESS, BRIDGED_TOKENS_ADDRESS},
    }


def test_the_zk_portal_holds_what_the_fast_chain_s_accounts_have():
    """Else the first of them to leave the fast chain could not be paid."""
    genesis = _genesis()
    held_wei = next(
        entry.balance_wei
        for entry in genesis.chain(ChainRole.ZK).allocations
        if entry.address == PORTAL_ADDRESS
    )
    assert held_wei == DEV_ACCOUNT_COUNT * DEV_FAST_BALANCE_WEI
