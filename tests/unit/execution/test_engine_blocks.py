"""What a block does: fees, calls, creations, failures, logs, system transactions, roots."""

from typing import Final

import pytest
import rlp
from eth_abi.packed import encode_packed
from trie import HexaryTrie

from execution import skip_reasons
from execution.engine import EMPTY_CODE_HASH, WasmEngine
from execution.types import SYSTEM_ADDRESS, Address, GenesisAccount, SystemTransaction
from ledger.hashing import keccak
from tests.differential.assembler import assemble, return_data
from tests.differential.signing import authorize
from tests.unit.execution.wasm_chain import (
    ALICE,
    BASE_FEE_OF_BLOCK_1_WEI,
    BOB,
    CHAIN_ID,
    COINBASE,
    ETHER,
    GAS_LIMIT,
    STRANGER,
    balance,
    block_input,
    contract_address,
    execute,
    make_spec,
    transaction,
)

TOPIC: Final = b"\x07" * 32
COUNT_UP: Final = assemble(0, "SLOAD", 1, "ADD", 0, "SSTORE")
REVERT_WITH_WORD: Final = assemble(b"\xee" * 32, 0, "MSTORE", 32, 0, "REVERT")
LOG_SENDER: Final = assemble("CALLER", 0, "MSTORE", TOPIC, 32, 0, "LOG1")


def test_a_transfer_pays_recipient_coinbase_and_base_fee_to_the_wei() -> None:
    engine = WasmEngine(make_spec())

    output = execute(engine, transaction(value_wei=5, tip_wei=3))

    (receipt,) = output.receipts
    price_wei = BASE_FEE_OF_BLOCK_1_WEI + 3
    assert output.base_fee_wei == BASE_FEE_OF_BLOCK_1_WEI
    assert receipt.is_success
    assert receipt.gas_used == output.gas_used == 21_000
    assert receipt.effective_gas_price_wei == price_wei
    assert balance(engine, STRANGER) == 5
    assert balance(engine, COINBASE) == 21_000 * 3
    assert balance(engine, ALICE.address) == 100 * ETHER - 5 - 21_000 * price_wei


def test_without_base_fee_the_sender_pays_the_tip_only() -> None:
    engine = WasmEngine(make_spec(is_base_fee_zero=True))

    output = execute(engine, transaction(tip_wei=0))

    assert output.base_fee_wei == 0
    assert balance(engine, ALICE.address) == 100 * ETHER


def test_full_blocks_raise_and_empty_blocks_lower_the_base_fee() -> None:
    engine = WasmEngine(make_spec(assemble("INVALID")))
    burn_all = transaction(to=contract_address(0), gas_limit=GAS_LIMIT)

    full = execute(engine, burn_all)
    after_full = execute(engine)
    after_empty = execute(engine)

    assert full.gas_used == GAS_LIMIT
    assert after_full.base_fee_wei == full.base_fee_wei * 9 // 8
    assert after_empty.base_fee_wei == after_full.base_fee_wei - after_full.base_fee_wei // 8


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_every_fee_market_generation_is_included(kind: int) -> None:
    engine = WasmEngine(make_spec())

    output = execute(engine, transaction(kind=kind, value_wei=1))

    assert [receipt.transaction_type for receipt in output.receipts] == [kind]
    assert output.skipped == ()


def test_known_senders_and_recovered_senders_give_the_same_block() -> None:
    raw = transaction(value_wei=9)
    recovering, knowing = WasmEngine(make_spec()), WasmEngine(make_spec())

    recovered = recovering.execute(block_input(1, [raw]))
    known = knowing.execute(block_input(1, [raw], senders=(ALICE.address,)))

    assert recovered == known
    assert recovered.receipts[0].sender == ALICE.address


def test_a_creation_deploys_code_at_the_address_that_sender_and_nonce_give() -> None:
    engine = WasmEngine(make_spec())

    output = execute(engine, transaction(to=b"", data=return_data(COUNT_UP)))

    created = Address(keccak(rlp.encode([ALICE.address, 0]))[12:])
    assert output.receipts[0].contract_address == created
    assert output.receipts[0].to is None
    assert engine.code(created) == COUNT_UP
    change = next(change for change in output.changes if change.address == created)
    assert (change.nonce, change.code) == (1, COUNT_UP)


def test_a_storage_write_is_stored_and_reported() -> None:
    engine = WasmEngine(make_spec(COUNT_UP))

    output = execute(
        engine,
        transaction(to=contract_address(0)),
        transaction(to=contract_address(0), nonce=1),
    )

    assert engine.storage_at(contract_address(0), 0) == 2
    change = next(change for change in output.changes if change.address == contract_address(0))
    assert change.storage == {0: 2}
    assert change.code is None


