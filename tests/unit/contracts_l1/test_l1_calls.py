"""Python's call data is that of the contracts' own ABI."""

from eth_account import Account
from eth_account.messages import encode_typed_data

from contracts.l1 import batches, calls
from contracts.withdrawals import Withdrawal
from execution.types import Address, Hash32
from ledger.crossing import Message
from ledger.hashing import keccak
from ledger.types import ChainId, EvmAddress
from tests.support.rollup_world import ALICE, BOB, L1_CHAIN_ID, RollupWorld

TOKEN = Address(keccak(b"token")[12:])
PROOF = (b"node", b"another node")
SIGNATURE = bytes(range(65))


def test_calls_to_the_rollup_are_those_of_its_abi(world: RollupWorld) -> None:
    encode = world.rollup.encode_call
    receiver = BOB.address
    assert calls.deposit_call(receiver, 5, b"x") == encode("deposit", receiver, 5, b"x")
    assert calls.deposit_eth_call(receiver) == encode("deposit_eth", receiver)
    assert calls.deposit_token_call(TOKEN, 7, receiver) == encode(
        "deposit_token", TOKEN, 7, receiver
    )
    assert calls.force_transaction_call(b"raw") == encode("force_transaction", b"raw")
    assert calls.open_escape_hatch_call() == encode("open_escape_hatch")
    before = Hash32(keccak(b"before"))
    assert batches.post_data_call(before, [b"a", b"bc"]) == encode(
        "post_data", before, [1, 2], b"abc"
    )


def test_calls_to_exits_are_those_of_its_abi(world: RollupWorld) -> None:
    encode = world.exits.encode_call
    withdrawal = Withdrawal(3, ALICE.address, BOB.address, 0, TOKEN, 7)
    fields = (3, ALICE.address, BOB.address, 0, TOKEN, 7)
    assert calls.withdraw_call(withdrawal, PROOF, PROOF[:1]) == encode(
        "withdraw", *fields, PROOF, PROOF[:1]
    )
    people = (ALICE.address, BOB.address)
    assert calls.escape_balance_call(*people, PROOF, SIGNATURE) == encode(
        "escape_balance", *people, PROOF, SIGNATURE
    )
    token = (*people, TOKEN, 7, True, PROOF, PROOF[:1])
    assert calls.escape_token_call(*token) == encode("escape_token", *token, b"")
    entry = Message(
        ChainId(L1_CHAIN_ID), 1, EvmAddress(ALICE.address), EvmAddress(TOKEN), 2, 3, b"data"
    )
    assert calls.reclaim_deposit_call(entry, BOB.address) == encode(
        "reclaim_deposit", 1, ALICE.address, TOKEN, 2, 3, b"data", BOB.address
    )


def test_an_exit_is_signed_as_wallets_sign_typed_data(world: RollupWorld) -> None:
    exits = world.exits.address
    digest = calls.exit_digest(L1_CHAIN_ID, exits, ALICE.address, BOB.address, TOKEN, 7)
    assert digest == world.exits.view("exit_digest", ALICE.address, BOB.address, TOKEN, 7)
    typed = encode_typed_data(
        domain_data={
            "name": "Braid Exits",
            "version": "1",
            "chainId": L1_CHAIN_ID,
            "verifyingContract": "0x" + exits.hex(),
        },
        message_types={
            "Exit": [
                {"name": "account", "type": "address"},
                {"name": "receiver", "type": "address"},
                {"name": "l1Token", "type": "address"},
                {"name": "tokenId", "type": "uint256"},
            ]
        },
        message_data={
            "account": "0x" + ALICE.address.hex(),
            "receiver": "0x" + BOB.address.hex(),
            "l1Token": "0x" + TOKEN.hex(),
            "tokenId": 7,
        },
    )
    signed = Account.sign_message(typed, ALICE.account.key)
    assert bytes(signed.signature) == ALICE.sign_digest(digest)
