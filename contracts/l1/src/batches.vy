# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Batches of the ZK chain: committed, proved, final
@license Apache-2.0
@notice A batch becomes final with both of

        - a certificate: a quorum of the ledger's validators attested the checkpoint that it ends in
          (so the order is the ledger's, and the messages from the fast chain are certified);
        - a proof: the statement of executing exactly the posted data, from the parent's end to the
          checkpoint's state, is known to the verifier (so the state is right).

        Batches form a tree with the genesis, whose id is zero, as its root. Final ones are a path
        from the root that only grows. Which of two siblings becomes final, whoever finishes first
        decides; both are parts of one and the same certified chain, so it makes no difference.
"""

import batch_statement as statements
import checkpoints
import data_chain as posted
import governance
import inflow_caps as caps
import message_queue as queue

uses: posted
uses: governance
uses: caps
uses: queue


interface IValidatorRegistry:
    def check_certificate(
        checkpoint: checkpoints.Checkpoint, signers: Bytes[32], signature: Bytes[256]
    ) -> uint256: view


interface IVerifier:
    def isVerified(statement_digest: bytes32) -> bool: view


# @dev Most statements that one batch is proved by.
MAX_SEGMENTS: constant(uint256) = 16

# @dev Values of `BatchState.status`.
UNKNOWN: constant(uint256) = 0
COMMITTED: constant(uint256) = 1
PROVEN: constant(uint256) = 2
FINAL: constant(uint256) = 3


# @dev What is known of a batch. `end.deposits` and `end.other_chains` are set once it is proved, the
# rest of `end` is what the certificate and the posted data say. `due_entries` is the number of queue
# entries, from the first, that were due when it was committed.
struct BatchState:
    status: uint256
    generation: uint256
    parent: bytes32
    end: statements.BatchEnd
    due_entries: uint256
    committed_at: uint256


event BatchCommitted:
    id: indexed(bytes32)
    parent: indexed(bytes32)
    last_block: uint256
    state_root: bytes32
    data_chain: bytes32


event BatchProven:
    id: indexed(bytes32)
    segments: uint256
    deposits: bytes32


event BatchFinalized:
    id: indexed(bytes32)
    last_block: uint256
    state_root: bytes32
    consumed: uint256


# @dev What a batch's statements must be about.
zk_chain_id: public(immutable(uint256))
is_base_fee_zero: public(immutable(bool))

# @dev From this age on, a queue entry must be consumed by a batch that is committed.
inclusion_deadline_seconds: public(immutable(uint256))

# @dev Id of the last final batch; zero for the genesis.
final_batch: public(bytes32)

# @dev How many entries of the queue final batches have consumed.
consumed_entries: public(uint256)

_batches: HashMap[bytes32, BatchState]
_inflows: HashMap[bytes32, DynArray[statements.Inflow, statements.MAX_INFLOWS]]
_rounds: HashMap[bytes32, DynArray[statements.RoundMints, statements.MAX_ROUNDS]]


@deploy
def __init__(
    chain_id: uint256,
    has_zero_base_fee: bool,
    genesis_state_root: bytes32,
    genesis_block_hash: bytes32,
    inclusion_deadline: uint256,
):
    """
    @dev Makes the genesis of the ZK chain the first final batch; see `Rollup.__init__`.
    """
    zk_chain_id = chain_id
    is_base_fee_zero = has_zero_base_fee
    inclusion_deadline_seconds = inclusion_deadline
    zero: bytes32 = empty(bytes32)
    self._batches[zero].status = FINAL
    self._batches[zero].end.state_root = genesis_state_root
    self._batches[zero].end.block_hash = genesis_block_hash
    self._batches[zero].end.other_chains = keccak256(concat(zero, zero, zero))


@external
@view
def batch(id: bytes32) -> BatchState:
    """
    @dev Returns what is known of a batch.
    @param id The batch's id; zero for the genesis.
    @return BatchState Its state; `status` is 0 unknown, 1 committed, 2 proven, 3 final. One whose
            `generation` is not the current one, and that is not final, has to be committed anew.
    """
    return self._batches[id]


@external
@view
def final_state_root() -> bytes32:
    """
    @dev Returns the ZK chain's state root after the last final batch.
    """
    return self._final_state_root()


@external
@view
def final_block_number() -> uint256:
    """
    @dev Returns the number of the last final block.
    """
    return self._batches[self.final_batch].end.block_number


@external
@view
def final_block_hash() -> bytes32:
    """
    @dev Returns the hash of the last final block.
    """
    return self._batches[self.final_batch].end.block_hash


@external
@view
def due_entries() -> uint256:
    """
    @dev Returns how many entries of the queue, from the first, a batch committed now must consume.
    """
    return self._due_entries()


@internal
def _commit(
    parent: bytes32,
    checkpoint: checkpoints.Checkpoint,
    signers: Bytes[32],
    signature: Bytes[256],
    data_chain: bytes32,
) -> bytes32:
    """
    @dev Writes a batch down; see `Rollup.commit_batch`.
    """
    id: bytes32 = keccak256(abi_encode(parent, keccak256(abi_encode(checkpoint)), data_chain))

    # GUARDS
    known: BatchState = self._batches[id]
    is_new: bool = known.status == UNKNOWN or not self._is_current(known)
    assert is_new, "batches: already committed"
    before: BatchState = self._batches[parent]
    is_parent_known: bool = before.status != UNKNOWN and self._is_current(before)
    assert is_parent_known, "batches: unknown parent"
    assert checkpoint.chain_id == zk_chain_id, "batches: checkpoint of another chain"
    assert checkpoint.number > before.end.block_number, "batches: no block after the parent"
    assert posted.posted_at[data_chain] != 0, "batches: the data was not posted"
    signer_count: uint256 = staticcall IValidatorRegistry(governance.registry).check_certificate(
        checkpoint, signers, signature
    )
    assert signer_count > 0, "batches: no certificate"

    # EFFECTS
    end: statements.BatchEnd = empty(statements.BatchEnd)
    end.block_number = checkpoint.number
    end.block_hash = checkpoint.block_hash
    end.state_root = checkpoint.state_root
    end.block_data = data_chain
    self._batches[id] = BatchState(
        status=COMMITTED,
        generation=governance.generation,
        parent=parent,
        end=end,
        due_entries=self._due_entries(),
        committed_at=block.timestamp,
    )
    log BatchCommitted(
        id=id,
        parent=parent,
        last_block=checkpoint.number,
        state_root=checkpoint.state_root,
        data_chain=data_chain,
    )
    return id


@internal
def _prove(
    id: bytes32,
    segments: DynArray[Bytes[statements.MAX_STATEMENT_BYTES], MAX_SEGMENTS],
):
    """
    @dev Joins the statements of a batch; see `Rollup.prove_batch`.
    """
    state: BatchState = self._batches[id]
    self._require_status(state, COMMITTED)
    before: BatchState = self._batches[state.parent]
    is_parent_proven: bool = before.status >= PROVEN and self._is_current(before)
    assert is_parent_proven, "batches: the parent is not proven"
    assert len(segments) > 0, "batches: no statement"

    end: statements.BatchEnd = before.end
    proved: statements.ProvedChain = statements.ProvedChain(
        chain_id=zk_chain_id, l1_chain_id=chain.id, is_base_fee_zero=is_base_fee_zero
    )
    inflows: DynArray[statements.Inflow, statements.MAX_INFLOWS] = []
    rounds: DynArray[statements.RoundMints, statements.MAX_ROUNDS] = []
    for segment: Bytes[statements.MAX_STATEMENT_BYTES] in segments:
        is_verified: bool = staticcall IVerifier(governance.verifier).isVerified(
            keccak256(segment)
        )
        assert is_verified, "batches: a statement is not verified"
        end = statements._follow(end, proved, segment)
        segment_inflows: DynArray[statements.Inflow, statements.MAX_INFLOWS] = (
            statements._read_inflows(segment)
        )
        for inflow: statements.Inflow in segment_inflows:
            last: uint256 = len(inflows)
            if last > 0 and inflows[last - 1].asset == inflow.asset:
                inflows[last - 1].amount += inflow.amount
            else:
                inflows.append(inflow)
        segment_rounds: DynArray[statements.RoundMints, statements.MAX_ROUNDS] = (
            statements._read_rounds(segment)
        )
        for mints: statements.RoundMints in segment_rounds:
            rounds.append(mints)

    # The end that was proved is the end that was certified and posted.
    assert end.block_number == state.end.block_number, "batches: another last block"
    assert end.block_hash == state.end.block_hash, "batches: another block hash"
    assert end.state_root == state.end.state_root, "batches: another state root"
    assert end.block_data == state.end.block_data, "batches: another data chain"

    self._batches[id].status = PROVEN
    self._batches[id].end.deposits = end.deposits
    self._batches[id].end.other_chains = end.other_chains
    self._inflows[id] = inflows
    self._rounds[id] = rounds
    log BatchProven(id=id, segments=len(segments), deposits=end.deposits)


@internal
def _finalize(id: bytes32, consumed: uint256):
    """
    @dev Makes a proven batch final; see `Rollup.finalize_batch`.
    """
    state: BatchState = self._batches[id]
    self._require_status(state, PROVEN)
    assert state.parent == self.final_batch, "batches: the parent is not the last final batch"
    assert consumed >= self.consumed_entries, "batches: entries consumed twice"
    is_queue_right: bool = state.end.deposits == queue._queue_hash(consumed)
    assert is_queue_right, "batches: other deposits than in the queue"
    assert consumed >= state.due_entries, "batches: a due entry is not consumed"

    for inflow: statements.Inflow in self._inflows[id]:
        caps._take_inflow(inflow.asset, inflow.amount)
    for mints: statements.RoundMints in self._rounds[id]:
        caps._take_mints(mints.round_id, mints.mints)

    self._batches[id].status = FINAL
    self.final_batch = id
    self.consumed_entries = consumed
    log BatchFinalized(
        id=id,
        last_block=state.end.block_number,
        state_root=state.end.state_root,
        consumed=consumed,
    )


@internal
@view
def _require_status(state: BatchState, status: uint256):
    """
    @dev Reverts unless a batch has a status, and got it under the present verifier and registry.
    """
    assert state.status != UNKNOWN, "batches: unknown batch"
    assert self._is_current(state), "batches: verifier or registry changed, commit anew"
    if status == COMMITTED:
        assert state.status == COMMITTED, "batches: already proven"
    else:
        assert state.status != COMMITTED, "batches: not proven"
        assert state.status == PROVEN, "batches: already final"


@internal
@view
def _is_current(state: BatchState) -> bool:
    """
    @dev Returns whether what is known of a batch still counts: final is for ever, all else until
         verifier or registry change.
    """
    return state.status == FINAL or state.generation == governance.generation


@internal
@view
def _final_state_root() -> bytes32:
    """
    @dev Returns the ZK chain's state root after the last final batch.
    """
    return self._batches[self.final_batch].end.state_root


@internal
@view
def _due_entries() -> uint256:
    """
    @dev Returns how many entries of the queue, from the first, are due now.
    """
    if block.timestamp < inclusion_deadline_seconds:
        return 0
    cutoff: uint256 = block.timestamp - inclusion_deadline_seconds
    return queue._count_older(self.consumed_entries, cutoff)
