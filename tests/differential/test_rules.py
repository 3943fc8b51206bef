"""Rules that a state transition easily gets wrong: stated, and equal on both engines."""

import pytest

from execution.types import SYSTEM_ADDRESS, Address, GenesisAccount, Receipt, SystemTransaction
from ledger.hashing import keccak
from tests.differential.assembler import (
    assemble,
    call,
    keep,
    return_data,
    store_in_memory,
)
from tests.differential.chain import (
    ALICE,
    BOB,
    CHAIN_ID,
    COINBASE,
    ETHER,
    GWEI,
    Chain,
    contract_address,
)
from tests.differential.signing import SECP256K1_ORDER, authorize

pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")

FIRST, SECOND = contract_address(0), contract_address(1)
NOBODY = Address(b"\xee" * 20)
DELEGATION = b"\xef\x01\x00"

BURNER = assemble("INVALID")
TRANSFER_GAS = 21_000


def create2_address(creator: bytes, salt: int, initcode: bytes) -> Address:
    salted = b"\xff" + creator + salt.to_bytes(32, "big") + keccak(initcode)
    return Address(keccak(salted)[12:])


def create2(initcode: bytes, salt: int = 0, value_wei: int = 0) -> bytes:
    """Code that leaves the created address on the stack."""
    arguments = assemble(salt, len(initcode), 0, value_wei, "CREATE2")
    return store_in_memory(initcode) + arguments


class TestGas:
    def test_calldata_costs_its_floor_where_little_is_executed(self) -> None:
        receipt = Chain().send(ALICE, NOBODY, data=b"\x01" * 100 + bytes(100))
        assert receipt.gas_used == TRANSFER_GAS + 10 * (4 * 100 + 100)

    def test_calldata_costs_no_floor_where_much_is_executed(self) -> None:
        burner = b"".join(assemble(slot, slot, "SSTORE") for slot in range(1, 6))
        receipt = Chain(burner).send(ALICE, FIRST, data=b"\x01" * 100)
        # Five new slots, cold: 20,000 + 2,100 each, and two pushes of 3.
        assert receipt.gas_used == TRANSFER_GAS + 16 * 100 + 5 * (22_100 + 6)

    def test_clearing_a_slot_refunds_4800(self) -> None:
        clearing = assemble("PUSH0", "PUSH0", "SSTORE") + b"".join(
            assemble(1, slot, "SSTORE") for slot in range(1, 3)
        )
        alloc = {FIRST: GenesisAccount(nonce=1, code=clearing, storage={0: 5})}
        receipt = Chain(alloc=alloc).send(ALICE, FIRST)
        spent = TRANSFER_GAS + 2 + 2 + 5_000 + 2 * (22_100 + 6)
        assert receipt.gas_used == spent - 4_800

    def test_refunds_stop_at_a_fifth(self) -> None:
        clearing = b"".join(assemble(0, slot, "SSTORE") for slot in range(10))
        storage = dict.fromkeys(range(10), 1)
        alloc = {FIRST: GenesisAccount(nonce=1, code=clearing, storage=storage)}
        receipt = Chain(alloc=alloc).send(ALICE, FIRST)
        # Zero is pushed by PUSH0 for 2, and so is slot 0.
        spent = TRANSFER_GAS + 10 * 5_000 + 10 * 2 + 2 + 9 * 3
        assert receipt.gas_used == spent - spent // 5

    def test_a_capped_refund_and_a_floor_do_not_add_up(self) -> None:
        clearing = b"".join(assemble(0, slot, "SSTORE") for slot in range(10))
        storage = dict.fromkeys(range(10), 1)
        alloc = {FIRST: GenesisAccount(nonce=1, code=clearing, storage=storage)}
        receipt = Chain(alloc=alloc).send(ALICE, FIRST, data=b"\x01" * 2_000)
        assert receipt.gas_used == TRANSFER_GAS + 40 * 2_000

    def test_running_out_of_gas_costs_all_of_it_and_changes_nothing(self) -> None:
        chain = Chain(assemble(1, 1, "SSTORE", "JUMPDEST", "PUSH0", "JUMP"))
        receipt = chain.send(ALICE, FIRST, gas_limit=90_000)
        assert (receipt.is_success, receipt.gas_used) == (False, 90_000)
        assert chain.storage(FIRST, 1) == 0

    def test_a_revert_returns_the_rest_of_the_gas_and_drops_logs(self) -> None:
        chain = Chain(assemble("PUSH0", "PUSH0", "LOG0", "PUSH0", "PUSH0", "REVERT"))
        receipt = chain.send(ALICE, FIRST)
        assert not receipt.is_success
        assert receipt.logs == ()
        assert receipt.gas_used < 22_000

    def test_calls_nest_1024_deep_and_no_deeper(self) -> None:
        # Counts its depth in slot 0 and calls itself while it has gas; slot 1 counts failures.
        recursive = (
            assemble("PUSH0", "SLOAD", 1, "ADD", "PUSH0", "SSTORE")
            + assemble("PUSH0", "PUSH0", "PUSH0", "PUSH0", "PUSH0", "ADDRESS", "GAS", "CALL")
            + assemble("ISZERO", 1, "SLOAD", "ADD", 1, "SSTORE")
        )
        gas_limit = 10**13  # a 64th is kept at every level: 1024 levels need this much
        alice = GenesisAccount(balance_wei=10**40)
        chain = Chain(recursive, alloc={ALICE.address: alice})
        raw = chain.sign(ALICE, FIRST, gas_limit=gas_limit, max_fee_wei=0)
        output = chain.execute(raw, gas_limit=gas_limit)
        assert output.receipts[0].is_success
        assert chain.storage(FIRST, 0) == 1025
        assert chain.storage(FIRST, 1) == 1


