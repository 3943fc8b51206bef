"""BLS12-381 signatures of checkpoints: Ethereum's ciphersuite, public keys in G1.

Source: draft-irtf-cfrg-bls-signature-05, proof-of-possession scheme, as used by
Ethereum's consensus layer. All validators sign the same message, so that one
aggregate is checked by two pairings, whatever the number of signers. That is
sound only for keys with a checked proof of possession (:func:`verify_possession`).
"""

from collections.abc import Sequence
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from ledger.errors import InvalidKey, InvalidSignature
from ledger.types import BlsPublicKey, BlsSignature

CURVE_ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_SIGNATURE_DOMAIN: Final = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
_POSSESSION_DOMAIN: Final = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
_NEGATED_GENERATOR: Final = -G1Point()


class BlsSigner:
    """A private key: an integer in ``[1, CURVE_ORDER)``."""

    def __init__(self, secret: int) -> None:
        if not 0 < secret < CURVE_ORDER:
            raise InvalidKey("a BLS secret key lies between 1 and the curve order")
        self._scalar = Scalar.from_be_bytes(secret.to_bytes(32, "big"))
        self.public_key = BlsPublicKey(bytes((G1Point() * self._scalar).to_compressed_bytes()))

    def sign(self, message: bytes) -> BlsSignature:
        """Sign a domain-separated message."""
        return self._sign(message, _SIGNATURE_DOMAIN)

    def prove_possession(self) -> BlsSignature:
        """Sign the own public key, under the domain that nothing else uses."""
        return self._sign(self.public_key, _POSSESSION_DOMAIN)

    def _sign(self, message: bytes, domain: bytes) -> BlsSignature:
        point = G2Point.hash_to_curve(message, domain) * self._scalar
        return BlsSignature(bytes(point.to_compressed_bytes()))


class BlsVerifier:
    """A public key, parsed and subgroup-checked once."""

    def __init__(self, public_key: BlsPublicKey) -> None:
        try:
            self.point = G1Point.from_compressed_bytes(public_key)
        except ValueError as error:
            raise InvalidKey(f"not a BLS public key: {error}") from error
        if self.point == G1Point.identity():
            raise InvalidKey("the identity is no BLS public key")
        self.public_key = public_key


def verify_possession(verifier: BlsVerifier, proof: BlsSignature) -> None:
    """Check that the holder of a public key knows its secret key.

    Raises
    ------
    InvalidSignature
        If the proof does not verify.
    """
    _check(verifier.point, verifier.public_key, proof, _POSSESSION_DOMAIN)


def aggregate(signatures: Sequence[BlsSignature]) -> BlsSignature:
    """Sum of signatures over one message.

    Raises
    ------
    InvalidSignature
        If there is none, or one is not a point of the group.
    """
    if not signatures:
        raise InvalidSignature("nothing to aggregate")
    total = G2Point.identity()
    for signature in signatures:
        total = total + _parse_signature(signature)
    return BlsSignature(bytes(total.to_compressed_bytes()))


def verify_aggregate(
    verifiers: Sequence[BlsVerifier], message: bytes, signature: BlsSignature
) -> None:
    """Check one aggregate signature of all the given keys over one message.

    Raises
    ------
    InvalidSignature
        If it does not verify, or there is no key.
    """
    if not verifiers:
        raise InvalidSignature("no signer")
    key = G1Point.identity()
    for verifier in verifiers:
        key = key + verifier.point
    if key == G1Point.identity():
        raise InvalidSignature("the signers' keys cancel out")
    _check(key, message, signature, _SIGNATURE_DOMAIN)


def _parse_signature(signature: BlsSignature) -> G2Point:
    try:
        point = G2Point.from_compressed_bytes(signature)
    except ValueError as error:
        raise InvalidSignature(f"not a BLS signature: {error}") from error
    # The library reads anything with the infinity flag as infinity.
    if bytes(point.to_compressed_bytes()) != signature:
        raise InvalidSignature("not the canonical encoding of a BLS signature")
    return point


def _check(key: G1Point, message: bytes, signature: BlsSignature, domain: bytes) -> None:
    point = _parse_signature(signature)
    hashed = G2Point.hash_to_curve(message, domain)
    if GT.multi_pairing([_NEGATED_GENERATOR, key], [point, hashed]) != GT.one():
        raise InvalidSignature("BLS signature does not verify")
