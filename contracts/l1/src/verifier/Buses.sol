// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Field} from "./Field.sol";
import {Challenges, Header, HeaderOf} from "./Header.sol";
import {Machine} from "./Machine.sol";
import {Shape} from "./Shape.sol";

/// @title The buses balance: all claimed sums and the verifier's own fractions add up to zero.
/// @notice The verifier's terms tie the buses to the statement. Those that the key fixes say where
/// execution starts; each of the statement's eight words is taken once, by its index.
library Buses {
    using Machine for bytes;

    uint256 private constant PUBLIC_WORDS = 8;

    /// @notice What the tables send is not what they receive, or a fingerprint is zero.
    error UnbalancedBuses();

    function check(
        bytes memory config,
        Shape memory shape,
        Header memory header,
        Challenges memory drawn,
        bytes32 statementDigest
    ) internal pure {
        unchecked {
            uint256 total;
            for (uint256 k = 0; k < shape.lookupTableCount; ++k) {
                total = Field.add(total, HeaderOf.sumOf(header, k));
            }
            total = Field.add(total, _fixedTerms(config, drawn));
            total = Field.subtract(total, _publicWords(config, drawn, statementDigest));
            if (!Field.isZero(total)) revert UnbalancedBuses();
        }
    }

    function _fixedTerms(bytes memory config, Challenges memory drawn)
        private
        pure
        returns (uint256 total)
    {
        unchecked {
            uint256 cursor = config.terms();
            for (uint256 k = 0; k < config.number(Machine.TERM_COUNT); ++k) {
                uint256 head = config.word(cursor);
                uint256 count = (head >> 160) & 0xffffffff;
                cursor += 12;
                uint256 print;
                for (uint256 i = count; i != 0;) {
                    --i;
                    print = _next(print, config.word(cursor + 4 * i) >> 224, drawn.beta);
                }
                cursor += 4 * count;
                uint256 own = _fraction(print, head >> 224, drawn.gamma);
                own = Field.scale(own, Field.embed((head >> 192) & 0xffffffff));
                total = Field.add(total, own);
            }
        }
    }

    function _publicWords(bytes memory config, Challenges memory drawn, bytes32 statementDigest)
        private
        pure
        returns (uint256 total)
    {
        unchecked {
            uint256 bus = config.number(Machine.PUBLIC_BUS);
            for (uint256 index = 0; index < PUBLIC_WORDS; ++index) {
                uint256 word = (uint256(statementDigest) >> (224 - 32 * index)) & 0xffffffff;
                uint256 print = _next(0, word >> 16, drawn.beta);
                print = _next(print, word & 0xffff, drawn.beta);
                print = _next(print, index, drawn.beta);
                total = Field.add(total, _fraction(print, bus, drawn.gamma));
            }
        }
    }

    /// @dev A fingerprint is built from its last value to its first.
    function _next(uint256 print, uint256 value, uint256 beta) private pure returns (uint256) {
        unchecked {
            return Field.multiply(print + Field.embed(value), beta);
        }
    }

    function _fraction(uint256 print, uint256 bus, uint256 gamma) private pure returns (uint256) {
        unchecked {
            uint256 own = Field.fold(print + Field.embed(bus) + gamma);
            uint256 inverse = Field.invert(own);
            if (inverse == 0) revert UnbalancedBuses();
            return inverse;
        }
    }
}
