"""The execution engine: revm in wasm, with the state inside the instance.

An engine holds one chain in memory. Every retained block (the last 256, and
all that are not final) keeps its state, so that reads, calls and proofs work at
any of them, and :meth:`WasmEngine.rollback` is immediate.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Self

from execution._engine_codec import (
    EMPTY_CODE_HASH as EMPTY_CODE_HASH,
)
from execution._engine_codec import (
    decode_account_state,
    decode_block,
    decode_wide,
    encode_account,
    encode_block,
    encode_call,
    encode_wide,
)
from execution._wasm_abi import Operation, WasmInstance
from execution.types import (
    AccountProof,
    AccountState,
    Address,
    BlockInput,
    BlockOutput,
    CallRequest,
    CallResult,
    ChainSpec,
    GenesisAccount,
    Hash32,
    StateWitness,
    StorageProof,
)

_ACCOUNTS_PER_LOAD: Final = 10_000


class WasmEngine:
    """One EVM chain, executed by ``stf.wasm``.

    All methods raise a subclass of :class:`execution.errors.EngineError`.
    Methods may be called from several threads; they wait for each other, and
    release the GIL while the engine works.

    Parameters
    ----------
    spec
        Constants and genesis state; the engine starts at block 0.
    """

    def __init__(self, spec: ChainSpec) -> None:
        self._load(spec, spec.alloc.items())
        request = [spec.genesis_timestamp_seconds, spec.gas_limit]
        self._set_head(self._instance.invoke(Operation.START_AT_GENESIS, request))

    @classmethod
    def from_snapshot(
        cls,
        spec: ChainSpec,
        head_header_rlp: bytes,
        accounts: Iterable[tuple[Address, GenesisAccount]],
        recent_hashes: Mapping[int, Hash32],
    ) -> Self:
        """Continue a chain at the block with header ``head_header_rlp``.

        Parameters
        ----------
        accounts
            Every account of the state after that block; read in one pass.
            ``spec.alloc`` is ignored.
        recent_hashes
            Hashes of the 256 blocks before it, by number, for BLOCKHASH.

        Raises
        ------
        SnapshotRejectedError
            The accounts do not hash to the header's state root.
        """
        engine = cls.__new__(cls)
        engine._load(spec, accounts)
        request = [head_header_rlp, [[number, value] for number, value in recent_hashes.items()]]
        engine._set_head(engine._instance.invoke(Operation.START_AT_HEAD, request))
        return engine

    def _load(self, spec: ChainSpec, accounts: Iterable[tuple[Address, GenesisAccount]]) -> None:
        self._instance = WasmInstance()
        rules = [
            spec.fork,
            spec.chain_id,
            spec.initial_base_fee_wei,
            spec.is_base_fee_zero,
            spec.is_metered,
        ]
        self._instance.invoke(Operation.BEGIN, rules)
        for batch in _batches(accounts, _ACCOUNTS_PER_LOAD):
            encoded = [encode_account(address, account) for address, account in batch]
            self._instance.invoke(Operation.ADD_ACCOUNTS, encoded)

    def _set_head(self, response: list[Any]) -> None:
        number, block_hash, header_rlp, finalized_number = response
        self._head_number: int = number
        self._head_hash = Hash32(block_hash)
        self._head_header_rlp: bytes = header_rlp
        self._finalized_number: int = finalized_number

    @property
    def head_number(self) -> int:
        """Number of the last executed block."""
        return self._head_number

    @property
    def head_hash(self) -> Hash32:
        """Hash of the last executed block."""
        return self._head_hash

    @property
    def head_header_rlp(self) -> bytes:
        """Header of the last executed block, as :meth:`from_snapshot` takes it."""
        return self._head_header_rlp

    @property
    def finalized_number(self) -> int:
        """Number of the last block that :meth:`finalize` named (the first block at the start)."""
        return self._finalized_number

    @property
    def memory_size_bytes(self) -> int:
        """Memory that the instance has taken; it grows up to 4 GiB and never shrinks."""
        return self._instance.memory_size_bytes()

    def execute(self, block: BlockInput) -> BlockOutput:
        """Execute the block after the head; it becomes the head.

        Raises
        ------
        BlockRejectedError
            Not the next number, or the timestamp is before the parent's.
        """
        response = self._instance.invoke(Operation.EXECUTE, encode_block(block))
        output = decode_block(block.number, response)
        self._head_number = output.number
        self._head_hash = output.block_hash
        self._head_header_rlp = output.header_rlp
        return output

    def rollback(self, number: int) -> None:
        """Make block ``number`` the head again, as if nothing after it had been executed.

        Raises
        ------
        RollbackBelowFinalizedError, UnknownBlockError
        """
        self._set_head(self._instance.invoke(Operation.ROLLBACK, number))

    def finalize(self, number: int) -> None:
        """Mark block ``number`` and all before it as final; an older number changes nothing."""
        self._set_head(self._instance.invoke(Operation.FINALIZE, number))

    def accounts(
        self, addresses: Sequence[Address], number: int | None = None
    ) -> list[AccountState]:
        """States of many accounts after block ``number`` (the head if ``None``)."""
        response = self._instance.invoke(Operation.ACCOUNTS, [list(addresses), number])
        return [decode_account_state(entry) for entry in response]

    def code(self, address: Address, number: int | None = None) -> bytes:
        """Code of an account after block ``number``; empty if it has none."""
        code: bytes = self._instance.invoke(Operation.CODE, [address, number])
        return code

    def storage_at(self, address: Address, slot: int, number: int | None = None) -> int:
        """Value of one storage slot after block ``number``."""
        request = [address, [encode_wide(slot)], number]
        (value,) = self._instance.invoke(Operation.STORAGE, request)
        return decode_wide(value)

    def call(self, request: CallRequest, number: int | None = None) -> CallResult:
        """Run a call on the state after block ``number`` and forget its effects.

        A gas price of zero means that no base fee is due. Without a gas limit
        the call has 50 million gas, or the block's gas limit if that is more.

        Raises
        ------
        CallRejectedError
            The call is no valid transaction: funds, intrinsic gas.
        """
        response = self._instance.invoke(Operation.CALL, [encode_call(request), number])
        is_success, output, gas_used, halt_reason = response
        return CallResult(is_success, output, gas_used, halt_reason)

    def estimate_gas(self, request: CallRequest, number: int | None = None) -> int:
        """Least gas limit with which the call succeeds, refunds and the 63/64 rule included.

        As in geth it is no less than the gas that the call uses when it has plenty.

        Raises
        ------
        CallRevertedError, GasRequiredExceedsAllowanceError, CallRejectedError
        """
        gas: int = self._instance.invoke(Operation.ESTIMATE_GAS, [encode_call(request), number])
        return gas

    def proof(
        self, address: Address, slots: Sequence[int], number: int | None = None
    ) -> AccountProof:
        """EIP-1186 proof of an account and some of its slots after block ``number``."""
        request = [address, [encode_wide(slot) for slot in slots], number]
        state, storage_root, nodes, storage = self._instance.invoke(Operation.PROVE, request)
        return AccountProof(
            address=address,
            state=decode_account_state(state),
            storage_root=Hash32(storage_root),
            nodes=tuple(nodes),
            storage=tuple(
                StorageProof(slot, decode_wide(value), tuple(slot_nodes))
                for slot, (value, slot_nodes) in zip(slots, storage, strict=True)
            ),
        )

    def witness(self, parent_number: int, blocks: Sequence[BlockInput]) -> StateWitness:
        """What has to be known of the state to execute blocks on the retained block before them.

        The chain is the same afterwards: the blocks may be those that it already has.

        Raises
        ------
        UnknownBlockError
            The parent, or an older block that BLOCKHASH reaches for, is not retained.
        BlockRejectedError
            The blocks do not follow the parent, one after the other.
        """
        request = [parent_number, [encode_block(block) for block in blocks]]
        headers, codes, nodes = self._instance.invoke(Operation.RECORD, request)
        return StateWitness(tuple(headers), tuple(codes), tuple(nodes))

    def recover_senders(self, transactions: Sequence[bytes]) -> list[Address | None]:
        """Sender of each raw transaction; ``None`` where there is none."""
        senders: list[Address | None] = self._instance.invoke(
            Operation.RECOVER_SENDERS, list(transactions)
        )
        return senders


def run_witness(witness: bytes) -> bytes:
    """Encoded statement of a batch, by the code that the guest of the zkVM is built from.

    Parameters
    ----------
    witness
        As :func:`execution.witness.encode_witness` makes it; not trusted.

    Raises
    ------
    WitnessRejectedError
        The witness proves nothing; the guest would end with an exit code that is not zero.
    """
    statement: bytes = WasmInstance().invoke(Operation.RUN_BATCH, [witness])
    return statement


def _batches(
    accounts: Iterable[tuple[Address, GenesisAccount]], size: int
) -> Iterator[list[tuple[Address, GenesisAccount]]]:
    iterator = iter(accounts)
    while batch := list(islice(iterator, size)):
        yield batch


def proving_cost_tables() -> tuple[list[int], list[list[int]], list[list[int]], list[int]]:
    """Numbers of ``stf/src/meter/costs.rs``: of opcodes, lookups, precompiles, and all others."""
    opcodes, lookups, precompiles, others = WasmInstance().invoke(Operation.PROVING_COSTS, [])
    return opcodes, lookups, precompiles, others
