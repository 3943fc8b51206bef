"""Blocks on a metered chain, and how long the guest really takes for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contracts import zk_predeploys
from execution.block_data import BatchBlock
from execution.engine import WasmEngine
from execution.statement import Accumulators, public_values
from execution.types import (
    Address,
    BlockInput,
    BlockOutput,
    ChainSpec,
    GenesisAccount,
    Hash32,
    SystemTransaction,
)
from execution.witness import build_witness, encode_witness, run_batch
from ledger.types import ChainId
from proving.machine.executor import CycleCount, run_only
from tests.differential.guest.machine import guest_program
from tests.differential.signing import Fields, Key, make_key, sign

CHAIN_ID: Final = 4242
L1_CHAIN_ID: Final = 1
GAS_LIMIT: Final = 30_000_000
ETHER: Final = 10**18
ROLLUP: Final = Address(b"\x99" * 20)
COINBASE: Final = Address(b"\xcb" * 20)
ALICE: Final = make_key(1)


@dataclass(frozen=True, slots=True)
class Measured:
    """One block: what it did, what the meter says that it cost, and what the guest took."""

    output: BlockOutput
    run: CycleCount

    @property
    def metered(self) -> int:
        """Cost of all transactions, by the meter."""
        return sum(self.output.proving_costs)

    @property
    def cycles(self) -> int:
        """Cycles of the guest."""
        return self.run.cycles


class Lab:
    """A chain of its own for every measurement; ``alloc`` besides one rich account."""

    def __init__(self, alloc: Mapping[Address, GenesisAccount]) -> None:
        accounts = {ALICE.address: GenesisAccount(balance_wei=10**6 * ETHER), **alloc}
        self.spec = ChainSpec(
            CHAIN_ID, GAS_LIMIT, 1_700_000_000, accounts, is_base_fee_zero=True, is_metered=True
        )
        self.engine = WasmEngine(self.spec)

    @classmethod
    def with_predeploys(cls, alloc: Mapping[Address, GenesisAccount]) -> "Lab":
        """The ZK chain's contracts besides, with a queue of L1."""
        on_fast = [GenesisAccount(balance_wei=ETHER)]
        predeploys = zk_predeploys(
            ChainId(CHAIN_ID + 1), on_fast, l1_chain_id=ChainId(L1_CHAIN_ID), rollup=ROLLUP
        )
        return cls({**predeploys, **alloc})

    def sign(self, to: bytes | None, data: bytes = b"", **fields: object) -> bytes:
        """A transaction of the rich account with its next nonce and all of a block's gas."""
        nonce = self.engine.accounts([ALICE.address])[0].nonce
        return self.sign_as(ALICE, to, data, **({"nonce": nonce} | fields))

    def sign_as(self, key: Key, to: bytes | None, data: bytes = b"", **fields: object) -> bytes:
        """A transaction of any account."""
        defaults: dict[str, object] = {
            "kind": 2,
            "chain_id": CHAIN_ID,
            "gas_limit": GAS_LIMIT,
            "to": to or b"",
            "data": data,
        }
        return sign(key, Fields(**(defaults | fields)))  # type: ignore[arg-type]

    def block(
        self, transactions: Sequence[bytes], system: Sequence[SystemTransaction] = ()
    ) -> BlockInput:
        """The next block."""
        number = self.engine.head_number + 1
        return BlockInput(
            number=number,
            timestamp_seconds=1_700_000_000 + number,
            prev_randao=Hash32(bytes(32)),
            coinbase=COINBASE,
            gas_limit=GAS_LIMIT,
            system_transactions=tuple(system),
            transactions=tuple(transactions),
            senders=(None,) * len(transactions),
        )

    def try_one(self, transactions: Sequence[bytes]) -> BlockOutput:
        """Execute a block and forget it."""
        output = self.engine.execute(self.block(transactions))
        self.engine.rollback(output.number - 1)
        return output

    def measure(
        self, transactions: Sequence[bytes], system: Sequence[SystemTransaction] = ()
    ) -> Measured:
        """Execute the next block, and the guest on its witness, which has to agree."""
        block = self.block(transactions, system)
        output = self.engine.execute(block)
        witness = encode_witness(
            build_witness(
                self.engine, self.spec, [BatchBlock(block, ())], L1_CHAIN_ID, Accumulators()
            )
        )
        run = run_only(guest_program(), witness)
        assert run.public_values == public_values(run_batch(witness))
        return Measured(output, run)


def other_key(number: int) -> Key:
    """An account that owns nothing."""
    return make_key(1000 + number)
