# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title OwnershipOracle: who owns a token of the ZK chain, proved on the fast chain
@license Apache-2.0
@notice The protocol records the state roots of finalized ZK blocks here. Anyone can then prove,
        with the answer of `eth_getProof`, who owned an ERC-721 token at one of these blocks. No
        party is trusted: the roots come from the ledger and the proof is checked.

        Which slot. A proof shows the value of a storage slot, and only the token's code says what
        a slot means: a prover who may choose the slot passes off an approval as an ownership. So
        the slot of the token's owner mapping is not an argument. The token contract itself
        announces it, once, by a message through the ZK chain's Portal (`register_token`), whose
        sender nobody else can be. A token that announces a wrong slot harms nobody but itself.

        How old. A proof is as old as its state root, not as its transaction. `owner_of` answers
        only if the ZK block was recorded at most `max_age_seconds` ago, and never beyond ten
        minutes. Within that age a token may have changed hands: a reader must bear that.
"""

import merkle_patricia
import predeploy_addresses as predeploys


interface IPortal:
    def message_sender() -> address: view


# @dev How many state roots are kept.
RING_SIZE: constant(uint256) = 8192

# @dev Age beyond which `owner_of` never answers, in seconds.
MAX_PROOF_AGE_SECONDS: constant(uint256) = 600

# @dev How a compiler derives the slot of a mapping's entry: Solidity hashes key then slot, Vyper
# slot then key.
SOLIDITY_MAPPING: constant(uint256) = 1
VYPER_MAPPING: constant(uint256) = 2


struct RecordedRoot:
    zk_block_number: uint256
    recorded_seconds: uint256
    state_root: bytes32


struct Ownership:
    owner: address
    zk_block_number: uint256
    recorded_seconds: uint256


struct OwnerMapping:
    layout: uint256  # 0 while the token is not registered.
    slot: uint256


event StateRootRecorded:
    zk_block_number: indexed(uint256)
    state_root: bytes32


event TokenRegistered:
    token: indexed(address)
    slot: uint256
    layout: uint256


event OwnershipProved:
    token: indexed(address)
    token_id: indexed(uint256)
    owner: indexed(address)
    zk_block_number: uint256


# @dev Number of the newest ZK block that is recorded.
latest_zk_block_number: public(uint256)

# @dev The newest 8,192 records, by block number modulo 8,192.
_ring: RecordedRoot[RING_SIZE]

# @dev Token contract on the ZK chain to its owner mapping.
owner_mappings: public(HashMap[address, OwnerMapping])

# @dev Token contract and token id to the newest ownership that was proved.
ownerships: public(HashMap[address, HashMap[uint256, Ownership]])


@external
def record(zk_block_number: uint256, state_root: bytes32):
    """
    @dev Records the state root of a finalized ZK block. Only by a system transaction.
    @param zk_block_number The block's number; higher than all recorded before.
    @param state_root The 32-byte state root after the block.
    """
    assert msg.sender == predeploys.SYSTEM, "oracle: caller is not the system"
    assert zk_block_number > self.latest_zk_block_number, "oracle: block is not newer"
    self.latest_zk_block_number = zk_block_number
    self._ring[zk_block_number % RING_SIZE] = RecordedRoot(
        zk_block_number=zk_block_number,
        recorded_seconds=block.timestamp,
        state_root=state_root,
    )
    log StateRootRecorded(zk_block_number=zk_block_number, state_root=state_root)


@external
def register_token(slot: uint256, layout: uint256):
    """
    @dev Registers where the sending token keeps its owners. Only as a message from that token
         contract on the ZK chain, and only once.
    @param slot The slot of the mapping from token id to owner.
    @param layout 1 if entries lie where Solidity puts them, 2 for Vyper.
    """
    assert msg.sender == predeploys.PORTAL, "oracle: caller is not the portal"
    assert layout in [SOLIDITY_MAPPING, VYPER_MAPPING], "oracle: unknown mapping layout"
    token: address = staticcall IPortal(predeploys.PORTAL).message_sender()
    assert self.owner_mappings[token].layout == 0, "oracle: token is already registered"
    self.owner_mappings[token] = OwnerMapping(layout=layout, slot=slot)
    log TokenRegistered(token=token, slot=slot, layout=layout)


@external
def prove_ownership(
    zk_block_number: uint256,
    token: address,
    token_id: uint256,
    owner: address,
    account_proof: DynArray[
        Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES
    ],
    storage_proof: DynArray[
        Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES
    ],
):
    """
    @dev Proves who owned a token and keeps that for `owner_of`. By anyone, for any owner. Does not
         replace an ownership that was proved at a newer block.
    @param zk_block_number A recorded ZK block.
    @param token The token contract on the ZK chain.
    @param token_id The token's id.
    @param owner Its owner at that block.
    @param account_proof The account proof of the token contract.
    @param storage_proof The storage proof of the owner mapping's entry.
    """
    proved: address = self._prove_owner(
        zk_block_number, token, token_id, account_proof, storage_proof
    )
    is_newest: bool = zk_block_number >= self.ownerships[token][token_id].zk_block_number
    assert proved == owner, "oracle: another account owns the token"
    assert is_newest, "oracle: a newer ownership is proved"
    self.ownerships[token][token_id] = Ownership(
        owner=owner,
        zk_block_number=zk_block_number,
        recorded_seconds=self._ring[zk_block_number % RING_SIZE].recorded_seconds,
    )
    log OwnershipProved(
        token=token, token_id=token_id, owner=owner, zk_block_number=zk_block_number
    )


@external
@view
def verify_erc721_owner(
    zk_block_number: uint256,
    token: address,
    token_id: uint256,
    owner: address,
    account_proof: DynArray[
        Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES
    ],
    storage_proof: DynArray[
        Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES
    ],
) -> bool:
    """
    @dev Returns whether `owner` owned a token at a recorded ZK block.
    @notice Reverts where the proof proves nothing; answers false where it proves another owner.
    @return bool Whether the proved owner is `owner`.
    """
    return owner == self._prove_owner(
        zk_block_number, token, token_id, account_proof, storage_proof
    )


@external
@view
def owner_of(token: address, token_id: uint256, max_age_seconds: uint256) -> address:
    """
    @dev Returns the newest proved owner of a token, or the zero address if that is too old.
    @param token The token contract on the ZK chain.
    @param token_id The token's id.
    @param max_age_seconds How long ago the ZK block may have been recorded; 600 at most counts.
    @return address The owner, or zero.
    """
    ownership: Ownership = self.ownerships[token][token_id]
    max_age: uint256 = min(max_age_seconds, MAX_PROOF_AGE_SECONDS)
    is_fresh: bool = block.timestamp <= ownership.recorded_seconds + max_age
    return ownership.owner if is_fresh else empty(address)


@external
@view
def state_root_of(zk_block_number: uint256) -> bytes32:
    """
    @dev Returns a recorded state root; reverts if that block is not recorded or no longer kept.
    """
    return self._state_root_of(zk_block_number)


@internal
@view
def _prove_owner(
    zk_block_number: uint256,
    token: address,
    token_id: uint256,
    account_proof: DynArray[
        Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES
    ],
    storage_proof: DynArray[
        Bytes[merkle_patricia.MAX_NODE_BYTES], merkle_patricia.MAX_PROOF_NODES
    ],
) -> address:
    """
    @dev Returns the owner that the two proofs show; reverts unless they hold.
    """
    state_root: bytes32 = self._state_root_of(zk_block_number)
    slot: bytes32 = self._owner_slot(token, token_id)
    storage_root: bytes32 = merkle_patricia._prove_account(state_root, token, account_proof)
    word: uint256 = merkle_patricia._prove_slot(storage_root, slot, storage_proof)
    assert word <= convert(max_value(uint160), uint256), "oracle: slot holds no address"
    return convert(convert(word, uint160), address)


@internal
@view
def _owner_slot(token: address, token_id: uint256) -> bytes32:
    """
    @dev Returns the slot that holds a token's owner.
    """
    mapping: OwnerMapping = self.owner_mappings[token]
    assert mapping.layout != 0, "oracle: token is not registered"
    if mapping.layout == VYPER_MAPPING:
        return keccak256(abi_encode(mapping.slot, token_id))
    return keccak256(abi_encode(token_id, mapping.slot))


@internal
@view
def _state_root_of(zk_block_number: uint256) -> bytes32:
    """
    @dev Returns a recorded state root; reverts if that block is not recorded or no longer kept.
    """
    recorded: RecordedRoot = self._ring[zk_block_number % RING_SIZE]
    is_recorded: bool = recorded.zk_block_number == zk_block_number
    assert is_recorded and recorded.state_root != empty(bytes32), "oracle: block is not recorded"
    return recorded.state_root