def test_a_revert_undoes_the_call_but_costs_gas_and_nonce() -> None:
    engine = WasmEngine(make_spec(COUNT_UP + REVERT_WITH_WORD))

    output = execute(engine, transaction(to=contract_address(0), value_wei=5))

    (receipt,) = output.receipts
    assert not receipt.is_success
    assert receipt.output == b""
    assert 21_000 < receipt.gas_used < 100_000
    assert engine.storage_at(contract_address(0), 0) == 0
    assert engine.accounts([ALICE.address])[0].nonce == 1


def test_running_out_of_gas_takes_all_gas() -> None:
    engine = WasmEngine(make_spec(assemble("INVALID")))

    output = execute(engine, transaction(to=contract_address(0), gas_limit=77_777))

    assert not output.receipts[0].is_success
    assert output.receipts[0].gas_used == 77_777


def test_a_log_is_in_the_receipt_and_in_the_bloom() -> None:
    engine = WasmEngine(make_spec(LOG_SENDER))

    output = execute(engine, transaction(to=contract_address(0)))

    (log,) = output.receipts[0].logs
    assert (log.address, log.topics) == (contract_address(0), (TOPIC,))
    assert log.data == ALICE.address.rjust(32, b"\0")
    assert int.from_bytes(output.logs_bloom, "big").bit_count() in range(1, 7)


def test_a_failed_transaction_leaves_no_log() -> None:
    engine = WasmEngine(make_spec(LOG_SENDER + REVERT_WITH_WORD))

    output = execute(engine, transaction(to=contract_address(0)))

    assert output.receipts[0].logs == ()
    assert output.logs_bloom == bytes(256)


def test_an_authorization_makes_an_account_run_a_contract() -> None:
    engine = WasmEngine(make_spec(COUNT_UP))
    delegation = authorize(BOB, CHAIN_ID, contract_address(0), 0)

    execute(engine, transaction(kind=4, to=BOB.address, authorizations=[delegation]))

    assert engine.code(BOB.address) == b"\xef\x01\x00" + contract_address(0)
    assert engine.storage_at(BOB.address, 0) == 1


def test_system_transactions_come_first_and_cost_nobody() -> None:
    engine = WasmEngine(make_spec(COUNT_UP))
    system = SystemTransaction(nonce=4, to=contract_address(0), gas_limit=50_000, data=b"")

    output = execute(engine, transaction(), system_transactions=[system])

    first, second = output.receipts
    encoded = b"\x7e" + rlp.encode([4, contract_address(0), 50_000, b""])
    assert output.included[0] == encoded
    assert first.transaction_hash == keccak(encoded)
    assert (first.transaction_type, first.sender) == (0x7E, SYSTEM_ADDRESS)
    assert first.is_success
    assert second.cumulative_gas_used == first.gas_used + 21_000
    assert output.gas_used == 21_000
    assert engine.storage_at(contract_address(0), 0) == 1
    assert engine.accounts([SYSTEM_ADDRESS])[0].nonce == 0


def test_a_failing_system_transaction_reports_its_revert_data_and_the_block_goes_on() -> None:
    engine = WasmEngine(make_spec(COUNT_UP + REVERT_WITH_WORD))
    system = SystemTransaction(nonce=0, to=contract_address(0), gas_limit=50_000, data=b"")

    output = execute(engine, transaction(), system_transactions=[system])

    assert [receipt.is_success for receipt in output.receipts] == [False, True]
    assert output.receipts[0].output == b"\xee" * 32
    assert engine.storage_at(contract_address(0), 0) == 0


def test_a_block_without_transactions_changes_no_account() -> None:
    engine = WasmEngine(make_spec())
    before = engine.head_hash

    output = execute(engine)

    assert output.changes == ()
    assert output.receipts == ()
    assert rlp.decode(output.header_rlp)[0] == before
    assert keccak(output.header_rlp) == output.block_hash == engine.head_hash


def test_the_transactions_root_is_that_of_an_independent_trie() -> None:
    engine = WasmEngine(make_spec())
    raws = [transaction(nonce=nonce, gas_limit=21_000) for nonce in range(140)]

    output = execute(engine, *raws)

    trie = HexaryTrie({})
    for index, raw in enumerate(raws):
        trie[rlp.encode(index)] = raw
    assert len(output.included) == 140
    assert output.transactions_root == trie.root_hash


