"""The reference engine as a chain answers reads, calls and proofs as the wasm engine does."""

import pytest

from execution.engine import WasmEngine
from execution.errors import (
    CallRejectedError,
    CallRevertedError,
    EngineError,
    GasRequiredExceedsAllowanceError,
    RollbackBelowFinalizedError,
    SnapshotRejectedError,
    UnknownBlockError,
)
from execution.reference_chain import ReferenceChain
from execution.types import (
    Address,
    BlockInput,
    CallRequest,
    ChainSpec,
    GenesisAccount,
    Hash32,
)
from tests.differential.signing import Fields, make_key, sign

ALICE, BOB = make_key(1), make_key(2)
GWEI = 10**9
COUNTER = Address(b"\xc0" * 20)
REFUSER = Address(b"\xc1" * 20)
BURNER = Address(b"\xc2" * 20)
NOBODY = Address(b"\xc3" * 20)
SPEC = ChainSpec(
    chain_id=7,
    gas_limit=30_000_000,
    genesis_timestamp_seconds=1_700_000_000,
    alloc={
        ALICE.address: GenesisAccount(balance_wei=10**18),
        # Stores the first word of its call data in slot 0, or returns that slot.
        COUNTER: GenesisAccount(
            nonce=1, code=bytes.fromhex("3615600a575f355f55005b5f545f5260205ff3"), storage={5: 6}
        ),
        REFUSER: GenesisAccount(nonce=1, code=bytes.fromhex("60aa5f5260205ffd")),
        BURNER: GenesisAccount(nonce=1, code=bytes.fromhex("5b5f56")),
    },
)


class Both:
    """One chain on each engine."""

    def __init__(self) -> None:
        self.wasm, self.reference = WasmEngine(SPEC), ReferenceChain(SPEC)
        self.nonce = 0

    def store(self, value: int) -> None:
        raw = sign(
            ALICE,
            Fields(
                2, 7, self.nonce, 100_000, COUNTER, data=value.to_bytes(32, "big"),
                max_fee_wei=2 * GWEI, tip_wei=1,
            ),
        )  # fmt: skip
        self.nonce += 1
        number = self.wasm.head_number + 1
        block = BlockInput(
            number, 1_700_000_000 + number, Hash32(bytes(32)), BOB.address, 30_000_000, (), (raw,),
            (None,),
        )  # fmt: skip
        assert self.wasm.execute(block) == self.reference.execute(block)

    def agree_on(self, number: int | None) -> None:
        addresses = [ALICE.address, BOB.address, COUNTER, NOBODY]
        assert self.reference.accounts(addresses, number) == self.wasm.accounts(addresses, number)
        for address in addresses:
            assert self.reference.code(address, number) == self.wasm.code(address, number)
            slots = [0, 5, 9]
            theirs = self.wasm.proof(address, slots, number)
            assert self.reference.proof(address, slots, number) == theirs
        for slot in (0, 5, 9):
            assert self.reference.storage_at(COUNTER, slot, number) == self.wasm.storage_at(
                COUNTER, slot, number
            )
        for request in CALLS:
            assert self.reference.call(request, number) == self.wasm.call(request, number)


CALLS = [
    CallRequest(NOBODY, COUNTER),
    CallRequest(ALICE.address, COUNTER, (9).to_bytes(32, "big")),
    CallRequest(ALICE.address, COUNTER, (9).to_bytes(32, "big"), gas_price_wei=3 * GWEI,
                gas_limit=60_000),
    CallRequest(ALICE.address, BOB.address, value_wei=5),
    CallRequest(NOBODY, REFUSER),
    CallRequest(ALICE.address, None, bytes.fromhex("60015f5360015ff3")),
]  # fmt: skip


@pytest.fixture
def both() -> Both:
    engines = Both()
    for value in (1, 2, 0, 3):
        engines.store(value)
    return engines


def test_reads_calls_and_proofs_are_the_same_at_every_block(both: Both) -> None:
    for number in (None, 0, 1, 2, 3, 4):
        both.agree_on(number)


def test_estimates_are_enough_and_nearly_the_same(both: Both) -> None:
    for request in (CALLS[0], CALLS[1], CALLS[3], CALLS[5]):
        theirs, ours = both.wasm.estimate_gas(request), both.reference.estimate_gas(request)
        assert abs(ours - theirs) * 40 <= theirs
        enough = CallRequest(
            request.sender, request.to, request.data, request.value_wei, gas_limit=ours
        )
        assert both.wasm.call(enough).is_success


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (CallRequest(NOBODY, REFUSER), CallRevertedError),
        (CallRequest(NOBODY, BURNER, gas_limit=100_000), GasRequiredExceedsAllowanceError),
        (CallRequest(NOBODY, BOB.address, value_wei=1), CallRejectedError),
    ],
)
def test_estimates_fail_alike(
    both: Both, request_: CallRequest, expected: type[EngineError]
) -> None:
    for engine in (both.wasm, both.reference):
        with pytest.raises(expected):
            engine.estimate_gas(request_)


def test_a_rollback_takes_both_back(both: Both) -> None:
    both.wasm.rollback(2)
    both.reference.rollback(2)
    assert both.reference.head_hash == both.wasm.head_hash
    both.agree_on(None)
    both.nonce = 2
    both.store(77)
    both.agree_on(None)


def test_what_is_final_is_not_rolled_back(both: Both) -> None:
    for engine in (both.wasm, both.reference):
        engine.finalize(3)
        with pytest.raises(RollbackBelowFinalizedError):
            engine.rollback(2)
        with pytest.raises(UnknownBlockError):
            engine.accounts([BOB.address], 99)


def test_a_snapshot_continues_and_a_wrong_one_is_refused(both: Both) -> None:
    head = ReferenceChain(SPEC)
    with pytest.raises(SnapshotRejectedError):
        ReferenceChain.from_snapshot(SPEC, both.reference.head_header_rlp, SPEC.alloc.items(), {})
    copy = ReferenceChain.from_snapshot(SPEC, head.head_header_rlp, SPEC.alloc.items(), {})
    assert copy.head_hash == head.head_hash
