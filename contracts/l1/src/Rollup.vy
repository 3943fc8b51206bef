# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Rollup: where the ZK chain settles on L1
@license Apache-2.0
@notice Deposits and forced transactions go in through a queue (`message_queue.vy`), blocks' data are
        posted (`data_chain.vy`), batches are committed with a certificate of the validators, proved
        and made final (`batches.vy`) within caps (`inflow_caps.vy`). What was deposited is held here
        (`custody.vy`) and comes out against state proofs (`Exits.vy`). What can be changed, and how
        late: `governance.vy`.

        The escape hatch: an entry of the queue that no final batch has consumed within
        `escape_deadline_seconds` lets anyone open it, for ever. Then no batch becomes final any
        more, nothing is deposited, and everyone leaves with what the last final state root shows.
        Neither pause nor change of anything can prevent that: `force_transaction` is never paused,
        so that anyone can start the clock at any time.

@custom:security The Rollup pays out only what it holds. Whoever deploys it pays in, with the
        constructor, what the ZK chain's genesis accounts hold: otherwise their withdrawals would be
        paid from other people's deposits.

        A contract that deposits is the `message_sender()` on the ZK chain, and gets back a
        deposit whose call fails as a withdrawal: it must be able to receive ETH.

        Never send tokens to the Rollup but through `deposit_token`: nothing would ever give
        them out.