class TestFees:
    def test_the_base_fee_is_burnt_and_the_tip_goes_to_the_coinbase(self) -> None:
        chain = Chain(is_base_fee_zero=False)
        receipt = chain.send(ALICE, BOB.address, gas_limit=21_000, tip_wei=3)
        assert receipt.effective_gas_price_wei == 875_000_000 + 3
        accounts = chain.engines.reference
        assert accounts.account(COINBASE).balance_wei == 3 * 21_000
        paid_wei = 21_000 * (875_000_000 + 3)
        assert accounts.account(ALICE.address).balance_wei == 100 * ETHER - paid_wei

    def test_the_base_fee_follows_the_gas_used(self) -> None:
        chain = Chain(BURNER, is_base_fee_zero=False)
        fees = []
        for gas_limit in (30_000_000, 15_000_000, 100_000, 29_999_999):
            raw = chain.sign(ALICE, FIRST, gas_limit=gas_limit)
            fees.append(chain.execute(raw).base_fee_wei)
        fees.append(chain.execute().base_fee_wei)
        # Down an eighth from genesis, up an eighth after a full block, the same after half a one.
        assert fees[:3] == [875_000_000, 984_375_000, 984_375_000]
        assert fees[3] < fees[2] < fees[4] * 2

    def test_a_zero_tip_does_not_create_the_coinbase(self) -> None:
        chain = Chain()
        receipt = chain.send(ALICE, BOB.address)
        assert receipt.effective_gas_price_wei == 0
        assert all(change.address != COINBASE for change in chain.execute().changes)

    def test_a_chain_without_base_fee_stays_at_zero(self) -> None:
        chain = Chain(BURNER)
        for _ in range(3):
            assert chain.execute(chain.sign(ALICE, FIRST, gas_limit=30_000_000)).base_fee_wei == 0


