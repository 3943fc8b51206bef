// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

uint256 constant P = 0x7f000001;
// 2^256 - 3: here X^4 is 3.
uint256 constant LANES_MODULUS =
    0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffd;
// p, 2p, 2^24 - 1 and 2^40 - 1 in each lane.
uint256 constant P_LANES =
    0x000000007f000001000000007f000001000000007f000001000000007f000001;
// p * 2^24 in each lane.
uint256 constant REDUCTION =
    0x007f000001000000007f000001000000007f000001000000007f000001000000;
uint256 constant TWO_P_LANES =
    0x00000000fe00000200000000fe00000200000000fe00000200000000fe000002;
uint256 constant LOW_24 =
    0x0000000000ffffff0000000000ffffff0000000000ffffff0000000000ffffff;
uint256 constant LOW_40 =
    0x000000ffffffffff000000ffffffffff000000ffffffffff000000ffffffffff;
uint256 constant LOW_31 =
    0x000000007fffffff000000007fffffff000000007fffffff000000007fffffff;
uint256 constant LOW_33 =
    0x00000001ffffffff00000001ffffffff00000001ffffffff00000001ffffffff;
// 2^32 - p in each lane: added to a lane below 2^32, it carries exactly if the lane is >= p.
uint256 constant CANONICAL_PROBE =
    0x0000000080ffffff0000000080ffffff0000000080ffffff0000000080ffffff;
uint256 constant CANONICAL_CARRY =
    0x0000000100000000000000010000000000000001000000000000000100000000;
// 2^48 and 2^96 modulo p: one in Montgomery form, and what brings an element there.
uint256 constant ONE = 0x7fdfbf8;
uint256 constant TO_MONTGOMERY = 0x18af7f37;
// 2^-48.
uint256 constant FROM_MONTGOMERY = 0x3f01;
uint256 constant GENERATOR = 3;
uint256 constant TWO_ADICITY = 24;
// 3^((p - 1) / 2^24), of order 2^24, and its inverse; plain.
uint256 constant ROOT = 0x6ac49f88;
uint256 constant INVERSE_ROOT = 0x6b1073c7;
// Those of order 2, 4 and 8, which fold cosets.
uint256 constant ROOT_2 = 0x7f000000;
uint256 constant ROOT_4 = 0x7e010002;
uint256 constant INVERSE_ROOT_4 = 0xfeffff;
uint256 constant ROOT_8 = 0x6832fe4a;
uint256 constant INVERSE_ROOT_8 = 0x67b1c9b1;