"""

import batch_statement as statements
import batches
import checkpoints
import custody
import data_chain as posted
import governance
import inflow_caps as caps
import l1_constants as zk
import message_leaf as leaves
import message_queue as queue

initializes: queue
initializes: posted
initializes: caps
initializes: governance[caps := caps]
initializes: batches[
    posted := posted, governance := governance, caps := caps, queue := queue
]
initializes: custody[queue := queue]

exports: (
    queue.queue_length,
    queue.queue_hash,
    queue.enqueued_at,
    posted.post_data,
    posted.posted_at,
    caps.available_inflow,
    caps.buckets,
    caps.mint_cap_per_round,
    caps.minted_in_round,
    governance.MAX_PAUSE_SECONDS,
    governance.PAUSE_REST_SECONDS,
    governance.cancel,
    governance.executable_at,
    governance.execute,
    governance.generation,
    governance.guardian,
    governance.is_paused,
    governance.owner,
    governance.pause,
    governance.paused_until,
    governance.propose,
    governance.registry,
    governance.timelock_seconds,
    governance.unpause,
    governance.verifier,
    batches.batch,
    batches.consumed_entries,
    batches.due_entries,
    batches.final_batch,
    batches.final_block_hash,
    batches.final_block_number,
    batches.final_state_root,
    batches.inclusion_deadline_seconds,
    batches.is_base_fee_zero,
    batches.zk_chain_id,
    custody.exits,
    custody.is_in_custody,
    custody.release_eth,
    custody.release_token,
    custody.token_depositor,
)


interface IExits:
    def rollup() -> address: view


# @dev Addresses up to here are precompiles of the ZK chain, or kept for them, and no targets.
LAST_RESERVED_ADDRESS: constant(uint256) = 65_535

# @dev Gas limit of the call that a plain deposit of ETH makes on the ZK chain: to a wallet.
RECEIVE_GAS_LIMIT: constant(uint256) = 100_000

# @dev Each block of the ZK chain executes one forced transaction at most. So that the queue cannot
# be stuffed beyond what it can work off, no L1 block takes more than so many.
MAX_FORCED_PER_BLOCK: public(constant(uint256)) = 8


event EscapeHatchOpened:
    nonce: indexed(uint256)
    state_root: bytes32


# @dev From this age of the oldest entry that is not consumed on, the escape hatch can be opened.
escape_deadline_seconds: public(immutable(uint256))

# @dev Whether the escape hatch is open; it never closes.
is_escape_open: public(bool)

# @dev Block number of the last forced transaction, and how many that block has so far.
_forced_in_block: uint256
_forced_count: uint256


@deploy
@payable
def __init__(
    chain_id: uint256,
    has_zero_base_fee: bool,
    genesis_state_root: bytes32,
    genesis_block_hash: bytes32,
    verifier: address,
    registry: address,
    exits: address,
    owner: address,
    guardian: address,
    inclusion_deadline: uint256,
    escape_deadline: uint256,
    timelock: uint256,
    eth_capacity_wei: uint256,
    eth_refill_wei_per_second: uint256,
    mints_per_round: uint256,
):
    """
    @dev Pay in what the ZK chain's genesis accounts hold, those of the fast chain included.
    @notice inclusion deadline < escape deadline < timelock. For a chain with value: a day, a week,
            and two weeks. An escape deadline below `MAX_PAUSE_SECONDS` would let the guardian's
            pause alone run it out.
    @param chain_id The chain id of the ZK chain.
    @param has_zero_base_fee Whether that chain has EIP-1559's base fee turned off.
    @param genesis_state_root The state root of its block 0.
    @param genesis_block_hash The hash of its block 0.
    @param verifier The 20-byte address that answers `isVerified(bytes32)`.
    @param registry The 20-byte address of the `ValidatorRegistry`.
    @param exits The 20-byte address of `Exits`, deployed for the address of this contract.
    @param owner The 20-byte address that proposes and executes changes.
    @param guardian The 20-byte address that may pause; zero for nobody.
    @param inclusion_deadline Seconds from which on an entry of the queue is due.
    @param escape_deadline Seconds from which on it opens the escape hatch.
    @param timelock Seconds between a change's proposal and its execution.
    @param eth_capacity_wei The capacity of the inflow cap of ETH.
    @param eth_refill_wei_per_second Its refill.
    @param mints_per_round The cap on trophies of each game round.
    """
    is_order_right: bool = inclusion_deadline < escape_deadline and escape_deadline < timelock
    assert is_order_right, "rollup: inclusion < escape < timelock is violated"
    escape_deadline_seconds = escape_deadline
    exits_rollup: address = staticcall IExits(exits).rollup()
    assert exits_rollup == self, "rollup: the exits contract is another rollup's"
    custody.__init__(exits)
    governance.__init__(owner, guardian, verifier, registry, timelock)
    batches.__init__(
        chain_id, has_zero_base_fee, genesis_state_root, genesis_block_hash, inclusion_deadline
    )
    caps._set_inflow_cap(empty(address), eth_capacity_wei, eth_refill_wei_per_second)
    caps._set_mint_cap(mints_per_round)


# ---- INTO THE ZK CHAIN ----


@external
@payable
@nonreentrant
def deposit(target: address, gas_limit: uint256, data: Bytes[leaves.MAX_DATA_BYTES]) -> uint256:
    """
    @dev Sends a message with the value of this call to the ZK chain.
    @notice The ZK chain's Portal calls `target` there with the value, as for a message of the other
            chain. If the call fails, the value comes back to the caller as a withdrawal; without
            value the message can be retried there.
    @param target The 20-byte address to call; no precompile, Portal, or address of the system.
    @param gas_limit The gas that the call gets; at most 2,000,000.
    @param data The call data; at most 8,192 bytes.
    @return uint256 The nonce of the entry.
    """
    self._require_running()
    self._require_target(target)
    assert gas_limit <= queue.MAX_GAS_LIMIT, "rollup: gas limit above 2000000"
    return queue._enqueue(msg.sender, target, msg.value, gas_limit, data)


@external
@payable
@nonreentrant
def deposit_eth(receiver: address) -> uint256:
    """
    @dev Sends the ETH of this call to an address of the ZK chain.
    @param receiver The 20-byte address; as for `deposit`.
    @return uint256 The nonce of the entry.
    """
    self._require_running()
    self._require_target(receiver)
    assert msg.value > 0, "rollup: no value"
    return queue._enqueue(msg.sender, receiver, msg.value, RECEIVE_GAS_LIMIT, b"")


@external
@nonreentrant
def deposit_token(token: address, token_id: uint256, receiver: address) -> uint256:
    """
    @dev Takes an ERC-721 token into custody; the ZK chain's `BridgedTokens` mints its twin.
    @notice The caller must own the token and have approved the Rollup for it.
    @param token The 20-byte address of the token contract.
    @param token_id The id of the token.
    @param receiver The 20-byte address that gets the twin on the ZK chain.
    @return uint256 The nonce of the entry.
    """
    self._require_running()
    return custody._take_token(token, token_id, receiver)


@external
@nonreentrant
def force_transaction(raw: Bytes[leaves.MAX_DATA_BYTES]) -> uint256:
    """
    @dev Orders a signed transaction of the ZK chain past its validators. Never paused.
    @notice The block that delivers the entry begins with the transaction, or is invalid. A raw
            transaction that is none does nothing.
    @param raw The EIP-2718 encoding of the signed transaction; at most 8,192 bytes.
    @return uint256 The nonce of the entry.
    """
    assert not self.is_escape_open, "rollup: the escape hatch is open"
    assert len(raw) > 0, "rollup: no transaction"
    if self._forced_in_block != block.number:
        self._forced_in_block = block.number
        self._forced_count = 0
    assert self._forced_count < MAX_FORCED_PER_BLOCK, "rollup: too many forced in this block"
    self._forced_count += 1
    return queue._enqueue(msg.sender, zk.FORCED_TRANSACTION, 0, 0, raw)


# ---- BATCHES ----


@external
@nonreentrant
def commit_batch(
    parent: bytes32,
    checkpoint: checkpoints.Checkpoint,
    signers: Bytes[32],
    signature: Bytes[256],
    data_chain: bytes32,
) -> bytes32:
    """
    @dev Commits a batch: a checkpoint of the ZK chain, certified by a quorum of its validators.
    @param parent The id of the batch before; zero for the genesis.
    @param checkpoint The checkpoint that the batch ends in.
    @param signers The bitmap of the signers, as in `ledger/signers.py`.
    @param signature The aggregate signature: a point of G2 in EIP-2537's encoding.
    @param data_chain The posted data chain that ends in the checkpoint's block.
    @return bytes32 The batch's id: keccak256 of `abi.encode(parent, keccak256(abi.encode(checkpoint)),
            data_chain)`.
    """
    self._require_running()
    return batches._commit(parent, checkpoint, signers, signature, data_chain)


@external
@nonreentrant
def prove_batch(
    id: bytes32,
    segments: DynArray[Bytes[statements.MAX_STATEMENT_BYTES], batches.MAX_SEGMENTS],
):
    """
    @dev Proves a committed batch by the statements of its consecutive segments, each of which the
         verifier knows. The parent must be proven.
    @param id The batch's id.
    @param segments The statements, as `execution.statement.encode` makes them.
    """
    self._require_running()
    batches._prove(id, segments)


@external
@nonreentrant
def finalize_batch(id: bytes32, consumed: uint256):
    """
    @dev Makes a proven batch final, whose parent is the last final batch.
    @param id The batch's id.
    @param consumed How many entries of the queue, from the first, the ZK chain has consumed by the
           batch's end: the hash of the chain over them must be the statement's.
    """
    self._require_running()
    batches._finalize(id, consumed)


# ---- ESCAPE ----


@external
@nonreentrant
def open_escape_hatch():
    """
    @dev Opens the escape hatch, for ever. By anyone, paused or not, once the oldest entry of the queue
         that no final batch has consumed is older than `escape_deadline_seconds`.
    """
    assert not self.is_escape_open, "rollup: the escape hatch is open"
    nonce: uint256 = batches.consumed_entries
    assert nonce < queue.queue_length, "rollup: nothing waits in the queue"
    age_seconds: uint256 = block.timestamp - queue._enqueued_at[nonce]
    assert age_seconds > escape_deadline_seconds, "rollup: the escape deadline has not passed"
    self.is_escape_open = True
    log EscapeHatchOpened(nonce=nonce, state_root=batches._final_state_root())


@internal
@view
def _require_running():
    """
    @dev Reverts while paused, and once the escape hatch is open.
    """
    assert not self.is_escape_open, "rollup: the escape hatch is open"
    assert not governance._is_paused(), "rollup: paused"


@internal
@pure
def _require_target(target: address):
    """
    @dev Reverts for an address that the ZK chain's Portal would not call, and for the one that marks
         forced transactions.
    """
    is_reserved: bool = convert(target, uint256) <= LAST_RESERVED_ADDRESS
    is_special: bool = (
        target == zk.PORTAL or target == zk.SYSTEM or target == zk.FORCED_TRANSACTION
    )
    assert not is_reserved and not is_special, "rollup: forbidden target"