class TestCreation:
    def test_a_transaction_creates_a_contract(self) -> None:
        chain = Chain()
        receipt = chain.send(ALICE, b"", data=return_data(b"\x60\x01"))
        assert receipt.contract_address is not None
        assert chain.code(receipt.contract_address) == b"\x60\x01"

    @pytest.mark.parametrize(
        ("code", "is_accepted"),
        [
            (bytes(24_576), True),
            (bytes(24_577), False),
            (b"\xef", False),
            (b"\xfe", True),
        ],
    )
    def test_code_is_bounded_and_must_not_start_with_ef(
        self, code: bytes, is_accepted: bool
    ) -> None:
        initcode = return_data(code) if len(code) < 32 else assemble(len(code), "PUSH0", "RETURN")
        receipt = Chain().send(ALICE, b"", data=initcode, gas_limit=10_000_000)
        assert receipt.is_success is is_accepted

    def test_create2_collides_with_itself(self) -> None:
        initcode = return_data(b"\x00")
        factory = create2(initcode) + keep(1) + create2(initcode) + keep(2)
        chain = Chain(factory)
        assert chain.send(ALICE, FIRST).is_success
        created = create2_address(FIRST, 0, initcode)
        assert chain.storage(FIRST, 1) == int.from_bytes(created, "big")
        assert chain.storage(FIRST, 2) == 0

    def test_a_transaction_that_creates_over_an_account_loses_its_gas(self) -> None:
        rlp_of_alice_and_zero = b"\xd6\x94" + ALICE.address + b"\x80"
        taken = Address(keccak(rlp_of_alice_and_zero)[12:])
        chain = Chain(alloc={taken: GenesisAccount(nonce=1)})
        receipt = chain.send(ALICE, b"", data=return_data(b"\x00"), gas_limit=200_000)
        assert (receipt.is_success, receipt.gas_used) == (False, 200_000)
        assert chain.nonce(ALICE) == 1

    def test_a_contract_at_the_last_nonce_creates_nothing(self) -> None:
        creating = create2(return_data(b"\x00")) + keep(1)
        alloc = {FIRST: GenesisAccount(nonce=2**64 - 1, code=creating)}
        chain = Chain(alloc=alloc)
        assert chain.send(ALICE, FIRST).is_success
        assert chain.storage(FIRST, 1) == 0


class TestSelfDestruction:
    def test_a_contract_of_an_earlier_transaction_stays_and_gives_its_balance(self) -> None:
        chain = Chain(alloc={FIRST: GenesisAccount(5, 1, assemble(NOBODY, "SELFDESTRUCT"))})
        assert chain.send(ALICE, FIRST).is_success
        assert chain.code(FIRST) != b""
        assert chain.engines.reference.account(NOBODY).balance_wei == 5

    def test_a_contract_of_the_same_transaction_is_gone(self) -> None:
        initcode = assemble(1, 1, "SSTORE", NOBODY, "SELFDESTRUCT")
        born = create2_address(FIRST, 0, initcode)
        # It had a balance before it was created, so the block deletes an account.
        chain = Chain(create2(initcode) + keep(1), alloc={born: GenesisAccount(balance_wei=9)})
        output = chain.execute(chain.sign(ALICE, FIRST))
        assert output.receipts[0].is_success
        assert [change.address for change in output.changes if change.is_deleted] == [born]
        assert chain.engines.reference.account(NOBODY).balance_wei == 9

    def test_what_a_destroyed_contract_keeps_or_receives_is_burnt(self) -> None:
        initcode = assemble("ADDRESS", "SELFDESTRUCT")
        born = create2_address(FIRST, 0, initcode)
        code = create2(initcode, value_wei=3) + keep(1) + call("CALL", born, value_wei=4) + keep(2)
        chain = Chain(alloc={FIRST: GenesisAccount(10, 1, code)})
        assert chain.send(ALICE, FIRST).is_success
        assert chain.engines.reference.account(FIRST).balance_wei == 3
        assert chain.engines.reference.account(born).balance_wei == 0


class TestTransientStorage:
    def test_it_lasts_for_the_transaction_and_no_longer(self) -> None:
        code = assemble(0, "TLOAD") + keep(1) + assemble(7, 0, "TSTORE", 0, "TLOAD") + keep(2)
        chain = Chain(code)
        output = chain.execute(
            chain.sign(ALICE, FIRST),
            chain.sign(ALICE, FIRST, nonce=1),
            system=[SystemTransaction(0, FIRST, 1_000_000, b"")],
        )
        assert all(receipt.is_success for receipt in output.receipts)
        assert (chain.storage(FIRST, 1), chain.storage(FIRST, 2)) == (0, 7)


