"""Why a transaction of a block had no effect: the stable reasons that every engine reports.

A transaction can be wrong in several ways at once. The reason is that of the
first check which fails, in this order: encoding, type, chain id, signature,
fees, gas and size, then the sender's account (code, nonce, funds).
"""

from typing import Final

INVALID_ENCODING: Final = "invalid encoding"
"""Not a canonical EIP-2718 transaction: RLP, field sizes, number of fields."""

UNSUPPORTED_TYPE: Final = "unsupported type"
"""A transaction type that the chain does not take, blob transactions among them."""

PROVING_BUDGET: Final = "proving budget"
"""Its bytes and signatures alone cost more to prove than a transaction may."""

WRONG_CHAIN_ID: Final = "wrong chain id"

INVALID_SIGNATURE: Final = "invalid signature"
"""No sender can be recovered, or ``s`` is in the upper half of the curve's order (EIP-2)."""

EMPTY_AUTHORIZATION_LIST: Final = "empty authorization list"
"""A set-code transaction has at least one authorization and a recipient (EIP-7702)."""

TIP_ABOVE_FEE: Final = "tip above fee"

FEE_BELOW_BASE_FEE: Final = "fee below base fee"

BLOCK_GAS_LIMIT: Final = "block gas limit"
"""The gas limit is more than what is left of the block's."""

INITCODE_TOO_LARGE: Final = "initcode too large"
"""Creation code longer than 49,152 bytes (EIP-3860)."""

INTRINSIC_GAS: Final = "intrinsic gas"
"""The gas limit is below the intrinsic gas or the calldata floor (EIP-7623)."""

SENDER_HAS_CODE: Final = "sender has code"
"""The sender is a contract, and not by delegation (EIP-3607, EIP-7702)."""

NONCE_MAX: Final = "nonce at maximum"
"""The nonce is 2**64 - 1 (EIP-2681)."""

NONCE_TOO_LOW: Final = "nonce too low"

NONCE_TOO_HIGH: Final = "nonce too high"

INSUFFICIENT_FUNDS: Final = "insufficient funds"
"""The balance is below ``gas_limit * max_fee + value``."""

BLOCK_PROVING_BUDGET: Final = "block proving budget"
"""What the block has left to prove is not enough for it. A later block may take it."""

ALL_REASONS: Final = frozenset(
    {
        INVALID_ENCODING,
        UNSUPPORTED_TYPE,
        PROVING_BUDGET,
        WRONG_CHAIN_ID,
        INVALID_SIGNATURE,
        EMPTY_AUTHORIZATION_LIST,
        TIP_ABOVE_FEE,
        FEE_BELOW_BASE_FEE,
        BLOCK_GAS_LIMIT,
        INITCODE_TOO_LARGE,
        INTRINSIC_GAS,
        SENDER_HAS_CODE,
        NONCE_MAX,
        NONCE_TOO_LOW,
        NONCE_TOO_HIGH,
        INSUFFICIENT_FUNDS,
        BLOCK_PROVING_BUDGET,
    }
)
