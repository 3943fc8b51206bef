"""Batch witnesses: all that the guest of the zkVM needs to execute consecutive blocks.

Bytes for the guest's input region, little-endian, every part aligned to four bytes
(``stf/src/batch/witness.rs`` reads them)::

    u32 "BRW1" | u32 is_base_fee_zero | u64 chain id | u64 L1 chain id
    five accumulators of 32 bytes
    four lists: headers (the parent last), blocks, codes, nodes
    list: u32 count, then each item: u32 length, bytes, zeros up to a multiple of four

Nothing here is trusted by the guest: it checks every hash, and recovers senders itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Final

from execution.block_data import BatchBlock, encode_block_data
from execution.engine import WasmEngine, run_witness
from execution.errors import BatchError, WitnessTooLargeError
from execution.statement import Accumulators, Statement, decode
from execution.types import ChainSpec

MAGIC: Final = b"BRW1"

MAX_WITNESS_BYTES: Final = 64 << 20
"""More than this would not leave the guest the memory to work with it."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A batch with the part of the state that it needs.

    ``headers``, ``codes`` and ``nodes`` are those of
    :class:`execution.types.StateWitness`; ``blocks`` are encoded block data.
    """

    chain_id: int
    l1_chain_id: int
    is_base_fee_zero: bool
    before: Accumulators
    headers: tuple[bytes, ...]
    blocks: tuple[bytes, ...]
    codes: tuple[bytes, ...]
    nodes: tuple[bytes, ...]


def build_witness(
    engine: WasmEngine,
    spec: ChainSpec,
    blocks: Sequence[BatchBlock],
    l1_chain_id: int,
    before: Accumulators,
) -> Witness:
    """Witness of consecutive blocks whose parent the engine retains.

    Parameters
    ----------
    engine
        Holds the parent's state; it is the same afterwards.
    spec
        Constants of the engine's chain.
    blocks
        At least one; they may be blocks that the engine has executed already.
    l1_chain_id
        Chain whose messages count as deposits.
    before
        The hash chains before the first block.

    Raises
    ------
    BatchError
        No blocks.
    UnknownBlockError, BlockRejectedError
        As :meth:`WasmEngine.witness` raises them.
    """
    if not blocks:
        raise BatchError("expected at least one block")
    parent_number = blocks[0].block.number - 1
    state = engine.witness(parent_number, [entry.block for entry in blocks])
    return Witness(
        chain_id=spec.chain_id,
        l1_chain_id=l1_chain_id,
        is_base_fee_zero=spec.is_base_fee_zero,
        before=before,
        headers=state.headers,
        blocks=tuple(map(encode_block_data, blocks)),
        codes=state.codes,
        nodes=state.nodes,
    )


def encode_witness(witness: Witness) -> bytes:
    """Bytes for the guest's input region.

    Raises
    ------
    WitnessTooLargeError
        More than :data:`MAX_WITNESS_BYTES`.
    """
    parts = [
        MAGIC,
        witness.is_base_fee_zero.to_bytes(4, "little"),
        witness.chain_id.to_bytes(8, "little"),
        witness.l1_chain_id.to_bytes(8, "little"),
        *astuple(witness.before),
    ]
    for items in (witness.headers, witness.blocks, witness.codes, witness.nodes):
        parts.append(len(items).to_bytes(4, "little"))
        parts += _encode_items(items)
    encoded = b"".join(parts)
    if len(encoded) > MAX_WITNESS_BYTES:
        raise WitnessTooLargeError(
            f"witness: expected at most {MAX_WITNESS_BYTES} bytes, got {len(encoded)}; "
            "cut the batch at a block"
        )
    return encoded


def run_batch(witness: bytes) -> Statement:
    """Statement that the guest makes of an encoded witness, computed outside the zkVM.

    Raises
    ------
    WitnessRejectedError
        The witness proves nothing.
    """
    return decode(run_witness(witness))


def _encode_items(items: Iterable[bytes]) -> Iterable[bytes]:
    for item in items:
        yield len(item).to_bytes(4, "little")
        yield item
        yield bytes(-len(item) % 4)
