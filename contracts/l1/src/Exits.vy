# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Exits: ways out of the ZK chain, by state proof
@license Apache-2.0
@notice Orders the Rollup to give out what it holds, against a storage proof (EIP-1186) under the ZK
        chain's last final state root. There is no other way out, for anybody.

        Normally: a withdrawal that the ZK chain's Portal wrote down, each index once.

        After the escape hatch was opened, when no batch becomes final any more, also:
        - the balance of an account, each account once;
        - a bridged token: to its owner, or to who locked it towards the fast chain, each once;
        - a deposit that no final batch consumed: back to who made it, each once.
        Only the account itself leaves: it calls, or signs an `Exit` (EIP-712) that names the
        receiver, so that anyone can pay for the call.

        This contract has no owner, is never paused, and cannot be replaced.

@custom:security An account of the ZK chain that is a contract can be left only by what has the same
        address on L1, which in general does not belong to the same people: expect that what contracts
        hold cannot escape, and keep no ETH in a contract of the ZK chain whose address somebody else
        could occupy on L1.

        What is on the fast chain when the hatch opens is not covered by its state: ETH there stays
        in the ZK chain's Portal, and a token there goes to the account that sent it to the fast
        chain, even if it was sold there since.

        A withdrawal to a contract that refuses ETH stays unpaid until it accepts.