class TestSetCode:
    def run(
        self, chain: Chain, *authorizations: list[object], to: bytes = NOBODY, **fields: object
    ) -> Receipt:
        receipt = chain.send(ALICE, to, kind=4, authorizations=authorizations, **fields)
        assert receipt.transaction_type == 4
        return receipt

    def test_an_account_takes_on_code_and_runs_it_as_its_own(self) -> None:
        chain = Chain(assemble("CALLER") + keep(1))
        receipt = self.run(chain, authorize(BOB, CHAIN_ID, FIRST, 0), to=BOB.address)
        assert receipt.is_success
        assert chain.code(BOB.address) == DELEGATION + FIRST
        assert chain.storage(BOB.address, 1) == int.from_bytes(ALICE.address, "big")
        assert chain.storage(FIRST, 1) == 0
        assert chain.nonce(BOB) == 1

    def test_an_account_that_exists_refunds_half_of_the_price(self) -> None:
        chain = Chain(b"\x00")
        receipt = self.run(chain, authorize(BOB, 0, FIRST, 0))
        # The refund of 12,500 is capped at a fifth of 46,000.
        assert receipt.gas_used == 46_000 - 46_000 // 5

    def test_the_refund_stays_when_the_transaction_reverts(self) -> None:
        chain = Chain(assemble("PUSH0", "PUSH0", "REVERT"))
        receipt = self.run(chain, authorize(BOB, 0, FIRST, 0), to=FIRST)
        assert not receipt.is_success
        assert receipt.gas_used == 46_004 - 46_004 // 5
        assert chain.code(BOB.address) == DELEGATION + FIRST

    def test_the_zero_address_takes_the_code_away(self) -> None:
        chain = Chain(b"\x00")
        self.run(chain, authorize(BOB, 0, FIRST, 0))
        output = chain.execute(
            chain.sign(ALICE, NOBODY, kind=4, authorizations=[authorize(BOB, 0, bytes(20), 1)])
        )
        assert [change.code for change in output.changes if change.address == BOB.address] == [b""]
        assert chain.code(BOB.address) == b""

    @pytest.mark.parametrize(
        "authorization",
        [
            authorize(BOB, CHAIN_ID + 1, FIRST, 0),
            authorize(BOB, CHAIN_ID, FIRST, 1),
            authorize(BOB, CHAIN_ID, FIRST, 2**64 - 1),
            authorize(BOB, CHAIN_ID, FIRST, 0, {"s": SECP256K1_ORDER - 1}),
            authorize(BOB, CHAIN_ID, FIRST, 0, {"s": 0}),
            authorize(BOB, CHAIN_ID, FIRST, 0, {"r": 0}),
            authorize(BOB, CHAIN_ID, FIRST, 0, {"parity": 2}),
            authorize(BOB, CHAIN_ID, FIRST, 0, {"parity": 255}),
        ],
    )
    def test_an_invalid_authorization_is_passed_over_but_paid_for(
        self, authorization: list[object]
    ) -> None:
        chain = Chain(b"\x00")
        receipt = self.run(chain, authorization)
        assert receipt.is_success
        assert chain.code(BOB.address) == b""
        assert receipt.gas_used >= 46_000 - 12_500

    def test_the_last_of_several_authorizations_wins(self) -> None:
        chain = Chain(b"\x00", b"\x01")
        first, second = authorize(BOB, 0, FIRST, 0), authorize(BOB, 0, SECOND, 1)
        self.run(chain, first, second, first)
        assert chain.code(BOB.address) == DELEGATION + SECOND

    def test_the_sender_may_authorize_himself_with_his_next_nonce(self) -> None:
        chain = Chain(assemble(1, 1, "SSTORE"))
        self.run(chain, authorize(ALICE, 0, FIRST, 1), to=ALICE.address)
        assert chain.nonce(ALICE) == 2
        assert chain.storage(ALICE.address, 1) == 1

    def test_a_delegated_sender_that_creates_pays_for_initcode_once(self) -> None:
        initcode = return_data(b"\x00") + bytes(320)
        creating = create2(initcode) + keep(1)
        chain = Chain(creating)
        self.run(chain, authorize(ALICE, 0, FIRST, 1))
        by_sender = chain.send(ALICE, ALICE.address)
        assert by_sender.is_success
        expected = create2_address(ALICE.address, 0, initcode)
        assert chain.storage(ALICE.address, 1) == int.from_bytes(expected, "big")

    def test_delegation_goes_one_step_only(self) -> None:
        chain = Chain(assemble(1, 1, "SSTORE"))
        self.run(chain, authorize(BOB, 0, FIRST, 0))
        self.run(chain, authorize(ALICE, 0, BOB.address, 2), to=ALICE.address)
        assert chain.code(ALICE.address) == DELEGATION + BOB.address
        assert chain.storage(ALICE.address, 1) == 0

    def test_delegation_to_a_precompile_runs_nothing(self) -> None:
        identity = bytes(19) + b"\x04"
        calling = call("CALL", BOB.address, b"abc") + keep(1) + assemble("RETURNDATASIZE") + keep(2)
        chain = Chain(calling)
        assert self.run(chain, authorize(BOB, 0, identity, 0), to=BOB.address, data=b"x").is_success
        chain.send(ALICE, FIRST)
        assert (chain.storage(FIRST, 1), chain.storage(FIRST, 2)) == (1, 0)

    def test_other_contracts_see_the_designator_as_code(self) -> None:
        looking = (
            assemble(BOB.address, "EXTCODESIZE")
            + keep(1)
            + assemble(BOB.address, "EXTCODEHASH")
            + keep(2)
        )
        chain = Chain(looking)
        self.run(chain, authorize(BOB, 0, FIRST, 0))
        chain.send(ALICE, FIRST)
        assert chain.storage(FIRST, 1) == 23
        assert chain.storage(FIRST, 2) == int.from_bytes(keccak(DELEGATION + FIRST), "big")


