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
    try:
        point = G1Point.from_compressed_bytes(key)
    except ValueError as error:
        raise PointError("public key", str(error)) from error
    if point == G1Point.identity():
        raise PointError("public key", "the point at infinity")
    return b"".join(map(_pad, _coordinates(bytes(point.to_xy_bytes_be()))))


def encode_signature(signature: BlsSignature) -> bytes:
    """Return a signature, or any other point of G2, in 256 bytes.

    Raises
    ------
    PointError
        It is no point of G2, or the point at infinity.

    """
    try:
        point = G2Point.from_compressed_bytes(signature)
    except ValueError as error:
        raise PointError("signature", str(error)) from error
    if point == G2Point.identity():
        raise PointError("signature", "the point at infinity")
    return b"".join(map(_pad, _coordinates(bytes(point.to_xy_bytes_be()))))


def _coordinates(raw: bytes) -> list[bytes]:
    return [raw[at : at + _COORDINATE_BYTES] for at in range(0, len(raw), _COORDINATE_BYTES)]


def _pad(coordinate: bytes) -> bytes:
    return _PADDING + coordinate
