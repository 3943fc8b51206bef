// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Context} from "./Context.sol";
import {CANONICAL_CARRY, Field, FROM_MONTGOMERY, P, TWO_P_LANES} from "./Field.sol";
import {HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {LEAF, Path, Paths} from "./Paths.sol";
import {EXTENSION_BYTES, Shape, ShapeOf, TREE_COUNT} from "./Shape.sol";

/// @notice One of FRI's layers.
/// @param logFoldedSize log2 of the number of cosets, and level of the leaves of its tree.
/// @param fromArity 1 / arity, in Montgomery form.
/// @param values The coset of the query before, in Montgomery form: shared if its leaf is.
struct Layer {
    uint256 logSize;
    uint256 logArity;
    uint256 logFoldedSize;
    bool rollsIn;
    uint256 beta;
    uint256 fromArity;
    uint256[8] values;
    Path path;
}

/// @notice Where a query is on its way down the layers.
/// @param lowest Layers whose leaves are below this level are those of the query before.
/// @param cursor Where the next coset is in the call data.
/// @param value What the next coset has to contain.
/// @param inverse 1 / w^index in the domain of the next layer, plain.
struct Trail {
    uint256 index;
    uint256 lowest;
    uint256 cursor;
    uint256 value;
    uint256 inverse;
}

/// @title One query of FRI, from the reduced openings down to the final polynomial.
library Folding {
    using Machine for bytes;

    /// @notice A layer's value is not the fold of the layer above it.
    error FoldMismatch(uint256 layer);
    /// @notice The last fold is not the final polynomial's value.
    error FinalPolynomialMismatch();

    function layers(bytes memory context, Shape memory shape)
        internal
        pure
        returns (Layer[] memory found)
    {
        unchecked {
            found = new Layer[](shape.steps.length);
            for (uint256 k = 0; k < found.length; ++k) {
                Layer memory layer = found[k];
                (layer.logSize, layer.logArity, layer.rollsIn) = ShapeOf.step(shape, k);
                layer.logFoldedSize = layer.logSize - layer.logArity;
                layer.beta = context.word(Context.betas(shape) + 32 * k);
                layer.fromArity = Field.embed(Field.baseInvert(1 << layer.logArity));
                layer.path.root = bytes32(context.word(Context.LAYER_ROOTS + 32 * k));
                layer.path.height = layer.logFoldedSize;
            }
        }
    }

    /// @notice Follow one query.
    /// @param trail Its start: value is the reduced opening of the largest size.
    /// @param reduced The reduced opening of each size present, by its log2.
    /// @return next Where the query's cosets and paths end in the call data.
    function follow(
        bytes memory context,
        Shape memory shape,
        Layer[] memory all,
        uint256[32] memory reduced,
        Trail memory trail
    ) internal view returns (uint256 next) {
        unchecked {
            for (uint256 k = 0; k < all.length; ++k) {
                Layer memory layer = all[k];
                uint256 position = (trail.index & ((1 << layer.logSize) - 1)) >> layer.logFoldedSize;
                if (layer.logFoldedSize < trail.lowest) {
                    // the same coset as before: from here on all is the same
                    if (!Field.isEqual(layer.values[position], trail.value)) revert FoldMismatch(k);
                    return trail.cursor;
                }
                _open(layer, k, position, trail);
                uint256 shift = Field.basePower(Field.smallRoot(layer.logArity), position);
                uint256 power = _fold(layer, mulmod(trail.inverse, shift, P), trail);
                if (layer.rollsIn) {
                    power = Field.multiply(power, reduced[layer.logFoldedSize]);
                    trail.value = Field.add(trail.value, power);
                }
                for (uint256 i = layer.logArity; i != 0; --i) {
                    trail.inverse = mulmod(trail.inverse, trail.inverse, P);
                }
            }
            uint256 expected = _final(context, shape, Field.baseInvert(trail.inverse));
            if (!Field.isEqual(trail.value, expected)) revert FinalPolynomialMismatch();
            return trail.cursor;
        }
    }

    /// @dev Take a coset from the call data, all values but the one that is computed here, then its
    /// path; check the path.
    function _open(Layer memory layer, uint256 number, uint256 position, Trail memory trail)
        private
        view
    {
        unchecked {
            uint256 arity = 1 << layer.logArity;
            uint256 cursor = trail.cursor;
            uint256 leaf;
            assembly ("memory-safe") {
                leaf := mload(0x40)
                mstore(leaf, LEAF)
            }
            uint256 bad;
            for (uint256 k = 0; k < arity; ++k) {
                uint256 packed;
                if (k == position) {
                    packed = Field.pack(trail.value);
                    layer.values[k] = trail.value;
                } else {
                    assembly ("memory-safe") {
                        packed := shr(128, calldataload(cursor))
                    }
                    cursor += EXTENSION_BYTES;
                    uint256 lanes = Field.unpack(packed);
                    bad |= Field.probe(lanes);
                    layer.values[k] = Field.toMontgomery(lanes);
                }
                assembly ("memory-safe") {
                    mstore(add(add(leaf, 32), mul(EXTENSION_BYTES, k)), shl(128, packed))
                }
            }
            if (bad & CANONICAL_CARRY != 0) revert HeaderOf.NonCanonicalElement("FRI layer");
            bool isHashed;
            uint256 digest;
            assembly ("memory-safe") {
                let length := add(4, mul(EXTENSION_BYTES, arity))
                isHashed := staticcall(gas(), 2, add(leaf, 28), length, 0, 32)
                digest := mload(0)
            }
            if (!isHashed) revert Paths.OutOfGas();
            layer.path.rows[layer.logFoldedSize] = digest;
            trail.cursor =
                Paths.climb(layer.path, TREE_COUNT + number, trail.index, trail.lowest, cursor);
        }
    }

    /// @dev Fold a coset into one value: pairs v, w at y, -y into (v + w + (v - w) beta / y) / 2, and
    /// so on with beta^2 and y^2. The halves are taken at the end.
    /// @param inverse 1 / x for the coset's first point x.
    /// @return power beta^arity.
    function _fold(Layer memory layer, uint256 inverse, Trail memory trail)
        private
        pure
        returns (uint256 power)
    {
        unchecked {
            uint256[8] memory values;
            uint256[8] memory coset = layer.values;
            assembly ("memory-safe") {
                mcopy(values, coset, 256)
            }
            power = layer.beta;
            inverse = Field.embed(inverse);
            for (uint256 logCount = layer.logArity; logCount != 0; --logCount) {
                _halve(values, 1 << (logCount - 1), power, inverse, Field.inverseSmallRoot(logCount));
                inverse = mulmod(mulmod(inverse, inverse, P), FROM_MONTGOMERY, P);
                power = Field.multiply(power, power);
            }
            trail.value = Field.scale(values[0], layer.fromArity);
        }
    }

    /// @param point 1 / y for the first pair, in Montgomery form; each next one is `step` times that.
    function _halve(
        uint256[8] memory values,
        uint256 half,
        uint256 power,
        uint256 point,
        uint256 step
    ) private pure {
        unchecked {
            for (uint256 k = 0; k < half; ++k) {
                uint256 left = values[k];
                uint256 right = values[k + half];
                uint256 odd =
                    Field.multiply(left + TWO_P_LANES - right, Field.scale(power, point));
                values[k] = Field.fold(left + right + odd);
                point = mulmod(point, step, P);
            }
        }
    }

    /// @dev Value of the final polynomial at a point of its domain.
    function _final(bytes memory context, Shape memory shape, uint256 point)
        private
        pure
        returns (uint256 value)
    {
        unchecked {
            uint256 start = Context.finalPolynomial(shape);
            uint256 k = shape.finalLength;
            point = Field.embed(point);
            while (k != 0) {
                --k;
                value = Field.scale(value, point) + context.word(start + 32 * k);
            }
            value = Field.fold(value);
        }
    }
}
