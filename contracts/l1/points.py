"""Points of BLS12-381 from the ledger's encoding to that of EIP-2537's precompiles.

The ledger compresses points as Ethereum's consensus layer does (48 and 96 bytes). The
precompiles take affine coordinates: 64 bytes each, big-endian, 16 of them zero; an element
of the quadratic extension is ``c0 || c1``.
"""

from typing import Final

from py_arkworks_bls12381 import G1Point, G2Point

from contracts.errors import PointError
from ledger.types import BlsPublicKey, BlsSignature

KEY_BYTES: Final = 128
SIGNATURE_BYTES: Final = 256

_COORDINATE_BYTES: Final = 48
_PADDING: Final = bytes(16)


def encode_key(key: BlsPublicKey) -> bytes:
    """Return a public key, or any other point of G1, in 128 bytes.

    Raises
    ------
    PointError
        It is no point of G1, or the point at infinity.

    """
    return _encode(G1Point, key, "public key")


def encode_signature(signature: BlsSignature) -> bytes:
    """Return a signature, or any other point of G2, in 256 bytes.

    Raises
    ------
    PointError
        It is no point of G2, or the point at infinity.

    """
    return _encode(G2Point, signature, "signature")


def _encode(group: type[G1Point] | type[G2Point], compressed: bytes, what: str) -> bytes:
    try:
        point = group.from_compressed_bytes(compressed)
    except ValueError as error:
        raise PointError(what, str(error)) from error
    if point == group.identity():
        raise PointError(what, "the point at infinity")
    coordinates = bytes(point.to_xy_bytes_be())
    starts = range(0, len(coordinates), _COORDINATE_BYTES)
    return b"".join(_PADDING + coordinates[at : at + _COORDINATE_BYTES] for at in starts)
