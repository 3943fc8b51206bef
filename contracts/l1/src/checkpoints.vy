# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Checkpoints of the ledger, and the bytes that validators sign
@license Apache-2.0
@notice `_checkpoint_message` rebuilds, byte by byte, what `ledger.crossing.checkpoint_message`
        makes: the length-prefixed domain, the digest of the ledger's genesis, and the canonical
        MessagePack of the checkpoint (`ledger/codec.py`): an array of the tag 31 and eight fields,
        unsigned integers in their shortest form, hashes as 32-byte `bin 8`.
"""

# @dev `bytes([19]) + b"braid/checkpoint/v1"`.
DOMAIN_PREFIX: constant(Bytes[20]) = x"1362726169642f636865636b706f696e742f7631"

# @dev Array of nine items, then the tag 31.
HEAD: constant(Bytes[2]) = x"991f"

# @dev Header of a byte string of 32 bytes.
HASH_HEAD: constant(Bytes[2]) = x"c420"

# @dev Bounds of the ledger: a chain id has 52 bits, block numbers and nonces have 63.
MAX_CHAIN_ID: constant(uint256) = 2**52 - 1
MAX_UINT63: constant(uint256) = 2**63 - 1

MAX_MESSAGE_BYTES: constant(uint256) = 251


# @dev What executing one block of a chain gave, as a validator attests it.
struct Checkpoint:
    chain_id: uint256
    number: uint256
    ledger_digest: bytes32
    block_hash: bytes32
    state_root: bytes32
    receipts_root: bytes32
    outbox_root: bytes32
    next_message_nonce: uint256


@internal
@pure
def _checkpoint_message(genesis_digest: bytes32, checkpoint: Checkpoint) -> Bytes[MAX_MESSAGE_BYTES]:
    """
    @dev Returns the bytes that an attestation signs; reverts for what the ledger cannot encode.
    @param genesis_digest The digest of the ledger's genesis.
    @param checkpoint The checkpoint.
    @return Bytes The message.
    """
    is_encodable: bool = (
        checkpoint.chain_id <= MAX_CHAIN_ID
        and checkpoint.number <= MAX_UINT63
        and checkpoint.next_message_nonce <= MAX_UINT63
    )
    assert is_encodable, "checkpoint: a number is out of bounds"
    return concat(
        DOMAIN_PREFIX,
        genesis_digest,
        HEAD,
        self._encode_number(checkpoint.chain_id),
        self._encode_number(checkpoint.number),
        HASH_HEAD,
        checkpoint.ledger_digest,
        HASH_HEAD,
        checkpoint.block_hash,
        HASH_HEAD,
        checkpoint.state_root,
        HASH_HEAD,
        checkpoint.receipts_root,
        HASH_HEAD,
        checkpoint.outbox_root,
        self._encode_number(checkpoint.next_message_nonce),
    )


@internal
@pure
def _encode_number(number: uint256) -> Bytes[9]:
    """
    @dev Returns the shortest MessagePack encoding of an unsigned integer below 2**64.
    """
    word: bytes32 = convert(number, bytes32)
    if number < 2**7:
        return slice(word, 31, 1)
    if number < 2**8:
        return concat(x"cc", slice(word, 31, 1))
    if number < 2**16:
        return concat(x"cd", slice(word, 30, 2))
    if number < 2**32:
        return concat(x"ce", slice(word, 28, 4))
    return concat(x"cf", slice(word, 24, 8))