def test_the_state_root_is_that_of_an_independent_trie() -> None:
    engine = WasmEngine(make_spec(COUNT_UP))

    output = execute(engine, transaction(to=contract_address(0)), transaction(nonce=1))

    storage = HexaryTrie({})
    storage[keccak(bytes(32))] = rlp.encode(1)
    touched = [ALICE.address, BOB.address, STRANGER, COINBASE, contract_address(0)]
    accounts = HexaryTrie({})
    for address, state in zip(touched, engine.accounts(touched), strict=True):
        is_contract = state.code_hash != EMPTY_CODE_HASH
        root = storage.root_hash if is_contract else HexaryTrie({}).root_hash
        if state.nonce or state.balance_wei or is_contract:
            leaf = rlp.encode([state.nonce, state.balance_wei, root, state.code_hash])
            accounts[keccak(address)] = leaf
    assert output.state_root == accounts.root_hash


def test_blockhash_knows_the_last_256_blocks_and_no_more() -> None:
    store_hash_of_argument = assemble(
        0, "CALLDATALOAD", "BLOCKHASH", 0, "CALLDATALOAD", "SSTORE", "STOP"
    )
    engine = WasmEngine(make_spec(store_hash_of_argument))
    hashes = {0: engine.head_hash}
    for _ in range(299):
        output = execute(engine)
        hashes[output.number] = output.block_hash

    wanted = [300, 299, 44, 43]
    calls = [
        transaction(nonce=nonce, to=contract_address(0), data=encode_packed(["uint256"], [number]))
        for nonce, number in enumerate(wanted)
    ]
    execute(engine, *calls)

    stored = [engine.storage_at(contract_address(0), number) for number in wanted]
    expected = [int.from_bytes(hashes[number], "big") for number in (299, 44)]
    assert stored == [0, *expected, 0]


def skip_cases() -> dict[str, tuple[bytes, bytes]]:
    """For each reason: a transaction that is skipped for it, and a twin that is not."""
    return {
        skip_reasons.INVALID_ENCODING: (transaction() + b"\0", transaction()),
        skip_reasons.UNSUPPORTED_TYPE: (b"\x03" + transaction()[1:], transaction()),
        skip_reasons.WRONG_CHAIN_ID: (transaction(chain_id=8), transaction()),
        skip_reasons.NONCE_TOO_HIGH: (transaction(nonce=1), transaction(nonce=0)),
        skip_reasons.INTRINSIC_GAS: (transaction(gas_limit=20_999), transaction(gas_limit=21_000)),
        skip_reasons.FEE_BELOW_BASE_FEE: (
            transaction(max_fee_wei=BASE_FEE_OF_BLOCK_1_WEI - 1, tip_wei=0),
            transaction(max_fee_wei=BASE_FEE_OF_BLOCK_1_WEI, tip_wei=0),
        ),
        skip_reasons.TIP_ABOVE_FEE: (
            transaction(max_fee_wei=10**9, tip_wei=10**9 + 1),
            transaction(max_fee_wei=10**9, tip_wei=10**9),
        ),
        skip_reasons.INSUFFICIENT_FUNDS: (
            transaction(value_wei=100 * ETHER - 10**15 + 1),
            transaction(value_wei=100 * ETHER - 10**15),
        ),
        skip_reasons.BLOCK_GAS_LIMIT: (
            transaction(gas_limit=GAS_LIMIT + 1),
            transaction(gas_limit=GAS_LIMIT),
        ),
        skip_reasons.EMPTY_AUTHORIZATION_LIST: (
            transaction(kind=4, authorizations=[]),
            transaction(kind=4, authorizations=[authorize(BOB, CHAIN_ID, STRANGER, 0)]),
        ),
    }


@pytest.mark.parametrize("reason", skip_cases())
def test_an_invalid_transaction_is_skipped_with_its_reason(reason: str) -> None:
    engine = WasmEngine(make_spec())
    invalid, _ = skip_cases()[reason]

    output = execute(engine, invalid)

    assert [(skipped.index, skipped.reason) for skipped in output.skipped] == [(0, reason)]
    assert output.included == ()
    assert output.changes == ()


@pytest.mark.parametrize("reason", skip_cases())
def test_its_valid_twin_is_included(reason: str) -> None:
    engine = WasmEngine(make_spec())
    _, valid = skip_cases()[reason]

    output = execute(engine, valid)

    assert output.skipped == ()
    assert output.included == (valid,)


def test_a_contract_cannot_send_but_a_delegating_account_can() -> None:
    delegating = GenesisAccount(balance_wei=ETHER, code=b"\xef\x01\x00" + STRANGER)
    contract = GenesisAccount(balance_wei=ETHER, code=b"\x00")
    engine = WasmEngine(make_spec(alloc={ALICE.address: contract, BOB.address: delegating}))

    output = execute(engine, transaction(ALICE), transaction(BOB))

    assert [skipped.reason for skipped in output.skipped] == [skip_reasons.SENDER_HAS_CODE]
    assert [receipt.sender for receipt in output.receipts] == [BOB.address]
