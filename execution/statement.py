"""What a batch of blocks of the ZK chain proves: pure data, its encoding, and joining batches.

The guest (``stf/src/batch``) makes a statement and commits to its digest; L1 builds
the same bytes from what it knows and has seen posted, and accepts a proof for that
digest only. All words are 32 bytes, big-endian, so that a contract can pack them.

A statement says where it starts as well as where it ends: state root, block hash and
every hash chain. So a long batch may be cut at any block, proved in parts, and
:func:`combine` gives the statement of the whole.

Bound by the statement, but not checked in the guest: the hashes of the checkpoint
certificates, which a block's data names. That a quorum signed them, and that the blocks
are those of the ledger, is what the validators' certificate over the last block says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

from execution.errors import BatchError, BrokenChainError, StatementDecodeError
from execution.types import ZERO_HASH, Address, Hash32
from ledger.hashing import keccak

DOMAIN: Final = keccak(b"Braid batch statement 1")
"""First word of every statement."""

ETH: Final = Address(bytes(20))
"""Asset of :attr:`Statement.inflows` that stands for ETH."""

MAX_STATEMENT_BYTES: Final = 1 << 20

_WORD_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Accumulators:
    """Hash chains that go on from batch to batch: ``h' = keccak(h || item)``, from zero.

    Attributes
    ----------
    block_data
        Items: keccak-256 of each block's data (:mod:`execution.block_data`).
    deposits
        Items: keccak-256 of the leaf (:func:`bridge.outbox.message_leaf`) of each message
        whose source chain is L1 and that the Portal took, in order. L1's queue keeps the
        same chain. A forced transaction that is taken is the first of its block.
    inbound
        The same for the messages of the fast chain.
    certificates
        Items: the hashes of checkpoint certificates that the blocks name.
    outbox
        Items: the outbox root (:func:`bridge.outbox.outbox_root`) of each block that sent
        a message.
    """

    block_data: Hash32 = ZERO_HASH
    deposits: Hash32 = ZERO_HASH
    inbound: Hash32 = ZERO_HASH
    certificates: Hash32 = ZERO_HASH
    outbox: Hash32 = ZERO_HASH


@dataclass(frozen=True, slots=True)
class RoundTotals:
    """What reports and payouts from the fast chain were granted in one round."""

    mints: int
    value_wei: int


@dataclass(frozen=True, slots=True)
class Statement:
    """The claim about one batch: executing its blocks leads from the first state to the last.

    Attributes
    ----------
    chain_id, l1_chain_id
        Of the proved chain, and of the chain whose messages count as deposits.
    is_base_fee_zero
        Whether the chain has EIP-1559's base fee turned off.
    first_block, last_block
        Numbers, both included.
    previous_state_root, previous_block_hash
        Of the block before the first.
    new_state_root, last_block_hash
        Of the last block.
    before, after
        The hash chains before the first and after the last block.
    inflows
        What came from the fast chain, by asset: wei delivered with messages and wei
        returned. Only assets with a positive sum.
    rounds
        What game rounds were granted, by round id. Only rounds with a report or a payout.
    """

    chain_id: int
    l1_chain_id: int
    is_base_fee_zero: bool
    first_block: int
    last_block: int
    previous_state_root: Hash32
    new_state_root: Hash32
    previous_block_hash: Hash32
    last_block_hash: Hash32
    before: Accumulators
    after: Accumulators
    inflows: dict[Address, int]
    rounds: dict[int, RoundTotals]


def encode(statement: Statement) -> bytes:
    """Words of a statement, as the guest hashes them."""
    words: list[int | bytes] = [
        DOMAIN,
        statement.chain_id,
        statement.l1_chain_id,
        int(statement.is_base_fee_zero),
        statement.first_block,
        statement.last_block,
        statement.previous_state_root,
        statement.new_state_root,
        statement.previous_block_hash,
        statement.last_block_hash,
    ]
    for field in fields(Accumulators):
        words += [getattr(statement.before, field.name), getattr(statement.after, field.name)]
    words.append(len(statement.inflows))
    for asset, amount in sorted(statement.inflows.items()):
        words += [asset, amount]
    words.append(len(statement.rounds))
    for round_id, totals in sorted(statement.rounds.items()):
        words += [round_id, totals.mints, totals.value_wei]
    return b"".join(map(_word, words))


def digest(statement: Statement) -> Hash32:
    """Keccak-256 of the encoding: what the guest makes public."""
    return Hash32(keccak(encode(statement)))


def public_values(statement: Statement) -> tuple[int, ...]:
    """The digest as the eight words that the guest commits, most significant first."""
    value = digest(statement)
    return tuple(int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value), 4))


def decode(encoded: bytes) -> Statement:
    """Statement with exactly this encoding.

    Raises
    ------
    StatementDecodeError
        Too long, cut off, or not what :func:`encode` writes.
    """
    is_whole = len(encoded) % _WORD_BYTES == 0 and len(encoded) <= MAX_STATEMENT_BYTES
    if not is_whole:
        raise StatementDecodeError(f"expected whole words, at most 1 MiB, got {len(encoded)} bytes")
    words = (Hash32(encoded[at : at + _WORD_BYTES]) for at in range(0, len(encoded), _WORD_BYTES))
    try:
        statement = _read(words)
    except StopIteration as end:
        raise StatementDecodeError("the statement is cut off") from end
    if encode(statement) != encoded:
        raise StatementDecodeError("the statement is not in canonical encoding")
    return statement


def combine(statements: Sequence[Statement]) -> Statement:
    """Statement of consecutive batches taken as one.

    Raises
    ------
    BatchError
        No statements at all.
    BrokenChainError
        One is of another chain, or does not go on where the one before it ends.
    """
    if not statements:
        raise BatchError("expected at least one statement")
    combined = statements[0]
    for following in statements[1:]:
        combined = _join(combined, following)
    return combined


def describe(statement: Statement) -> str:
    """What a statement claims, in plain words."""
    count = statement.last_block - statement.first_block + 1
    lines = [
        f"Chain {statement.chain_id}: {count} block(s), {statement.first_block} to "
        f"{statement.last_block}, {'without' if statement.is_base_fee_zero else 'with'} base fee.",
        f"State root {statement.previous_state_root.hex()} became "
        f"{statement.new_state_root.hex()}.",
        f"Block hash {statement.previous_block_hash.hex()} is followed, in the end, by "
        f"{statement.last_block_hash.hex()}.",
    ]
    for name, label in _CHAIN_LABELS.items():
        before, after = getattr(statement.before, name), getattr(statement.after, name)
        change = "unchanged" if before == after else f"{before.hex()} became {after.hex()}"
        lines.append(f"{label}: {change}.")
    for asset, amount in sorted(statement.inflows.items()):
        name = "ETH" if asset == ETH else f"asset 0x{asset.hex()}"
        lines.append(f"From the fast chain came {amount} wei of {name}.")
    for round_id, totals in sorted(statement.rounds.items()):
        lines.append(
            f"Round {round_id} was granted {totals.mints} trophies and {totals.value_wei} wei."
        )
    return "\n".join(lines)


_CHAIN_LABELS: Final = {
    "block_data": "Posted block data",
    "deposits": "Deposits from L1",
    "inbound": "Messages from the fast chain",
    "certificates": "Checkpoint certificates named",
    "outbox": "Outbox roots",
}


def _join(first: Statement, second: Statement) -> Statement:
    expected = (
        first.chain_id,
        first.l1_chain_id,
        first.is_base_fee_zero,
        first.last_block + 1,
        first.new_state_root,
        first.last_block_hash,
        first.after,
    )
    got = (
        second.chain_id,
        second.l1_chain_id,
        second.is_base_fee_zero,
        second.first_block,
        second.previous_state_root,
        second.previous_block_hash,
        second.before,
    )
    if expected != got:
        raise BrokenChainError(f"expected a batch that starts at {expected}, got one at {got}")
    inflows = dict(first.inflows)
    for asset, amount in second.inflows.items():
        inflows[asset] = inflows.get(asset, 0) + amount
    rounds = dict(first.rounds)
    for round_id, totals in second.rounds.items():
        known = rounds.get(round_id, RoundTotals(0, 0))
        rounds[round_id] = RoundTotals(
            known.mints + totals.mints, known.value_wei + totals.value_wei
        )
    return replace(
        second,
        first_block=first.first_block,
        previous_state_root=first.previous_state_root,
        previous_block_hash=first.previous_block_hash,
        before=first.before,
        inflows=inflows,
        rounds=rounds,
    )


def _word(value: int | bytes) -> bytes:
    if isinstance(value, int):
        return value.to_bytes(_WORD_BYTES, "big")
    return value.rjust(_WORD_BYTES, b"\0")


def _read(words: Iterator[Hash32]) -> Statement:
    def number() -> int:
        return int.from_bytes(next(words), "big")

    next(words)
    chain_id, l1_chain_id, is_base_fee_zero = number(), number(), number() == 1
    first_block, last_block = number(), number()
    previous_state_root, new_state_root = next(words), next(words)
    previous_block_hash, last_block_hash = next(words), next(words)
    chains = [(next(words), next(words)) for _ in fields(Accumulators)]
    inflows = {}
    for _ in range(number()):
        asset = Address(next(words)[-20:])
        inflows[asset] = number()
    rounds = {}
    for _ in range(number()):
        round_id = number()
        rounds[round_id] = RoundTotals(number(), number())
    return Statement(
        chain_id,
        l1_chain_id,
        is_base_fee_zero,
        first_block,
        last_block,
        previous_state_root,
        new_state_root,
        previous_block_hash,
        last_block_hash,
        Accumulators(*(before for before, _ in chains)),
        Accumulators(*(after for _, after in chains)),
        inflows,
        rounds,
    )
