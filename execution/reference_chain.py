"""The reference engine as a whole chain: reads at any block, calls, proofs and rollback.

The surface is that of :class:`execution.engine.WasmEngine`, so that one embedded chain
runs on either. Old states stay readable since py-evm's nodes are named by their hashes;
nothing is ever thrown away.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

import rlp

from execution._reference_calls import prove_account, run_call
from execution._reference_header import Header, encode_header
from execution._reference_state import new_database, open_state, write_genesis
from execution._reference_vm import build_state
from execution.errors import (
    CallRevertedError,
    GasRequiredExceedsAllowanceError,
    RollbackBelowFinalizedError,
    SnapshotRejectedError,
    UnknownBlockError,
)
from execution.reference import BLOCK_HASH_WINDOW, ReferenceEngine
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
)
from ledger.hashing import keccak

CALL_GAS_CAP: Final = 50_000_000
"""Gas of a call that names none, unless the block's gas limit is more."""


class ReferenceChain(ReferenceEngine):
    """One EVM chain, executed by py-evm."""

    def __init__(self, spec: ChainSpec) -> None:
        super().__init__(spec)
        self._start_at(self._head, {})

    @classmethod
    def from_snapshot(
        cls,
        spec: ChainSpec,
        head_header_rlp: bytes,
        accounts: Iterable[tuple[Address, GenesisAccount]],
        recent_hashes: Mapping[int, Hash32],
    ) -> Self:
        """Continue a chain; see :meth:`execution.engine.WasmEngine.from_snapshot`.

        Raises
        ------
        SnapshotRejectedError
            The accounts do not hash to the header's state root.
        """
        chain = cls.__new__(cls)
        chain._spec = spec
        chain._database = new_database()
        root = write_genesis(chain._database, dict(accounts))
        head = _decode_header(head_header_rlp)
        if root != head.state_root:
            raise SnapshotRejectedError(
                f"the accounts' root: expected {head.state_root.hex()}, got {root.hex()}"
            )
        chain._start_at(head, recent_hashes)
        return chain

    def _start_at(self, head: Header, recent_hashes: Mapping[int, Hash32]) -> None:
        self._head = head
        self._hashes = [recent_hashes[number] for number in sorted(recent_hashes)]
        self._hashes.append(Hash32(keccak(encode_header(head))))
        self._headers = {head.number: head}
        self._finalized_number = head.number

    @property
    def head_number(self) -> int:
        """Number of the last executed block."""
        return self._head.number

    @property
    def head_header_rlp(self) -> bytes:
        """Header of the last executed block."""
        return encode_header(self._head)

    @property
    def finalized_number(self) -> int:
        """Number of the last block that :meth:`finalize` named."""
        return self._finalized_number

    def execute(self, block: BlockInput) -> BlockOutput:
        """Execute the block after the head; it becomes the head."""
        output = super().execute(block)
        self._headers[block.number] = self._head
        return output

    def rollback(self, number: int) -> None:
        """Make block ``number`` the head again.

        Raises
        ------
        RollbackBelowFinalizedError, UnknownBlockError
        """
        if number < self._finalized_number:
            raise RollbackBelowFinalizedError(f"block {number}, final is {self._finalized_number}")
        self._head = self._header(number)
        for dropped in [known for known in self._headers if known > number]:
            del self._headers[dropped]
            self._hashes.pop()

    def finalize(self, number: int) -> None:
        """Mark block ``number`` and all before it as final; forget states that are far behind."""
        self._finalized_number = max(self._finalized_number, number)
        oldest = self._finalized_number - BLOCK_HASH_WINDOW
        for old in [known for known in self._headers if known < oldest]:
            del self._headers[old]

    def accounts(
        self, addresses: Sequence[Address], number: int | None = None
    ) -> list[AccountState]:
        """States of many accounts after block ``number`` (the head if ``None``)."""
        state = open_state(self._database, self._header(number).state_root)
        return [
            AccountState(
                state.get_nonce(address),
                state.get_balance(address),
                Hash32(state.get_code_hash(address)),
            )
            for address in addresses
        ]

    def code(self, address: Address, number: int | None = None) -> bytes:
        """Code of an account; empty if it has none."""
        state = open_state(self._database, self._header(number).state_root)
        return bytes(state.get_code(address))

    def storage_at(self, address: Address, slot: int, number: int | None = None) -> int:
        """Value of one storage slot."""
        state = open_state(self._database, self._header(number).state_root)
        return int(state.get_storage(address, slot))

    def call(self, request: CallRequest, number: int | None = None) -> CallResult:
        """Run a call on the state after block ``number`` and forget its effects.

        Raises
        ------
        CallRejectedError
            The call is no valid transaction: funds, intrinsic gas.
        """
        header = self._header(number)
        gas_limit = request.gas_limit or max(CALL_GAS_CAP, header.gas_limit)
        return run_call(self._state_for(header, request), request, gas_limit)

    def estimate_gas(self, request: CallRequest, number: int | None = None) -> int:
        """Least gas limit with which the call succeeds, no less than what it uses with plenty.

        Raises
        ------
        CallRevertedError, GasRequiredExceedsAllowanceError, CallRejectedError
        """
        header = self._header(number)
        allowance = request.gas_limit or max(CALL_GAS_CAP, header.gas_limit)
        first = run_call(self._state_for(header, request), request, allowance)
        if not first.is_success:
            if first.halt_reason is None:
                raise CallRevertedError("the call reverts", first.output)
            raise GasRequiredExceedsAllowanceError(
                f"{first.halt_reason} with all of {allowance} gas"
            )
        low, high = first.gas_used - 1, allowance
        guess = min(first.gas_used * 64 // 63 + 2_300, allowance)
        while low + 1 < high:
            tried = run_call(self._state_for(header, request), request, guess)
            low, high = (low, guess) if tried.is_success else (guess, high)
            is_close = (high - low) * 64 < high
            if is_close and tried.is_success:
                break
            guess = (low + high) // 2
        return high

    def proof(
        self, address: Address, slots: Sequence[int], number: int | None = None
    ) -> AccountProof:
        """EIP-1186 proof of an account and some of its slots."""
        return prove_account(self._database, self._header(number).state_root, address, slots)

    def _header(self, number: int | None) -> Header:
        if number is None:
            return self._head
        header = self._headers.get(number)
        if header is None:
            raise UnknownBlockError(f"block {number} is not retained")
        return header

    def _state_for(self, header: Header, request: CallRequest) -> Any:
        """State after a block, in its own context; without a gas price no base fee is due."""
        block = BlockInput(
            number=header.number,
            timestamp_seconds=header.timestamp_seconds,
            prev_randao=header.prev_randao,
            coinbase=header.coinbase,
            gas_limit=header.gas_limit,
            system_transactions=(),
            transactions=(),
            senders=(),
        )
        behind = self._head.number - header.number
        hashes = self._hashes[: len(self._hashes) - 1 - behind]
        base_fee_wei = header.base_fee_wei if request.gas_price_wei else 0
        return build_state(
            self._database,
            header.state_root,
            block,
            self._spec.chain_id,
            base_fee_wei,
            hashes[: -BLOCK_HASH_WINDOW - 1 : -1],
        )


def _decode_header(encoded: bytes) -> Header:
    """Header from our own store."""
    fields = rlp.decode(encoded)
    return Header(
        parent_hash=Hash32(fields[0]),
        coinbase=Address(fields[2]),
        state_root=Hash32(fields[3]),
        transactions_root=Hash32(fields[4]),
        receipts_root=Hash32(fields[5]),
        logs_bloom=fields[6],
        number=int.from_bytes(fields[8], "big"),
        gas_limit=int.from_bytes(fields[9], "big"),
        gas_used=int.from_bytes(fields[10], "big"),
        timestamp_seconds=int.from_bytes(fields[11], "big"),
        prev_randao=Hash32(fields[13]),
        base_fee_wei=int.from_bytes(fields[15], "big"),
    )