/// @title The field of the proofs: KoalaBear and its extension of degree 4.
/// @notice p = 2^31 - 2^24 + 1 and F = Fp[x]/(x^4 - 3). An element of F is one word with four lanes
/// of 64 bits, coefficient i in bits 64i and up. With X = 2^64 for x, a product modulo 2^256 - 3 is
/// the product in F, as long as no lane overflows: X^4 is 3 there.
/// @dev Montgomery form: a stands for a * 2^48. Since p is 1 modulo 2^24, taking 2^24 off a lane t
/// is (t - p * (t mod 2^24)) / 2^24, for all four lanes at once: below the point there are zeros, so
/// the shift moves nothing from lane to lane. Bounds, per lane:
///   weak     below 2p: what these functions take and give, if they do not say otherwise
///   plain    canonical and not in Montgomery form: as in a proof's bytes
library Field {
    /// @notice Take 2^24 off: lanes below 2^64 - 2^55 become lanes below 2^40 + p.
    function reduceOnce(uint256 t) internal pure returns (uint256 r) {
        assembly ("memory-safe") {
            r := shr(24, sub(add(t, REDUCTION), mul(and(t, LOW_24), P)))
        }
    }

    /// @notice Take 2^48 off: lanes below 2^64 - 2^55 become lanes below p + 2^17.
    function reduce(uint256 t) internal pure returns (uint256) {
        return reduceOnce(reduceOnce(t));
    }

    /// @notice Bring lanes below 125 * 2^31 below 2p, without Montgomery's factor.
    function fold(uint256 t) internal pure returns (uint256 r) {
        // 2^31 is 2^24 - 1
        assembly ("memory-safe") {
            r := add(and(t, LOW_31), mul(and(shr(31, t), LOW_33), 0xffffff))
        }
    }

    /// @notice a * b for lanes below 2^34 each; the result is below p + 2^24.
    function multiply(uint256 a, uint256 b) internal pure returns (uint256 r) {
        // b in 24 low bits and the others: no lane of a product passes 10 * 2^34 * 2^24 < 2^64
        assembly ("memory-safe") {
            let low := mulmod(a, and(b, LOW_24), LANES_MODULUS)
            let high := mulmod(a, and(shr(24, b), LOW_40), LANES_MODULUS)
            low := shr(24, sub(add(low, REDUCTION), mul(and(low, LOW_24), P)))
            low := add(low, high)
            r := shr(24, sub(add(low, REDUCTION), mul(and(low, LOW_24), P)))
        }
    }

    /// @notice a * k for k in the base field and in Montgomery form, canonical.
    function scale(uint256 a, uint256 k) internal pure returns (uint256) {
        unchecked {
            return reduce(a * k);
        }
    }

    function add(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return fold(a + b);
        }
    }

    function subtract(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return fold(a + TWO_P_LANES - b);
        }
    }

    /// @notice From lanes below 2^32 that are not in Montgomery form.
    function toMontgomery(uint256 plain) internal pure returns (uint256) {
        unchecked {
            return reduce(plain * TO_MONTGOMERY);
        }
    }

    /// @notice The base-field number as an element, in Montgomery form. Any integer below 2^128.
    function embed(uint256 number) internal pure returns (uint256) {
        return mulmod(number, ONE, P);
    }

    /// @notice The four lanes modulo p: equal elements become equal words.
    function canonical(uint256 a) internal pure returns (uint256 r) {
        assembly ("memory-safe") {
            r := mod(and(a, 0xffffffffffffffff), P)
            r := or(r, shl(64, mod(and(shr(64, a), 0xffffffffffffffff), P)))
            r := or(r, shl(128, mod(and(shr(128, a), 0xffffffffffffffff), P)))
            r := or(r, shl(192, mod(shr(192, a), P)))
        }
    }

    function isZero(uint256 a) internal pure returns (bool) {
        return canonical(a) == 0;
    }

    function isEqual(uint256 a, uint256 b) internal pure returns (bool) {
        return canonical(a) == canonical(b);
    }

    /// @notice Lanes of four big-endian 4-byte integers, the first in the lowest lane.
    /// @param packed Below 2^128.
    function unpack(uint256 packed) internal pure returns (uint256 r) {
        assembly ("memory-safe") {
            r := or(shl(192, and(packed, 0xffffffff)), shr(96, packed))
            r := or(r, and(packed, 0xffffffff0000000000000000))
            r := or(r, and(shl(96, packed), shl(128, 0xffffffff)))
        }
    }

    /// @notice The inverse of `unpack`: 16 bytes of plain coefficients, as in a proof.
    /// @param a In Montgomery form.
    function pack(uint256 a) internal pure returns (uint256 r) {
        a = canonical(reduce(a));
        assembly ("memory-safe") {
            r := or(shl(96, and(a, 0xffffffff)), shr(192, a))
            r := or(r, and(a, 0xffffffff0000000000000000))
            r := or(r, and(shr(96, a), 0xffffffff00000000))
        }
    }

    /// @notice Nonzero in the bits of CANONICAL_CARRY if a lane below 2^32 is not canonical.
    function probe(uint256 lanes) internal pure returns (uint256) {
        unchecked {
            return lanes + CANONICAL_PROBE;
        }
    }

    /// @notice a^(2^count).
    function squareTimes(uint256 a, uint256 count) internal pure returns (uint256) {
        unchecked {
            for (; count != 0; --count) a = multiply(a, a);
        }
        return a;
    }

    /// @notice a^exponent.
    function power(uint256 a, uint256 exponent) internal pure returns (uint256 r) {
        r = ONE;
        for (; exponent != 0; exponent >>= 1) {
            if (exponent & 1 == 1) r = multiply(r, a);
            a = multiply(a, a);
        }
    }

    /// @notice 1 / a, or 0 if a is 0: the caller refuses that.
    /// @dev With y = x^2, a = A + xB over Fp[y]/(y^2 - 3), and its norm there is A^2 - yB^2.
    function invert(uint256 a) internal pure returns (uint256 r) {
        a = canonical(a);
        unchecked {
            uint256 a0 = a & 0xffffffff;
            uint256 a1 = (a >> 64) & 0xffffffff;
            uint256 a2 = (a >> 128) & 0xffffffff;
            uint256 a3 = a >> 192;
            uint256 norm0 = (a0 * a0 + 3 * (a2 * a2 + 2 * a1 * (P - a3))) % P;
            uint256 norm1 = (2 * a0 * a2 + (P - a1) * a1 + 3 * (P - a3) * a3) % P;
            uint256 factor = baseInvert((norm0 * norm0 + 3 * (P - norm1) * norm1) % P);
            // the coefficients have the factor 2^48, their inverses 2^-48: hence 2^96
            factor = mulmod(factor, TO_MONTGOMERY, P);
            uint256 u0 = mulmod(norm0, factor, P);
            uint256 u1 = mulmod(P - norm1, factor, P);
            r = (a0 * u0 + 3 * a2 * u1) % P;
            r |= ((P - a1) * u0 + 3 * (P - a3) * u1) % P << 64;
            r |= (a0 * u1 + a2 * u0) % P << 128;
            r |= ((P - a1) * u1 + (P - a3) * u0) % P << 192;
        }
    }

    /// @notice 1 / k modulo p, or 0 for 0: k^(p - 2).
    /// @dev p - 2 is six ones, a zero and 24 ones.
    function baseInvert(uint256 k) internal pure returns (uint256 r) {
        assembly ("memory-safe") {
            function toTheEighth(x) -> y {
                // three squarings
                y := mulmod(x, x, P)
                y := mulmod(y, y, P)
                y := mulmod(y, y, P)
            }
            let ones2 := mulmod(mulmod(k, k, P), k, P)
            let ones3 := mulmod(mulmod(ones2, ones2, P), k, P)
            let ones6 := mulmod(toTheEighth(ones3), ones3, P)
            let ones12 := mulmod(toTheEighth(toTheEighth(ones6)), ones6, P)
            r := toTheEighth(toTheEighth(toTheEighth(toTheEighth(ones12))))
            let ones24 := mulmod(r, ones12, P)
            r := toTheEighth(toTheEighth(toTheEighth(toTheEighth(ones6))))
            r := toTheEighth(toTheEighth(toTheEighth(toTheEighth(r))))
            r := mulmod(mulmod(r, r, P), ones24, P)
        }
    }

    /// @notice k^exponent modulo p.
    function basePower(uint256 k, uint256 exponent) internal pure returns (uint256 r) {
        assembly ("memory-safe") {
            r := 1
            for {} exponent { exponent := shr(1, exponent) } {
                if and(exponent, 1) { r := mulmod(r, k, P) }
                k := mulmod(k, k, P)
            }
        }
    }

    /// @notice The root of unity of order 2^logOrder, at most 8; plain.
    function smallRoot(uint256 logOrder) internal pure returns (uint256) {
        if (logOrder < 2) return logOrder == 0 ? 1 : ROOT_2;
        return logOrder == 2 ? ROOT_4 : ROOT_8;
    }

    /// @notice Its inverse.
    function inverseSmallRoot(uint256 logOrder) internal pure returns (uint256) {
        if (logOrder < 2) return logOrder == 0 ? 1 : ROOT_2;
        return logOrder == 2 ? INVERSE_ROOT_4 : INVERSE_ROOT_8;
    }

    /// @notice The 2^logSize-th root of unity that every domain of that size uses; plain.
    function rootOfUnity(uint256 logSize) internal pure returns (uint256) {
        unchecked {
            return basePower(ROOT, 1 << (TWO_ADICITY - logSize));
        }
    }

    /// @notice Its inverse.
    function inverseRootOfUnity(uint256 logSize) internal pure returns (uint256) {
        unchecked {
            return basePower(INVERSE_ROOT, 1 << (TWO_ADICITY - logSize));
        }
    }
}