"""

import l1_constants as zk
import merkle_patricia as mpt
import message_leaf as leaves


interface IRollup:
    def consumed_entries() -> uint256: view
    def final_state_root() -> bytes32: view
    def is_escape_open() -> bool: view
    def queue_hash(count: uint256) -> bytes32: view
    def release_eth(receiver: address, value_wei: uint256): nonpayable
    def release_token(token: address, token_id: uint256, receiver: address): nonpayable
    def token_depositor(nonce: uint256) -> address: view


# @dev EIP-712.
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
EXIT_TYPE: constant(bytes32) = keccak256(
    "Exit(address account,address receiver,address l1Token,uint256 tokenId)"
)


event Withdrawn:
    index: indexed(uint256)
    sender: indexed(address)
    receiver: indexed(address)
    value_wei: uint256
    l1_token: address
    token_id: uint256


event EscapedBalance:
    account: indexed(address)
    receiver: indexed(address)
    value_wei: uint256


event EscapedToken:
    account: indexed(address)
    receiver: indexed(address)
    l1_token: indexed(address)
    token_id: uint256


event DepositReclaimed:
    nonce: indexed(uint256)
    receiver: indexed(address)
    value_wei: uint256


# @dev The Rollup, whose root is believed and which holds everything.
rollup: public(immutable(address))

# @dev Index of a withdrawal to whether it was paid.
is_withdrawn: public(HashMap[uint256, bool])

# @dev Account of the ZK chain to whether its balance has left through the escape hatch.
has_escaped: public(HashMap[address, bool])

# @dev Nonce of a deposit to whether it was taken back.
is_reclaimed: public(HashMap[uint256, bool])


@deploy
def __init__(rollup_contract: address):
    """
    @dev Deploy this before the Rollup, whose constructor checks that it is the one named here.
    @param rollup_contract The 20-byte address that the Rollup will have.
    """
    rollup = rollup_contract


@external
@nonreentrant
def withdraw(
    index: uint256,
    sender: address,
    receiver: address,
    value_wei: uint256,
    l1_token: address,
    token_id: uint256,
    account_proof: DynArray[Bytes[mpt.MAX_NODE_BYTES], mpt.MAX_PROOF_NODES],
    storage_proof: DynArray[Bytes[mpt.MAX_NODE_BYTES], mpt.MAX_PROOF_NODES],
):
    """
    @dev Pays a withdrawal that the ZK chain's Portal has written down. By anyone, at any time, to the
         receiver only, once.
    @param index The index of the withdrawal.
    @param sender The 20-byte address that asked for it on the ZK chain.
    @param receiver The 20-byte address that gets it.
    @param value_wei The ETH in wei; 0 for a token.
    @param l1_token The 20-byte address of the token contract; zero for ETH.
    @param token_id The id of the token; 0 for ETH.
    @param account_proof The `accountProof` of `eth_getProof` for the Portal at the last final block.
    @param storage_proof The `proof` of its slot for the withdrawal.
    """
    assert not self.is_withdrawn[index], "exits: already withdrawn"
    expected: bytes32 = keccak256(
        abi_encode(index, sender, receiver, value_wei, l1_token, token_id)
    )
    slot: bytes32 = keccak256(abi_encode(zk.WITHDRAWALS_SLOT, index))
    recorded: uint256 = self._prove_slot(zk.PORTAL, slot, account_proof, storage_proof)
    assert convert(recorded, bytes32) == expected, "exits: another withdrawal"

    self.is_withdrawn[index] = True
    log Withdrawn(
        index=index,
        sender=sender,
        receiver=receiver,
        value_wei=value_wei,
        l1_token=l1_token,
        token_id=token_id,
    )
    if l1_token == empty(address):
        extcall IRollup(rollup).release_eth(receiver, value_wei)
    else:
        extcall IRollup(rollup).release_token(l1_token, token_id, receiver)


@external
@nonreentrant
def escape_balance(
    account: address,
    receiver: address,
    account_proof: DynArray[Bytes[mpt.MAX_NODE_BYTES], mpt.MAX_PROOF_NODES],
    signature: Bytes[65],
):
    """
    @dev Pays out an account's whole balance at the last final state root, once. After the escape hatch
         was opened.
    @param account The 20-byte address of the account on the ZK chain.
    @param receiver The 20-byte address that gets the ETH.
    @param account_proof The `accountProof` of `eth_getProof` for the account at the last final block.
    @param signature Empty if the account itself calls; else its signature (r, s, v) of the `Exit`
           with `l1Token` and `tokenId` zero.
    """
    self._require_escape()
    assert not self.has_escaped[account], "exits: the account has escaped"
    self._require_consent(account, receiver, empty(address), 0, signature)
    root: bytes32 = staticcall IRollup(rollup).final_state_root()
    balance_wei: uint256 = mpt._prove_balance(root, account, account_proof)
    assert balance_wei > 0, "exits: no balance"

    self.has_escaped[account] = True
    log EscapedBalance(account=account, receiver=receiver, value_wei=balance_wei)
    extcall IRollup(rollup).release_eth(receiver, balance_wei)


@external
@nonreentrant
def escape_token(
    account: address,
    receiver: address,
    l1_token: address,
    token_id: uint256,
    is_locked: bool,
    account_proof: DynArray[Bytes[mpt.MAX_NODE_BYTES], mpt.MAX_PROOF_NODES],
    storage_proof: DynArray[Bytes[mpt.MAX_NODE_BYTES], mpt.MAX_PROOF_NODES],
    signature: Bytes[65],
):
    """
    @dev Gives out a bridged token to its owner at the last final state root, or to who had locked it
         towards the fast chain by then. After the escape hatch was opened.
    @param account The 20-byte address of the owner, or of who locked it, on the ZK chain.
    @param receiver The 20-byte address that gets the token.
    @param l1_token The 20-byte address of the token contract on L1.
    @param token_id The id of the token on L1.
    @param is_locked Whether the token is locked; the proof is then that of `locked_by`.
    @param account_proof The `accountProof` of `eth_getProof` for `BridgedTokens`.
    @param storage_proof The `proof` of its slot for the token.
    @param signature Empty if the account itself calls; else its signature (r, s, v) of the `Exit`.
    """
    self._require_escape()
    self._require_consent(account, receiver, l1_token, token_id, signature)
    bridged_id: bytes32 = keccak256(abi_encode(l1_token, token_id))
    variable: uint256 = zk.TOKEN_LOCKED_BY_SLOT if is_locked else zk.TOKEN_OWNER_SLOT
    slot: bytes32 = keccak256(abi_encode(variable, bridged_id))
    holder: uint256 = self._prove_slot(zk.BRIDGED_TOKENS, slot, account_proof, storage_proof)
    assert holder == convert(account, uint256), "exits: the token is not the account's"

    # Each once: the Rollup gives out only what is in its custody, and takes nothing in any more.
    log EscapedToken(account=account, receiver=receiver, l1_token=l1_token, token_id=token_id)
    extcall IRollup(rollup).release_token(l1_token, token_id, receiver)


@external
@nonreentrant
def reclaim_deposit(
    nonce: uint256,
    sender: address,
    target: address,
    value_wei: uint256,
    gas_limit: uint256,
    data: Bytes[leaves.MAX_DATA_BYTES],
    receiver: address,
):
    """
    @dev Gives a deposit back that no final batch consumed before the escape hatch opened. Only to who
         made it, once. The fields are those of its `Enqueued` event.
    @param nonce The nonce of the entry.
    @param sender The sender; the Rollup itself for a token.
    @param target The target.
    @param value_wei The value in wei.
    @param gas_limit The gas limit.
    @param data The data.
    @param receiver The 20-byte address that gets the ETH, or the token.
    """
    self._require_escape()
    assert receiver != empty(address), "exits: zero receiver"
    assert not self.is_reclaimed[nonce], "exits: already reclaimed"
    consumed: uint256 = staticcall IRollup(rollup).consumed_entries()
    assert nonce >= consumed, "exits: the entry was consumed"
    leaf: bytes32 = leaves._leaf_hash(nonce, sender, target, value_wei, gas_limit, data)
    hash_before: bytes32 = staticcall IRollup(rollup).queue_hash(nonce)
    hash_after: bytes32 = staticcall IRollup(rollup).queue_hash(nonce + 1)
    assert hash_after == keccak256(concat(hash_before, leaf)), "exits: another entry"
    self.is_reclaimed[nonce] = True

    if sender == rollup:
        depositor: address = staticcall IRollup(rollup).token_depositor(nonce)
        assert msg.sender == depositor, "exits: caller is not the depositor"
        l1_token: address = empty(address)
        token_id: uint256 = 0
        l1_token, token_id = abi_decode(slice(data, 4, 64), (address, uint256))
        log DepositReclaimed(nonce=nonce, receiver=receiver, value_wei=0)
        extcall IRollup(rollup).release_token(l1_token, token_id, receiver)
    else:
        assert msg.sender == sender, "exits: caller is not the depositor"
        assert value_wei > 0, "exits: no value"
        log DepositReclaimed(nonce=nonce, receiver=receiver, value_wei=value_wei)
        extcall IRollup(rollup).release_eth(receiver, value_wei)


@external
@view
def exit_digest(
    account: address, receiver: address, l1_token: address, token_id: uint256
) -> bytes32:
    """
    @dev Returns what an account signs to leave (EIP-712), bound to this contract and this L1. Each
         account and each token leaves once, so a signature cannot be used twice.
    @param account The 20-byte address that leaves.
    @param receiver The 20-byte address that gets what it has.
    @param l1_token The 20-byte address of the token contract; zero for the balance.
    @param token_id The id of the token; 0 for the balance.
    @return bytes32 The digest.
    """
    return self._exit_digest(account, receiver, l1_token, token_id)


@internal
@view
def _require_escape():
    """
    @dev Reverts until the escape hatch is open.
    """
    is_open: bool = staticcall IRollup(rollup).is_escape_open()
    assert is_open, "exits: the escape hatch is not open"


@internal
@view
def _prove_slot(
    account: address,
    slot: bytes32,
    account_proof: DynArray[Bytes[mpt.MAX_NODE_BYTES], mpt.MAX_PROOF_NODES],
    storage_proof: DynArray[Bytes[mpt.MAX_NODE_BYTES], mpt.MAX_PROOF_NODES],
) -> uint256:
    """
    @dev Returns the value of a slot under the final state root; reverts unless the proofs show one.
    """
    root: bytes32 = staticcall IRollup(rollup).final_state_root()
    storage_root: bytes32 = mpt._prove_account(root, account, account_proof)
    return mpt._prove_slot(storage_root, slot, storage_proof)


@internal
@view
def _require_consent(
    account: address,
    receiver: address,
    l1_token: address,
    token_id: uint256,
    signature: Bytes[65],
):
    """
    @dev Reverts unless the account calls, or has signed this exit.
    """
    assert receiver != empty(address), "exits: zero receiver"
    if len(signature) == 0:
        assert msg.sender == account, "exits: caller is not the account"
        return
    assert len(signature) == 65, "exits: signature is not 65 bytes"
    digest: bytes32 = self._exit_digest(account, receiver, l1_token, token_id)
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    signer: address = ecrecover(digest, v, r, s)
    assert signer != empty(address) and signer == account, "exits: not signed by the account"


@internal
@view
def _exit_digest(
    account: address, receiver: address, l1_token: address, token_id: uint256
) -> bytes32:
    """
    @dev Returns the EIP-712 digest of an exit.
    """
    domain: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPE, keccak256("Braid Exits"), keccak256("1"), chain.id, self)
    )
    exit: bytes32 = keccak256(abi_encode(EXIT_TYPE, account, receiver, l1_token, token_id))
    return keccak256(concat(x"1901", domain, exit))
