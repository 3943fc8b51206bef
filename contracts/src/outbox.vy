# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title The outbox of a chain's Portal
@license Apache-2.0
@notice The outbox of a block consists of its `MessageSent` logs, with nonces that count from 0.

        One block's outbox is certified and carried whole, and no message can be skipped,
        so an outbox that no ledger block has room for would stop the bridge for ever. `Portal.send`
        therefore has a limit per block, over all senders together; past it, it reverts, and the
        next block takes what this one did not. Return messages are outside the limit: the protocol
        bounds the deliveries of a block, and each writes at most one.
"""

# @dev Longest `data` of a message, in bytes; the ledger's own bound, so that whatever is certified
# can be delivered.
MAX_DATA_BYTES: constant(uint256) = 8192

# @dev How many messages `Portal.send` puts in the outbox of one block at most. With the returns of a
# block's deliveries they stay below what a checkpoint of the ledger can carry; a test adds it up.
MAX_MESSAGES_PER_BLOCK: public(constant(uint256)) = 512

# @dev How many bytes these messages have at most, data and overhead: half of what a ledger block
# keeps for checkpoints.
MAX_OUTBOX_BYTES_PER_BLOCK: public(constant(uint256)) = 524_288

# @dev What a message counts beside its data, in bytes: no less than its other fields take on the
# ledger.
MESSAGE_OVERHEAD_BYTES: public(constant(uint256)) = 128

# @dev `_outbox_use` is one word: the block's number, the messages that `Portal.send` has put in that
# block's outbox (32 bits) and their bytes (32 bits).
USE_BLOCK_SHIFT: constant(uint256) = 64
USE_MESSAGES_SHIFT: constant(uint256) = 32
USE_FIELD_MASK: constant(uint256) = 2**32 - 1


event MessageSent:
    nonce: indexed(uint256)
    sender: indexed(address)
    target: indexed(address)
    value_wei: uint256
    gas_limit: uint256
    data: Bytes[MAX_DATA_BYTES]


# @dev Nonce that the next message sent from here gets.
next_outbound_nonce: public(uint256)

# @dev How full the outbox of the last block with a `Portal.send` is; see `USE_BLOCK_SHIFT`.
_outbox_use: uint256


@internal
def _take_room(data_bytes: uint256):
    """
    @dev Counts one more message of this block; reverts if its outbox is full.
    @param data_bytes The length of the message's data.
    """
    message_count: uint256 = 1
    used_bytes: uint256 = data_bytes + MESSAGE_OVERHEAD_BYTES
    use: uint256 = self._outbox_use
    if use >> USE_BLOCK_SHIFT == block.number:
        message_count += (use >> USE_MESSAGES_SHIFT) & USE_FIELD_MASK
        used_bytes += use & USE_FIELD_MASK
    has_room: bool = (
        message_count <= MAX_MESSAGES_PER_BLOCK and used_bytes <= MAX_OUTBOX_BYTES_PER_BLOCK
    )
    assert has_room, "portal: the outbox of this block is full"
    self._outbox_use = (
        (block.number << USE_BLOCK_SHIFT) | (message_count << USE_MESSAGES_SHIFT) | used_bytes
    )


@internal
def _append(
    sender: address,
    target: address,
    value_wei: uint256,
    gas_limit: uint256,
    data: Bytes[MAX_DATA_BYTES],
) -> uint256:
    """
    @dev Takes the next nonce and logs the message, which is what the outbox consists of.
    @return uint256 The nonce.
    """
    nonce: uint256 = self.next_outbound_nonce
    self.next_outbound_nonce = nonce + 1
    log MessageSent(
        nonce=nonce,
        sender=sender,
        target=target,
        value_wei=value_wei,
        gas_limit=gas_limit,
        data=data,
    )
    return nonce
