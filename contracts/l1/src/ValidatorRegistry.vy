# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title ValidatorRegistry: who orders the ledger, and what their certificates say
@license Apache-2.0
@notice The validators of one genesis of the ledger, with their BLS keys, in the ledger's order. The
        deployer registers them one by one, each with a proof that somebody knows the secret key (without
        it, a key could be made that cancels the others'), and then seals the registry, for ever.
        Another set of validators is another registry: the Rollup changes to it through its timelock.

        A certificate is one aggregate signature of a quorum, n - floor((n - 1) / 3) of n, over the
        bytes of `ledger.crossing.checkpoint_message`.

@custom:security The digest of the genesis is part of what is signed: certificates of another ledger do
        not verify, even if its validators have the same keys. Compare digest, count and keys with the
        ledger's genesis before a Rollup trusts a registry.
"""

import bls12_381 as bls
import checkpoints

# @dev Most validators of a ledger.
MAX_VALIDATORS: constant(uint256) = 256

# @dev Bytes of a bitmap of so many.
MAX_BITMAP_BYTES: constant(uint256) = 32

# @dev Longest message that is signed.
MAX_MESSAGE_BYTES: constant(uint256) = 251


event ValidatorRegistered:
    index: indexed(uint256)
    key: Bytes[48]


event Sealed:
    validator_count: uint256


# @dev The digest of the ledger's genesis.
genesis_digest: public(immutable(bytes32))

# @dev Who registers validators until the seal.
registrar: public(immutable(address))

# @dev How many validators there are.
validator_count: public(uint256)

# @dev Whether the set is complete; no certificate counts before, nothing changes after.
is_sealed: public(bool)

# @dev Index of a validator to the key without its padding: x and y of 48 bytes each.
_keys: HashMap[uint256, bytes32[3]]

# @dev keccak256 of a key to whether it is registered.
_is_registered: HashMap[bytes32, bool]


@deploy
def __init__(digest: bytes32):
    """
    @dev The deployer becomes the registrar.
    @param digest The digest of the ledger's genesis.
    """
    genesis_digest = digest
    registrar = msg.sender


@external
def register(key: Bytes[128], possession: Bytes[256]):
    """
    @dev Registers the next validator. Only by the registrar, before the seal.
    @param key The public key: a point of G1 in EIP-2537's encoding.
    @param possession The proof of possession: the signature, a point of G2, over the key's 48-byte
           encoding, in the domain of proofs of possession.
    """
    assert msg.sender == registrar, "registry: caller is not the registrar"
    assert not self.is_sealed, "registry: sealed"
    index: uint256 = self.validator_count
    assert index < MAX_VALIDATORS, "registry: too many validators"
    assert len(key) == 128, "registry: key is not 128 bytes"
    identity: bytes32 = keccak256(key)
    assert not self._is_registered[identity], "registry: key is registered"
    compressed: Bytes[48] = bls._compress(key)
    is_possessed: bool = bls._verify(key, compressed, bls.POSSESSION_DOMAIN, possession)
    assert is_possessed, "registry: no proof of possession"

    self._is_registered[identity] = True
    packed: Bytes[96] = concat(slice(key, 16, 48), slice(key, 80, 48))
    self._keys[index] = [extract32(packed, 0), extract32(packed, 32), extract32(packed, 64)]
    self.validator_count = index + 1
    log ValidatorRegistered(index=index, key=compressed)


@external
def seal(expected_count: uint256):
    """
    @dev Closes the set, for ever. Only by the registrar.
    @param expected_count How many validators there must be.
    """
    assert msg.sender == registrar, "registry: caller is not the registrar"
    assert not self.is_sealed, "registry: sealed"
    is_complete: bool = expected_count > 0 and self.validator_count == expected_count
    assert is_complete, "registry: another number of validators"
    self.is_sealed = True
    log Sealed(validator_count=expected_count)


@external
@view
def quorum() -> uint256:
    """
    @dev Returns how many signers a certificate needs.
    """
    return self._quorum()


@external
@view
def validator_key(index: uint256) -> Bytes[128]:
    """
    @dev Returns a validator's key; reverts if there is no such validator.
    @param index The validator's index in the ledger's genesis.
    @return Bytes The point of G1 in EIP-2537's encoding.
    """
    assert index < self.validator_count, "registry: no such validator"
    return self._key(index)


@external
@view
def checkpoint_message(checkpoint: checkpoints.Checkpoint) -> Bytes[MAX_MESSAGE_BYTES]:
    """
    @dev Returns the bytes that validators sign for a checkpoint.
    @param checkpoint The checkpoint.
    @return Bytes The message.
    """
    return checkpoints._checkpoint_message(genesis_digest, checkpoint)


@external
@view
def check_certificate(
    checkpoint: checkpoints.Checkpoint, signers: Bytes[MAX_BITMAP_BYTES], signature: Bytes[256]
) -> uint256:
    """
    @dev Reverts unless a quorum has signed a checkpoint.
    @param checkpoint The checkpoint.
    @param signers The bitmap of the signers: bit i, the least significant of a byte first, is validator
           i; the last byte is not zero. So nobody is named twice.
    @param signature The aggregate signature: a point of G2 in EIP-2537's encoding.
    @return uint256 The number of signers.
    """
    # SIGNERS
    assert self.is_sealed, "registry: not sealed"
    signer_count: uint256 = 0
    key: Bytes[128] = b""
    for at: uint256 in range(len(signers), bound=MAX_BITMAP_BYTES):
        bits: uint256 = convert(slice(signers, at, 1), uint256)
        is_last: bool = at + 1 == len(signers)
        assert bits > 0 or not is_last, "registry: bitmap ends with a zero byte"
        for bit: uint256 in range(8):
            if (bits >> bit) & 1 == 0:
                continue
            index: uint256 = 8 * at + bit
            assert index < self.validator_count, "registry: signer out of range"
            signer_count += 1
            if signer_count == 1:
                key = self._key(index)
            else:
                key = bls._add_keys(key, self._key(index))
    assert signer_count >= self._quorum(), "registry: no quorum"

    # SIGNATURE
    message: Bytes[MAX_MESSAGE_BYTES] = checkpoints._checkpoint_message(
        genesis_digest, checkpoint
    )
    is_signed: bool = bls._verify(key, message, bls.SIGNATURE_DOMAIN, signature)
    assert is_signed, "registry: signature does not verify"
    return signer_count


@internal
@view
def _quorum() -> uint256:
    """
    @dev Returns n - f with the largest f for which n >= 3 f + 1.
    """
    count: uint256 = self.validator_count
    if count == 0:
        return max_value(uint256)
    return count - (count - 1) // 3


@internal
@view
def _key(index: uint256) -> Bytes[128]:
    """
    @dev Returns a key with its padding.
    """
    words: bytes32[3] = self._keys[index]
    packed: Bytes[96] = concat(words[0], words[1], words[2])
    return concat(
        bls.SIXTEEN_ZEROS, slice(packed, 0, 48), bls.SIXTEEN_ZEROS, slice(packed, 48, 48)
    )