class TestSystemTransactions:
    def test_one_that_succeeds_leaves_logs_output_and_no_trace_of_its_sender(self) -> None:
        code = (
            assemble("CALLER")
            + keep(1)
            + assemble("ORIGIN")
            + keep(2)
            + assemble("GASPRICE", 1, "ADD")
            + keep(3)
            + assemble(5, "PUSH0", "PUSH0", "LOG1")
            + return_data(b"done")
        )
        chain = Chain(code)
        output = chain.execute(system=[SystemTransaction(0, FIRST, 500_000, b"")])
        (receipt,) = output.receipts
        assert receipt.is_success
        assert receipt.output == b"done"
        assert len(receipt.logs) == 1
        assert (receipt.sender, receipt.transaction_type) == (SYSTEM_ADDRESS, 0x7E)
        assert chain.storage(FIRST, 1) == int.from_bytes(SYSTEM_ADDRESS, "big")
        assert chain.storage(FIRST, 2) == int.from_bytes(SYSTEM_ADDRESS, "big")
        assert chain.storage(FIRST, 3) == 1
        assert [change.address for change in output.changes] == [FIRST]

    def test_one_that_reverts_has_its_reason_as_output_and_no_effect(self) -> None:
        code = assemble(1, 1, "SSTORE") + store_in_memory(b"why") + assemble(3, 0, "REVERT")
        chain = Chain(code)
        output = chain.execute(system=[SystemTransaction(0, FIRST, 500_000, b"")])
        (receipt,) = output.receipts
        assert (receipt.is_success, receipt.output) == (False, b"why")
        assert output.changes == ()

    def test_one_that_halts_uses_all_its_gas_and_has_no_output(self) -> None:
        output = Chain(assemble("INVALID")).execute(
            system=[SystemTransaction(0, FIRST, 77_000, b"")]
        )
        (receipt,) = output.receipts
        assert (receipt.is_success, receipt.gas_used, receipt.output) == (False, 77_000, b"")

    def test_there_are_no_refunds_and_no_intrinsic_gas(self) -> None:
        clearing = assemble("PUSH0", "PUSH0", "SSTORE")
        alloc = {FIRST: GenesisAccount(nonce=1, code=clearing, storage={0: 5})}
        output = Chain(alloc=alloc).execute(
            system=[SystemTransaction(0, FIRST, 100_000, b"\x01" * 500)]
        )
        assert output.receipts[0].gas_used == 2 + 2 + 5_000

    def test_their_gas_counts_in_receipts_but_not_in_the_block(self) -> None:
        chain = Chain(BURNER)
        output = chain.execute(
            chain.sign(ALICE, BOB.address, gas_limit=30_000_000),
            system=[SystemTransaction(0, FIRST, 40_000_000, b"")],
        )
        assert output.skipped == ()
        assert output.gas_used == TRANSFER_GAS
        assert [r.cumulative_gas_used for r in output.receipts] == [40_000_000, 40_021_000]

    @pytest.mark.parametrize("target", [NOBODY, bytes(19) + b"\x02", ALICE.address, COINBASE])
    def test_one_to_an_account_without_code_succeeds_and_creates_nothing(
        self, target: bytes
    ) -> None:
        output = Chain().execute(system=[SystemTransaction(0, Address(target), 100_000, b"abc")])
        assert output.receipts[0].is_success
        assert output.changes == ()

    def test_one_to_a_delegated_account_runs_its_code(self) -> None:
        delegated = GenesisAccount(nonce=1, code=DELEGATION + FIRST)
        chain = Chain(assemble(1, 1, "SSTORE"), alloc={BOB.address: delegated})
        assert (
            chain.execute(system=[SystemTransaction(0, BOB.address, 100_000, b"")])
            .receipts[0]
            .is_success
        )
        assert chain.storage(BOB.address, 1) == 1

    def test_accounts_known_to_the_call_are_warm(self) -> None:
        costs = b""
        for number, address in enumerate((SYSTEM_ADDRESS, FIRST, COINBASE, bytes(19) + b"\x09")):
            costs += assemble("GAS", address, "BALANCE", "POP", "GAS", "SWAP1", "SUB")
            costs += keep(number)
        costs += assemble("GAS", NOBODY, "BALANCE", "POP", "GAS", "SWAP1", "SUB") + keep(4)
        chain = Chain(costs)
        chain.execute(system=[SystemTransaction(0, FIRST, 1_000_000, b"")])
        measured = [chain.storage(FIRST, slot) for slot in range(5)]
        assert measured == [100 + 7, 100 + 7, 100 + 7, 100 + 7, 2_600 + 7]

    def test_the_nonce_makes_equal_calls_different(self) -> None:
        twice = [SystemTransaction(nonce, NOBODY, 100_000, b"") for nonce in range(2)]
        first, second = Chain().execute(system=twice).receipts
        assert first.transaction_hash != second.transaction_hash


