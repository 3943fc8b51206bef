// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Context} from "./Context.sol";
import {CANONICAL_CARRY, Field, INVERSE_ROOT, P, TWO_ADICITY, TWO_P_LANES} from "./Field.sol";
import {HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {LEAF, Path, Paths} from "./Paths.sol";
import {EXTENSION_BYTES, Shape, ShapeOf, TREE_COUNT} from "./Shape.sol";

/// @notice One of FRI's layers.
/// @param logFoldedSize log2 of the number of cosets, and level of the leaves of its tree.
/// @param values The coset of the query before, in Montgomery form: shared if its leaf is.
struct Layer {
    uint256 logSize;
    uint256 logArity;
    uint256 logFoldedSize;
    bool rollsIn;
    uint256 beta;
    uint256[8] values;
    Path path;
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
                layer.path.root = bytes32(context.word(Context.LAYER_ROOTS + 32 * k));
                layer.path.height = layer.logFoldedSize;
            }
        }
    }

    /// @notice Follow one query.
    /// @param reduced The reduced opening of each size present, by its log2.
    /// @param lowest Layers whose leaves are below this level are those of the query before.
    /// @param cursor Where the query's cosets and paths are in the call data: of each coset all values
    /// but the one that is computed here, then the path.
    /// @return next Where they end.
    function follow(
        bytes memory context,
        Shape memory shape,
        Layer[] memory all,
        uint256[32] memory reduced,
        uint256 index,
        uint256 lowest,
        uint256 cursor
    ) internal view returns (uint256 next) {
        unchecked {
            uint256 logSize = shape.logSizes[0];
            uint256 value = reduced[logSize];
            // 1 / w^index in the domain of each layer
            uint256 inverse =
                Field.basePower(INVERSE_ROOT, index << (TWO_ADICITY - logSize));
            for (uint256 k = 0; k < all.length; ++k) {
                Layer memory layer = all[k];
                uint256 position =
                    (index & ((1 << layer.logSize) - 1)) >> layer.logFoldedSize;
                if (layer.logFoldedSize < lowest) {
                    // the same coset as before: from here on all is the same
                    if (!Field.isEqual(layer.values[position], value)) revert FoldMismatch(k);
                    return cursor;
                }
                cursor = _open(layer, k, index, position, value, lowest, cursor);
                uint256 shift = Field.rootOfUnity(layer.logArity);
                shift = Field.basePower(shift, position);
                uint256 power;
                (value, power) = _fold(layer, mulmod(inverse, shift, P));
                if (layer.rollsIn) {
                    uint256 rolled = Field.multiply(power, reduced[layer.logFoldedSize]);
                    value = Field.add(value, rolled);
                }
                for (uint256 i = layer.logArity; i != 0; --i) inverse = mulmod(inverse, inverse, P);
            }
            if (!Field.isEqual(value, _final(context, shape, Field.baseInvert(inverse)))) {
                revert FinalPolynomialMismatch();
            }
            return cursor;
        }
    }

    /// @dev Take a coset from the call data, with the computed value at its place, and check its path.
    function _open(
        Layer memory layer,
        uint256 number,
        uint256 index,
        uint256 position,
        uint256 value,
        uint256 lowest,
        uint256 cursor
    ) private view returns (uint256) {
        unchecked {
            uint256 arity = 1 << layer.logArity;
            uint256[8] memory values = layer.values;
            uint256 bad;
            uint256 leaf;
            assembly ("memory-safe") {
                leaf := mload(0x40)
                mstore(leaf, LEAF)
            }
            for (uint256 k = 0; k < arity; ++k) {
                uint256 packed;
                if (k == position) {
                    packed = Field.pack(value);
                    values[k] = value;
                } else {
                    assembly ("memory-safe") {
                        packed := shr(128, calldataload(cursor))
                    }
                    cursor += EXTENSION_BYTES;
                    uint256 lanes = Field.unpack(packed);
                    bad |= Field.probe(lanes);
                    values[k] = Field.toMontgomery(lanes);
                }
                assembly ("memory-safe") {
                    mstore(add(add(leaf, 32), mul(EXTENSION_BYTES, k)), shl(128, packed))
                }
            }
            if (bad & CANONICAL_CARRY != 0) revert HeaderOf.NonCanonicalElement("FRI layer");
            uint256 digest;
            assembly ("memory-safe") {
                let length := add(4, mul(EXTENSION_BYTES, arity))
                if iszero(staticcall(gas(), 2, add(leaf, 28), length, 0, 32)) { revert(0, 0) }
                digest := mload(0)
            }
            layer.path.rows[layer.logFoldedSize] = digest;
            return Paths.climb(layer.path, TREE_COUNT + number, index, lowest, cursor);
        }
    }

    /// @dev Fold a coset into one value: pairs v, w at y, -y into (v + w + (v - w) beta / y) / 2, and
    /// so on with beta^2 and y^2. The halves are taken at the end.
    /// @param inverse 1 / x for the coset's first point x.
    /// @return value The fold.
    /// @return power beta^arity.
    function _fold(Layer memory layer, uint256 inverse)
        private
        pure
        returns (uint256 value, uint256 power)
    {
        unchecked {
            uint256[8] memory values = abi.decode(abi.encode(layer.values), (uint256[8]));
            power = layer.beta;
            for (uint256 logCount = layer.logArity; logCount != 0; --logCount) {
                uint256 half = 1 << (logCount - 1);
                uint256 step = Field.inverseRootOfUnity(logCount);
                uint256 point = inverse;
                for (uint256 k = 0; k < half; ++k) {
                    uint256 left = values[k];
                    uint256 right = values[k + half];
                    uint256 factor = Field.scale(power, Field.embed(point));
                    uint256 odd = Field.multiply(left + TWO_P_LANES - right, factor);
                    values[k] = Field.fold(left + right + odd);
                    point = mulmod(point, step, P);
                }
                inverse = mulmod(inverse, inverse, P);
                power = Field.multiply(power, power);
            }
            uint256 arity = Field.embed(Field.baseInvert(1 << layer.logArity));
            value = Field.scale(values[0], arity);
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
