# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Portal: messages and ETH between the two chains of the ledger, and L1
@license Apache-2.0
@notice One source, one address, both chains. `send` puts a message in this chain's outbox (its
        `MessageSent` logs); the protocol reads the outbox, agrees on it, and hands each message to
        the other chain's `deliver`, in order, exactly once. The ZK chain's Portal is also handed the
        queue of L1, if there is one (`l1_chain_id`), which has its own nonces.

        What becomes of a message of the other chain. Exactly one of these:

        - delivered: the call succeeded, with its value;
        - parked: it carried no value and the call failed. Anyone may `retry` it, until the next
          quarantine, which voids what is parked;
        - returned: it carried value and the call failed. The value goes back to its sender on the
          chain that it came from, by a return message, and the call is never made again (the
          sender can send anew). So a value is never both returned and spent;
        - dropped: it carried no value and may not be called at all (forbidden target, or more gas
          than the limit), which an honest outbox never contains.

        None of them reverts `deliver`, so no message can block those behind it.

        Return messages. Their sender is the Portal itself, which `send` can never write, since the
        Portal is a forbidden target and so never calls itself. The Portal that is asked to pay
        compares the return with what it wrote down when that nonce was sent, pays each nonce at
        most once, and only to its sender. A forged outbox can therefore not mint value through a
        return, not even on the honest replay of a chain that lied.
        A return never bounces: what its receiver refuses becomes claimable by that receiver.

        How much: `outbox.vy`; `send` reverts when the outbox of its block is full.

        Quarantine. While the fast chain is cut off, `send` on the ZK chain reverts, with value or
        without. Nothing is delivered there meanwhile, and a full queue would stop the ZK chain's
        own checkpoints. A ZK contract that calls `send` reverts with it: it must not make anything
        depend on that which has to work during a quarantine.

        Conservation. On the ZK chain (`is_asset_side`) `locked_wei` is what the fast chain may
        still bring back: it grows by what is sent there and shrinks by what comes back. A message
        that asks for more is returned, counted in `conservation_violations` and logged. The fast
        chain's Portal pays from a genesis balance that stands for ETH locked on the ZK chain.
        Always: balance on the ZK chain >= locked_wei + claimable_total_wei.

        L1. Its messages are as certain as L1 itself: no quarantine stops them or voids those that are
        parked, and they do not touch `locked_wei`; L1 holds the value, and here the Portal's genesis
        reserve pays it out. Delivered, parked (`retry_l1`) and dropped are as above. A value whose
        call fails becomes a withdrawal to its sender on L1 (`l1_withdrawals.vy`).

@custom:security The Portal calls any address with any data that a message names. Never give it
        tokens, approvals or roles: `msg.sender == PORTAL` proves nothing without a check of
        `message_sender()` and `message_source_chain()`: one address can be different people's on
        different chains.