class TestBlockValues:
    def test_block_hashes_reach_back_256_blocks(self) -> None:
        looking = (
            b"".join(
                assemble(distance, "NUMBER", "SUB", "BLOCKHASH") + keep(distance)
                for distance in (1, 2, 255, 256, 257)
            )
            + assemble("NUMBER", "BLOCKHASH", 1, "ADD")
            + keep(3)
        )
        chain = Chain(looking)
        hashes = [chain.engines.reference.head_hash]
        hashes += [chain.execute().block_hash for _ in range(258)]
        chain.send(ALICE, FIRST)
        for distance in (1, 2, 255, 256):
            assert chain.storage(FIRST, distance) == int.from_bytes(hashes[-distance], "big")
        assert chain.storage(FIRST, 257) == 0
        assert chain.storage(FIRST, 3) == 1

    def test_the_randomness_and_the_rest_come_from_the_block(self) -> None:
        names = ("PREVRANDAO", "TIMESTAMP", "NUMBER", "COINBASE", "GASLIMIT", "CHAINID")
        chain = Chain(b"".join(assemble(name) + keep(slot) for slot, name in enumerate(names)))
        chain.send(ALICE, FIRST)
        values = [chain.storage(FIRST, slot) for slot in range(len(names))]
        coinbase = int.from_bytes(COINBASE, "big")
        assert values == [1, 1_700_000_001, 1, coinbase, 30_000_000, CHAIN_ID]

    def test_an_empty_block_changes_nothing_but_the_chain(self) -> None:
        chain = Chain()
        before = chain.engines.reference.state_root
        output = chain.execute()
        assert output.state_root == before
        assert output.receipts == ()
        assert output.changes == ()

    def test_a_chain_of_rising_fees_stays_equal_for_many_blocks(self) -> None:
        chain = Chain(BURNER, is_base_fee_zero=False)
        for _ in range(20):
            raw = chain.sign(ALICE, FIRST, gas_limit=30_000_000, max_fee_wei=100 * GWEI)
            assert chain.execute(raw).skipped == ()
