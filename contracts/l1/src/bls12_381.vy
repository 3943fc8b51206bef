# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title BLS12-381 signatures with EIP-2537's precompiles
@license Apache-2.0
@notice Ethereum's ciphersuite, as `ledger/bls.py` has it: public keys in G1, messages hashed to G2 by
        BLS12381G2_XMD:SHA-256_SSWU_RO_ (RFC 9380, section 8.8.2). Points are in the encoding of
        EIP-2537: each coordinate of the base field is 64 bytes, big-endian, the first 16 of them zero;
        the point at infinity is all zero.

        The pairing precompile itself refuses what is no field element, not on the curve or not in
        the subgroup of prime order.
"""

# @dev Precompiles.
MODEXP: constant(address) = 0x0000000000000000000000000000000000000005
G1_ADD: constant(address) = 0x000000000000000000000000000000000000000b
G2_ADD: constant(address) = 0x000000000000000000000000000000000000000d
PAIRING: constant(address) = 0x000000000000000000000000000000000000000F
MAP_TO_G2: constant(address) = 0x0000000000000000000000000000000000000011

# @dev The field's modulus p.
MODULUS: constant(Bytes[48]) = x"1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"

# @dev (p - 1) / 2 as its upper 128 and lower 256 bits: above it, a coordinate is the larger root.
HALF_HIGH: constant(uint256) = 17282741772707453034394598013407712875
HALF_LOW: constant(uint256) = 80617075055843030690312053732876818007934237714091801549733396136033114903893

# @dev The generator of G1, negated.
NEGATED_GENERATOR: constant(Bytes[128]) = x"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca"

# @dev Domains, with their length as last byte (RFC 9380, section 5.3.1: `DST_prime`).
SIGNATURE_DOMAIN: constant(Bytes[44]) = x"424c535f5349475f424c53313233383147325f584d443a5348412d3235365f535357555f524f5f504f505f2b"
POSSESSION_DOMAIN: constant(Bytes[44]) = x"424c535f504f505f424c53313233383147325f584d443a5348412d3235365f535357555f524f5f504f505f2b"

# @dev The 64 zero bytes of SHA-256's block with which `expand_message_xmd` begins.
BLOCK_OF_ZEROS: constant(Bytes[64]) = x"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

# @dev The requested 256 bytes as two bytes, then the zero byte.
LENGTH_AND_ZERO: constant(Bytes[3]) = x"010000"

# @dev 384 bits: the head of MODEXP's input, for a base of 64 bytes, an exponent of 1 and a modulus of 48.
SIXTEEN_ZEROS: constant(Bytes[16]) = x"00000000000000000000000000000000"

# @dev Longest message.
MAX_MESSAGE_BYTES: constant(uint256) = 256


@internal
@view
def _verify(
    key: Bytes[128], message: Bytes[MAX_MESSAGE_BYTES], domain: Bytes[44], signature: Bytes[256]
) -> bool:
    """
    @dev Returns whether e(-G, signature) * e(key, hash(message)) is one.
    @param key The public key, a point of G1 that is not infinity.
    @param message The signed bytes.
    @param domain The domain of the hash, with its length behind it.
    @param signature The signature, a point of G2.
    @return bool False also for what is no point of the groups.
    """
    is_whole: bool = len(key) == 128 and len(signature) == 256
    if not is_whole or self._is_infinity(key):
        return False
    hashed: Bytes[256] = self._hash_to_g2(message, domain)
    is_success: bool = False
    output: Bytes[32] = b""
    is_success, output = raw_call(
        PAIRING,
        concat(NEGATED_GENERATOR, signature, key, hashed),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    return is_success and len(output) == 32 and convert(output, uint256) == 1


@internal
@view
def _add_keys(first: Bytes[128], second: Bytes[128]) -> Bytes[128]:
    """
    @dev Returns the sum of two points of G1.
    """
    return raw_call(G1_ADD, concat(first, second), max_outsize=128, is_static_call=True)


@internal
@pure
def _is_infinity(key: Bytes[128]) -> bool:
    """
    @dev Returns whether a point of G1 is the point at infinity.
    """
    return keccak256(key) == keccak256(concat(BLOCK_OF_ZEROS, BLOCK_OF_ZEROS))


@internal
@pure
def _compress(key: Bytes[128]) -> Bytes[48]:
    """
    @dev Returns the 48-byte encoding of a point of G1 that is not infinity (ZCash's; used by Ethereum's
         consensus): x, with the highest bit set, and the third highest if y is the larger root.
    """
    y_high: uint256 = convert(slice(key, 80, 16), uint256)
    y_low: uint256 = convert(extract32(key, 96), uint256)
    is_larger: bool = y_high > HALF_HIGH or (y_high == HALF_HIGH and y_low > HALF_LOW)
    flags: uint256 = 160 if is_larger else 128
    x_first: uint256 = convert(slice(key, 16, 1), uint256) | flags
    return concat(convert(convert(x_first, uint8), bytes1), slice(key, 17, 47))


@internal
@view
def _hash_to_g2(message: Bytes[MAX_MESSAGE_BYTES], domain: Bytes[44]) -> Bytes[256]:
    """
    @dev Returns a point of G2 (RFC 9380, `hash_to_curve`). The map's precompile clears the cofactor of
         each of the two points, which gives the same as clearing that of their sum.
    """
    # EXPAND: expand_message_xmd to 256 bytes, eight blocks of SHA-256
    seed: bytes32 = sha256(concat(BLOCK_OF_ZEROS, message, LENGTH_AND_ZERO, domain))
    uniform: bytes32[8] = empty(bytes32[8])
    last: bytes32 = empty(bytes32)
    for i: uint256 in range(8):
        number: bytes1 = convert(convert(i + 1, uint8), bytes1)
        mixed: bytes32 = convert(convert(seed, uint256) ^ convert(last, uint256), bytes32)
        last = sha256(concat(mixed, number, domain))
        uniform[i] = last

    # MAP: two elements of the quadratic extension, of two coordinates of 64 bytes each
    first: Bytes[256] = self._map_to_g2(uniform[0], uniform[1], uniform[2], uniform[3])
    second: Bytes[256] = self._map_to_g2(uniform[4], uniform[5], uniform[6], uniform[7])
    return raw_call(G2_ADD, concat(first, second), max_outsize=256, is_static_call=True)


@internal
@view
def _map_to_g2(a: bytes32, b: bytes32, c: bytes32, d: bytes32) -> Bytes[256]:
    """
    @dev Returns the point that the element with coordinates (a || b) mod p and (c || d) mod p maps to.
    """
    return raw_call(
        MAP_TO_G2,
        concat(self._reduce(a, b), self._reduce(c, d)),
        max_outsize=256,
        is_static_call=True,
    )


@internal
@view
def _reduce(high: bytes32, low: bytes32) -> Bytes[64]:
    """
    @dev Returns (high || low) mod p as 64 bytes: the power to 1 of EIP-198's precompile.
    """
    reduced: Bytes[48] = raw_call(
        MODEXP,
        concat(
            convert(64, bytes32),
            convert(1, bytes32),
            convert(48, bytes32),
            high,
            low,
            x"01",
            MODULUS,
        ),
        max_outsize=48,
        is_static_call=True,
    )
    return concat(SIXTEEN_ZEROS, reduced)