"""

import l1_withdrawals
import outbox
import predeploy_addresses as predeploys

initializes: l1_withdrawals
initializes: outbox

exports: (
    outbox.MAX_MESSAGES_PER_BLOCK,
    outbox.MAX_OUTBOX_BYTES_PER_BLOCK,
    outbox.MESSAGE_OVERHEAD_BYTES,
    outbox.next_outbound_nonce,
    l1_withdrawals.l1_chain_id,
    l1_withdrawals.next_withdrawal_index,
    l1_withdrawals.withdraw,
    l1_withdrawals.withdraw_token,
    l1_withdrawals.withdrawals,
)


# @dev Largest `gas_limit` of a message.
MAX_GAS_LIMIT: constant(uint256) = 2_000_000

# @dev Gas that the receiver of a returned value gets.
RETURN_GAS_LIMIT: constant(uint256) = 50_000

# @dev Gas that must be left over beside a message's call, to write down how the call ended.
DELIVERY_RESERVE_GAS: constant(uint256) = 200_000

# @dev How much of a failed call's revert data is logged, in bytes.
MAX_REASON_BYTES: constant(uint256) = 256

# @dev Addresses up to here are precompiles, or kept for them, and no targets.
LAST_RESERVED_ADDRESS: constant(uint256) = 65_535


event MessageDelivered:
    nonce: indexed(uint256)


event MessageParked:
    nonce: indexed(uint256)
    reason: Bytes[MAX_REASON_BYTES]


event MessageReturned:
    nonce: indexed(uint256)
    return_nonce: indexed(uint256)
    value_wei: uint256
    reason: Bytes[MAX_REASON_BYTES]


event MessageDropped:
    nonce: indexed(uint256)


event MessageRetried:
    nonce: indexed(uint256)


event L1MessageDelivered:
    nonce: indexed(uint256)


event L1MessageParked:
    nonce: indexed(uint256)
    reason: Bytes[MAX_REASON_BYTES]


event L1MessageReturned:
    nonce: indexed(uint256)
    withdrawal_index: indexed(uint256)
    value_wei: uint256
    reason: Bytes[MAX_REASON_BYTES]


event L1MessageDropped:
    nonce: indexed(uint256)


event L1MessageRetried:
    nonce: indexed(uint256)


event ConservationViolation:
    nonce: indexed(uint256)
    asked_wei: uint256
    locked_wei: uint256


event ValueReturned:
    original_nonce: indexed(uint256)
    receiver: indexed(address)
    value_wei: uint256
    is_paid: bool


event ReturnRefused:
    nonce: indexed(uint256)
    receiver: indexed(address)
    value_wei: uint256


event Claimed:
    owner: indexed(address)
    receiver: indexed(address)
    value_wei: uint256


event QuarantineChanged:
    is_active: bool
    last_good_checkpoint: uint256


event OutboxSkipped:
    first_skipped_nonce: uint256
    next_nonce: uint256


# @dev Chain id of the other chain. Set in genesis.
remote_chain_id: public(uint256)

# @dev True on the ZK chain, where the ETH itself is. Set in genesis.
is_asset_side: public(bool)

# @dev Nonce that the next message delivered here must have.
next_inbound_nonce: public(uint256)

# @dev ZK chain only: wei that the fast chain may still bring back. Set in genesis to what the
# fast chain's genesis accounts hold.
locked_wei: public(uint256)

# @dev How many messages from the fast chain asked for more than `locked_wei`.
conservation_violations: public(uint256)

# @dev ZK chain only: while true, nothing from the fast chain is delivered or retried, and nothing
# is sent there.
is_quarantined: public(bool)

# @dev Number of the fast chain's block up to which its state is trusted, by the last change.
last_good_checkpoint: public(uint256)

# @dev How often a quarantine began. Part of a parked message's hash, so each voids what is parked.
quarantine_epoch: public(uint256)

# @dev Nonce of an inbound message to the hash under which it is parked, or zero.
parked_hash: public(HashMap[uint256, bytes32])

# @dev Nonce of an outbound message to the hash of (sender, value), while that may be returned.
returnable_hash: public(HashMap[uint256, bytes32])

# @dev Returned value that its receiver refused, by receiver.
claimable_wei: public(HashMap[address, uint256])

# @dev Sum of `claimable_wei`.
claimable_total_wei: public(uint256)

# @dev ZK chain only: nonce that the next message of L1 must have.
next_l1_nonce: public(uint256)

# @dev Nonce of a message of L1 to the hash under which it is parked, or zero.
parked_l1_hash: public(HashMap[uint256, bytes32])

# @dev Sender, on its own chain, of the message that is being delivered. A delivered call must
# have a sender, and the zero address sends nothing, so zero means that no delivery runs.
_current_sender: transient(address)

# @dev Chain id of that chain.
_current_source: transient(uint256)


@external
@payable
def send(target: address, gas_limit: uint256, data: Bytes[outbox.MAX_DATA_BYTES]) -> uint256:
    """
    @dev Puts a message in the outbox.
    @notice At most 8,192 bytes of data and 2,000,000 gas. `target` may not be a Portal, the system
            address, the zero address or a precompile. Reverts on the ZK chain while a quarantine is
            active, and on both when the outbox of this block is full: send again in a later block.
    @param target The 20-byte address to call on the other chain.
    @param gas_limit The gas that the call gets there.
    @param data The call data.
    @return uint256 The nonce of the message in this chain's outbox.
    """
    is_target_allowed: bool = not self._is_forbidden_target(target)
    assert is_target_allowed, "portal: forbidden target"
    assert gas_limit <= MAX_GAS_LIMIT, "portal: gas limit above 2000000"
    assert not self.is_quarantined, "portal: the fast chain is quarantined"

    outbox._take_room(len(data))
    nonce: uint256 = outbox._append(msg.sender, target, msg.value, gas_limit, data)
    if msg.value > 0:
        self.returnable_hash[nonce] = self._return_commitment(msg.sender, msg.value)
        if self.is_asset_side:
            self.locked_wei += msg.value
    return nonce


@external
def deliver(
    source_chain_id: uint256,
    nonce: uint256,
    sender: address,
    target: address,
    value_wei: uint256,
    gas_limit: uint256,
    data: Bytes[outbox.MAX_DATA_BYTES],
):
    """
    @dev Delivers the next message of the other chain's outbox, or of L1's queue. Only by a system
         transaction.
    @notice Reverts only where the protocol itself errs: wrong caller, chain or nonce, an active
            quarantine (L1 excepted), too little gas. How the message's own call ends never reverts
            it.
    @param source_chain_id The chain whose outbox the message is from.
    @param nonce The message's nonce there; must equal `next_inbound_nonce`, or `next_l1_nonce`.
    @param sender The address that sent it there, or the Portal for a return message.
    @param target The address to call here.
    @param value_wei The wei to call it with.
    @param gas_limit The gas to call it with.
    @param data The call data.
    """
    assert msg.sender == predeploys.SYSTEM, "portal: caller is not the system"
    has_l1: bool = l1_withdrawals.l1_chain_id != 0
    if has_l1 and source_chain_id == l1_withdrawals.l1_chain_id:
        self._deliver_from_l1(nonce, sender, target, value_wei, gas_limit, data)
        return

    assert source_chain_id == self.remote_chain_id, "portal: unknown source chain"
    assert not self.is_quarantined, "portal: deliveries are quarantined"
    assert nonce == self.next_inbound_nonce, "portal: nonce out of order"
    self.next_inbound_nonce = nonce + 1

    if sender == self:
        self._settle_return(nonce, target, value_wei, data)
        return

    # GUARDS
    is_callable: bool = self._is_callable(sender, target, gas_limit)
    is_conserved: bool = self._is_conserved(nonce, value_wei)

    # CALL
    is_success: bool = False
    reason: Bytes[MAX_REASON_BYTES] = b""
    if is_callable and is_conserved:
        self._require_gas_for_call(gas_limit)
        if self.is_asset_side:
            self.locked_wei -= value_wei
        is_success, reason = self._call_as(
            self.remote_chain_id, sender, target, value_wei, gas_limit, data
        )
        if self.is_asset_side and not is_success:
            self.locked_wei += value_wei

    # OUTCOME
    if is_success:
        log MessageDelivered(nonce=nonce)
    elif value_wei > 0:
        return_nonce: uint256 = outbox._append(
            self, sender, value_wei, RETURN_GAS_LIMIT, abi_encode(nonce)
        )
        log MessageReturned(
            nonce=nonce, return_nonce=return_nonce, value_wei=value_wei, reason=reason
        )
    elif is_callable:
        self.parked_hash[nonce] = self._parking_hash(nonce, sender, target, gas_limit, data)
        log MessageParked(nonce=nonce, reason=reason)
    else:
        log MessageDropped(nonce=nonce)


@external
def retry(
    nonce: uint256,
    sender: address,
    target: address,
    gas_limit: uint256,
    data: Bytes[outbox.MAX_DATA_BYTES],
):
    """
    @dev Makes the call of a parked message again. By anyone; reverts if the call fails again, so
         that the message stays parked.
    @notice The call gets all the gas that the caller brings, at least the message's own limit: a
            message that ran out of gas can be retried with more.
    @param nonce The nonce of the parked message.
    @param sender Its sender on the other chain.
    @param target The address that it calls.
    @param gas_limit Its gas limit.
    @param data Its call data.
    """
    assert self._current_sender == empty(address), "portal: retry inside a delivery"
    assert not self.is_quarantined, "portal: deliveries are quarantined"
    parked: bytes32 = self.parked_hash[nonce]
    is_parked: bool = parked == self._parking_hash(nonce, sender, target, gas_limit, data)
    assert is_parked, "portal: no such parked message"
    self._require_gas_for_call(gas_limit)

    self.parked_hash[nonce] = empty(bytes32)
    is_success: bool = False
    reason: Bytes[MAX_REASON_BYTES] = b""
    is_success, reason = self._call_as(
        self.remote_chain_id, sender, target, 0, msg.gas - DELIVERY_RESERVE_GAS, data
    )
    assert is_success, "portal: the call failed again"
    log MessageRetried(nonce=nonce)


@external
def retry_l1(
    nonce: uint256,
    sender: address,
    target: address,
    gas_limit: uint256,
    data: Bytes[outbox.MAX_DATA_BYTES],
):
    """
    @dev Makes the call of a parked message of L1 again, as `retry` does for one of the other chain. No
         quarantine stops it.
    @param nonce The nonce of the parked message in L1's queue.
    @param sender Its sender on L1.
    @param target The address that it calls.
    @param gas_limit Its gas limit.
    @param data Its call data.
    """
    assert self._current_sender == empty(address), "portal: retry inside a delivery"
    parked: bytes32 = self.parked_l1_hash[nonce]
    is_parked: bool = parked == self._l1_parking_hash(nonce, sender, target, gas_limit, data)
    assert is_parked, "portal: no such parked message"
    self._require_gas_for_call(gas_limit)

    self.parked_l1_hash[nonce] = empty(bytes32)
    is_success: bool = False
    reason: Bytes[MAX_REASON_BYTES] = b""
    is_success, reason = self._call_as(
        l1_withdrawals.l1_chain_id, sender, target, 0, msg.gas - DELIVERY_RESERVE_GAS, data
    )
    assert is_success, "portal: the call failed again"
    log L1MessageRetried(nonce=nonce)


@external
def claim(receiver: address):
    """
    @dev Pays out returned value that the caller could not receive when it came back.
    @param receiver The 20-byte address to pay.
    """
    amount: uint256 = self.claimable_wei[msg.sender]
    assert amount > 0, "portal: nothing to claim"
    self.claimable_wei[msg.sender] = 0
    self.claimable_total_wei -= amount
    log Claimed(owner=msg.sender, receiver=receiver, value_wei=amount)
    raw_call(receiver, b"", value=amount)


@external
def set_quarantine(is_active: bool, last_good_checkpoint: uint256):
    """
    @dev Begins or ends a quarantine of the fast chain. Only by a system transaction, on the ZK
         chain.
    @notice Beginning one voids every parked message: which of them an honest fast chain sent is
            not known here. Values are not affected, parked messages have none.
    @param is_active Whether deliveries from the fast chain are stopped.
    @param last_good_checkpoint The number of the last fast block whose state is trusted.
    """
    assert msg.sender == predeploys.SYSTEM, "portal: caller is not the system"
    assert self.is_asset_side, "portal: only the asset side is quarantined"
    if is_active and not self.is_quarantined:
        self.quarantine_epoch += 1
    self.is_quarantined = is_active
    self.last_good_checkpoint = last_good_checkpoint
    log QuarantineChanged(is_active=is_active, last_good_checkpoint=last_good_checkpoint)


@external
def skip_outbound_nonces(next_nonce: uint256):
    """
    @dev Lets the outbox of the fast chain go on at a higher nonce. Only by a system transaction,
         the first of the block that resumes the fast chain from its last good checkpoint.
    @notice The ZK chain may have consumed nonces that only the forged chain used. The honest
            replay must not use them again: `next_nonce` is the ZK Portal's `next_inbound_nonce`,
            or this outbox's own next nonce if that is higher.
    @param next_nonce The nonce that the next message gets.
    """
    assert msg.sender == predeploys.SYSTEM, "portal: caller is not the system"
    assert not self.is_asset_side, "portal: the asset side never skips"
    assert next_nonce >= outbox.next_outbound_nonce, "portal: a nonce would be used twice"
    log OutboxSkipped(first_skipped_nonce=outbox.next_outbound_nonce, next_nonce=next_nonce)
    outbox.next_outbound_nonce = next_nonce


@external
@view
def message_sender() -> address:
    """
    @dev Returns who sent the message that is being delivered; reverts outside a delivery.
    @return address The 20-byte sender on the chain `message_source_chain()`.
    """
    assert self._current_sender != empty(address), "portal: no delivery is running"
    return self._current_sender


@external
@view
def message_source_chain() -> uint256:
    """
    @dev Returns where the message that is being delivered comes from; reverts outside a delivery.
    @return uint256 The chain id.
    """
    assert self._current_sender != empty(address), "portal: no delivery is running"
    return self._current_source


@internal
def _deliver_from_l1(
    nonce: uint256,
    sender: address,
    target: address,
    value_wei: uint256,
    gas_limit: uint256,
    data: Bytes[outbox.MAX_DATA_BYTES],
):
    """
    @dev Delivers the next message of L1's queue; see `deliver`.
    """
    assert nonce == self.next_l1_nonce, "portal: nonce out of order"
    self.next_l1_nonce = nonce + 1

    # CALL
    is_callable: bool = self._is_callable(sender, target, gas_limit)
    is_success: bool = False
    reason: Bytes[MAX_REASON_BYTES] = b""
    if is_callable:
        self._require_gas_for_call(gas_limit)
        is_success, reason = self._call_as(
            l1_withdrawals.l1_chain_id, sender, target, value_wei, gas_limit, data
        )

    # OUTCOME
    if is_success:
        log L1MessageDelivered(nonce=nonce)
    elif value_wei > 0:
        index: uint256 = l1_withdrawals._record(self, sender, value_wei, empty(address), 0)
        log L1MessageReturned(
            nonce=nonce, withdrawal_index=index, value_wei=value_wei, reason=reason
        )
    elif is_callable:
        self.parked_l1_hash[nonce] = self._l1_parking_hash(
            nonce, sender, target, gas_limit, data
        )
        log L1MessageParked(nonce=nonce, reason=reason)
    else:
        log L1MessageDropped(nonce=nonce)


@internal
def _call_as(
    source_chain_id: uint256,
    sender: address,
    target: address,
    value_wei: uint256,
    gas_limit: uint256,
    data: Bytes[outbox.MAX_DATA_BYTES],
) -> (bool, Bytes[MAX_REASON_BYTES]):
    """
    @dev Calls `target` while `message_sender()` answers `sender`, and `message_source_chain()` the
         source.
    @return bool Whether the call succeeded.
    @return Bytes The first 256 bytes of what it returned.
    """
    self._current_sender = sender
    self._current_source = source_chain_id
    is_success: bool = False
    output: Bytes[MAX_REASON_BYTES] = b""
    is_success, output = raw_call(
        target,
        data,
        max_outsize=MAX_REASON_BYTES,
        gas=gas_limit,
        value=value_wei,
        revert_on_failure=False,
    )
    self._current_sender = empty(address)
    return is_success, output


@internal
def _settle_return(
    nonce: uint256, receiver: address, value_wei: uint256, data: Bytes[outbox.MAX_DATA_BYTES]
):
    """
    @dev Pays value back that this chain sent and the other chain could not deliver.
    @param nonce The nonce of the return message.
    @param receiver Who sent the value.
    @param value_wei The wei that come back.
    @param data The ABI encoding of the nonce under which the value was sent.
    """
    original_nonce: uint256 = 0
    is_known: bool = False
    if len(data) == 32 and value_wei > 0:
        original_nonce = convert(slice(data, 0, 32), uint256)
        commitment: bytes32 = self._return_commitment(receiver, value_wei)
        is_known = self.returnable_hash[original_nonce] == commitment
    if not is_known or not self._is_conserved(nonce, value_wei):
        log ReturnRefused(nonce=nonce, receiver=receiver, value_wei=value_wei)
        return

    self.returnable_hash[original_nonce] = empty(bytes32)
    if self.is_asset_side:
        self.locked_wei -= value_wei
    self._require_gas_for_call(RETURN_GAS_LIMIT)
    is_paid: bool = raw_call(
        receiver, b"", gas=RETURN_GAS_LIMIT, value=value_wei, revert_on_failure=False
    )
    if not is_paid:
        self.claimable_wei[receiver] += value_wei
        self.claimable_total_wei += value_wei
    log ValueReturned(
        original_nonce=original_nonce, receiver=receiver, value_wei=value_wei, is_paid=is_paid
    )


@internal
def _is_conserved(nonce: uint256, value_wei: uint256) -> bool:
    """
    @dev Returns whether the fast chain may bring back `value_wei`; counts and logs it if not.
    """
    if not self.is_asset_side or value_wei <= self.locked_wei:
        return True
    self.conservation_violations += 1
    log ConservationViolation(nonce=nonce, asked_wei=value_wei, locked_wei=self.locked_wei)
    return False


@internal
@view
def _require_gas_for_call(gas_limit: uint256):
    """
    @dev Reverts unless a call with `gas_limit` really gets that much (EIP-150 keeps 1/64 back) and
         enough is left to write down its outcome.
    """
    required: uint256 = gas_limit + gas_limit // 63 + DELIVERY_RESERVE_GAS
    assert msg.gas >= required, "portal: too little gas for the call"


@internal
@view
def _is_callable(sender: address, target: address, gas_limit: uint256) -> bool:
    """
    @dev Returns whether a message may be called at all.
    """
    return (
        not self._is_forbidden_target(target)
        and gas_limit <= MAX_GAS_LIMIT
        and sender != empty(address)
    )


@internal
@view
def _is_forbidden_target(target: address) -> bool:
    """
    @dev Returns whether no message may call `target`.
    """
    is_reserved: bool = convert(target, uint256) <= LAST_RESERVED_ADDRESS
    is_portal: bool = target == self or target == predeploys.PORTAL
    return is_reserved or is_portal or target == predeploys.SYSTEM


@internal
@view
def _parking_hash(
    nonce: uint256,
    sender: address,
    target: address,
    gas_limit: uint256,
    data: Bytes[outbox.MAX_DATA_BYTES],
) -> bytes32:
    """
    @dev Returns what is stored for a parked message: it binds the message and the quarantine epoch.
    """
    return keccak256(
        abi_encode(self.quarantine_epoch, nonce, sender, target, gas_limit, keccak256(data))
    )


@internal
@pure
def _l1_parking_hash(
    nonce: uint256,
    sender: address,
    target: address,
    gas_limit: uint256,
    data: Bytes[outbox.MAX_DATA_BYTES],
) -> bytes32:
    """
    @dev Returns what is stored for a parked message of L1. No quarantine voids it.
    """
    return keccak256(abi_encode(nonce, sender, target, gas_limit, keccak256(data)))


@internal
@pure
def _return_commitment(sender: address, value_wei: uint256) -> bytes32:
    """
    @dev Returns what is stored for a value that was sent and may come back.
    """
    return keccak256(abi_encode(sender, value_wei))
