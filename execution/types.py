"""What goes into an execution engine and what comes out of it.

Every engine (the wasm STF, the py-evm reference) takes the same
:class:`BlockInput` and must return the same :class:`BlockOutput`, bit for bit.

Amounts are in wei, times in seconds, addresses are 20 raw bytes and hashes
32 raw bytes.
"""

from dataclasses import dataclass, field
from typing import Final

from ledger.types import EvmAddress, EvmHash

Address = EvmAddress
Hash32 = EvmHash

SYSTEM_ADDRESS: Final = Address(bytes.fromhex("fffffffffffffffffffffffffffffffffffffffe"))
"""Sender of every system transaction (the address EIP-4788 and EIP-2935 use)."""

SYSTEM_TRANSACTION_TYPE: Final = 0x7E
"""EIP-2718 type of a system transaction."""

ZERO_HASH: Final = Hash32(bytes(32))


@dataclass(frozen=True, slots=True)
class GenesisAccount:
    """One account of a chain's genesis state; ``storage`` maps slot to value, both as integers."""

    balance_wei: int = 0
    nonce: int = 0
    code: bytes = b""
    storage: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """The constants of one EVM chain.

    ``is_base_fee_zero`` turns EIP-1559's base fee off: it is then 0 in every
    block. Otherwise it starts at ``initial_base_fee_wei`` and follows
    EIP-1559 with target ``gas_limit // 2``. ``is_metered`` is for the chain that is proved:
    what a transaction may cost to prove is bounded (docs/proving.md).
    """

    chain_id: int
    gas_limit: int
    genesis_timestamp_seconds: int
    alloc: dict[Address, GenesisAccount]
    initial_base_fee_wei: int = 1_000_000_000
    is_base_fee_zero: bool = False
    is_metered: bool = False
    fork: str = "prague"


@dataclass(frozen=True, slots=True)
class SystemTransaction:
    """A call that the protocol itself makes at the start of a block.

    Encoded as ``0x7e || rlp([nonce, to, gas_limit, data])``; its hash is the
    keccak-256 of that. The sender is :data:`SYSTEM_ADDRESS`, the value and the
    gas price are zero, no account pays, and neither nonce nor balance of the
    sender changes. All of ``gas_limit`` is for the call: there is neither intrinsic gas
    nor a refund. Its gas does not count towards the block's gas limit or
    ``gas_used``'s effect on the base fee, but it does appear in the receipt
    (and so in the cumulative gas). ``nonce`` counts the chain's system
    transactions, so that no two have the same hash.
    """

    nonce: int
    to: Address
    gas_limit: int
    data: bytes


@dataclass(frozen=True, slots=True)
class BlockInput:
    """One block to execute on top of the engine's head.

    ``transactions`` are EIP-2718 byte strings (legacy, 1, 2 or 4).
    ``senders`` has the same length; ``None`` asks the engine to recover that
    sender. A transaction that is invalid at its turn (bad encoding, wrong chain
    id, nonce, funds, intrinsic gas, fee below base fee, no gas left in the
    block, blob transaction) is skipped and reported, never an error.
    ``prev_randao`` is the digest of the ledger block that carries this block.
    """

    number: int
    timestamp_seconds: int
    prev_randao: Hash32
    coinbase: Address
    gas_limit: int
    system_transactions: tuple[SystemTransaction, ...]
    transactions: tuple[bytes, ...]
    senders: tuple[Address | None, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """One EVM log."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """Receipt of one included transaction: the consensus fields and what JSON-RPC shows."""

    transaction_hash: Hash32
    transaction_type: int
    sender: Address
    to: Address | None
    is_success: bool
    gas_used: int
    cumulative_gas_used: int
    effective_gas_price_wei: int
    contract_address: Address | None
    logs: tuple[Log, ...]
    output: bytes
    """Return data of a system transaction (revert data when it failed); empty for all others."""


@dataclass(frozen=True, slots=True)
class SkippedTransaction:
    """A transaction of the block that had no effect: its index in the input and a stable reason."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class AccountChange:
    """New value of one account after a block; ``is_deleted`` means that it is gone.

    ``code`` is set only where the code changed. ``storage`` holds the changed
    slots (0 means cleared); ``is_storage_wiped`` says that all older slots are gone first.
    """

    address: Address
    is_deleted: bool
    nonce: int
    balance_wei: int
    code: bytes | None
    is_storage_wiped: bool
    storage: dict[int, int]


@dataclass(frozen=True, slots=True)
class BlockOutput:
    """Result of executing one block.

    ``receipts`` covers the system transactions first, then the included ones,
    in order; ``included`` holds the raw encodings in the same order. ``proving_costs`` says
    what each of them cost to prove, where the chain is metered.
    """

    number: int
    block_hash: Hash32
    header_rlp: bytes
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes
    gas_used: int
    base_fee_wei: int
    included: tuple[bytes, ...]
    receipts: tuple[Receipt, ...]
    skipped: tuple[SkippedTransaction, ...]
    changes: tuple[AccountChange, ...]
    proving_costs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CallRequest:
    """Arguments of ``eth_call`` and ``eth_estimateGas``."""

    sender: Address
    to: Address | None
    data: bytes = b""
    value_wei: int = 0
    gas_limit: int | None = None
    gas_price_wei: int = 0


@dataclass(frozen=True, slots=True)
class CallResult:
    """Outcome of a call: ``halt_reason`` is set when it neither returned nor reverted."""

    is_success: bool
    output: bytes
    gas_used: int
    halt_reason: str | None = None


@dataclass(frozen=True, slots=True)
class AccountState:
    """Nonce, balance and code hash of one account (all zero and the empty hash if absent)."""

    nonce: int
    balance_wei: int
    code_hash: Hash32


@dataclass(frozen=True, slots=True)
class StorageProof:
    """EIP-1186 proof of one storage slot: RLP trie nodes from the storage root down."""

    slot: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """EIP-1186 proof of one account and some of its slots."""

    address: Address
    state: AccountState
    storage_root: Hash32
    nodes: tuple[bytes, ...]
    storage: tuple[StorageProof, ...]


@dataclass(frozen=True, slots=True)
class StateWitness:
    """What has to be known of a chain to execute some blocks without its state.

    ``headers`` are RLP, consecutive, of as many ancestors as BLOCKHASH reaches for, the
    parent last. ``nodes`` are RLP trie nodes in the order of a walk from the parent's
    state root, an account's storage right after its leaf.
    """

    headers: tuple[bytes, ...]
    codes: tuple[bytes, ...]
    nodes: tuple[bytes, ...]
