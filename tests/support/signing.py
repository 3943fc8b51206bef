"""Signed transfers for tests and benchmarks."""

from typing import Any

from eth_account.signers.local import LocalAccount


def signed_transfer(
    sender: LocalAccount,
    chain_id: int,
    nonce: int,
    *,
    to: str = "0x" + "77" * 20,
    value_wei: int = 1,
    gas: int = 21_000,
    max_fee_wei: int = 2_000_000_000,
    tip_wei: int = 0,
    data: str = "0x",
) -> str:
    """A signed EIP-1559 transaction, in hex."""
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "to": to,
        "value": value_wei,
        "gas": gas,
        "maxFeePerGas": max_fee_wei,
        "maxPriorityFeePerGas": tip_wei,
        "data": data,
    }
    signed = sender.sign_transaction(fields)
    return "0x" + bytes(signed.raw_transaction).hex()
