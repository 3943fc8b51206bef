"""Which transactions a node takes from users, and geth's words for those it refuses.

The executor would skip every transaction that is refused here; a user who is
told at once need not wait for a block to find out.
"""

from typing import Final

from execution.mempool import AddOutcome
from execution.transactions import SET_CODE, DecodedTransaction, intrinsic_gas
from execution.types import AccountState, Address
from gateway.errors import TransactionRejected
from gateway.views import ChainInfo
from ledger.block import MAX_TRANSACTION_BYTES

MAX_INITCODE_BYTES: Final = 49_152
"""EIP-3860."""

MAX_NONCE: Final = 2**64 - 1
"""An account at this nonce can send nothing (EIP-2681)."""

_REFUSALS: Final = {
    AddOutcome.NONCE_GAP_TOO_LARGE: "nonce too high",
    AddOutcome.REPLACEMENT_IN_FLIGHT: "nonce too low: {outcome}",
    AddOutcome.SENDER_QUEUE_FULL: "account limit exceeded",
    AddOutcome.POOL_FULL: "txpool is full",
    AddOutcome.TOO_LARGE: "oversized data",
    AddOutcome.GAS_ABOVE_LIMIT: "exceeds block gas limit",
    AddOutcome.FEE_BELOW_MINIMUM: "transaction underpriced",
}
"""geth's messages where the mempool has other words."""


def check_size(raw: bytes) -> None:
    """Refuse what is too long to decode.

    Raises
    ------
    TransactionRejected
        If it is.
    """
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise TransactionRejected(
            f"oversized data: transaction size {len(raw)}, limit {MAX_TRANSACTION_BYTES}"
        )


def check_without_state(transaction: DecodedTransaction, info: ChainInfo) -> None:
    """Check what neither the sender's account nor the newest block decides.

    Raises
    ------
    TransactionRejected
        With geth's message for the first rule that is broken.
    """
    if transaction.chain_id is None:
        raise TransactionRejected("only replay-protected (EIP-155) transactions allowed over RPC")
    if transaction.chain_id != info.chain_id:
        raise TransactionRejected(
            f"invalid chain id for signer: have {transaction.chain_id} want {info.chain_id}"
        )
    if transaction.gas_limit > info.gas_limit:
        raise TransactionRejected("exceeds block gas limit")
    cap = info.transaction_gas_limit
    if cap is not None and transaction.gas_limit > cap:
        raise TransactionRejected(
            f"transaction gas limit too high (cap: {cap}, tx: {transaction.gas_limit})"
        )
    if transaction.tip_wei > transaction.max_fee_wei:
        raise TransactionRejected(
            "max priority fee per gas higher than max fee per gas: "
            f"maxPriorityFeePerGas: {transaction.tip_wei}, maxFeePerGas: {transaction.max_fee_wei}"
        )
    is_empty_set_code = transaction.type == SET_CODE and transaction.authorization_count == 0
    if is_empty_set_code:
        raise TransactionRejected("EIP-7702 transaction with empty auth list")
    is_creation = transaction.to is None
    if is_creation and len(transaction.data) > MAX_INITCODE_BYTES:
        raise TransactionRejected(
            f"max initcode size exceeded: code size {len(transaction.data)}, "
            f"limit {MAX_INITCODE_BYTES}"
        )
    least_gas = intrinsic_gas(transaction)
    if transaction.gas_limit < least_gas:
        raise TransactionRejected(
            f"intrinsic gas too low: gas {transaction.gas_limit}, minimum needed {least_gas}"
        )
    if transaction.nonce >= MAX_NONCE:
        raise TransactionRejected("nonce has max value")


def check_with_state(
    transaction: DecodedTransaction, sender: Address, account: AccountState, base_fee_wei: int
) -> None:
    """Check nonce, funds and fee against the newest block.

    Raises
    ------
    TransactionRejected
        With geth's message for the first rule that is broken.
    """
    if transaction.nonce < account.nonce:
        raise TransactionRejected(
            f"nonce too low: next nonce {account.nonce}, tx nonce {transaction.nonce}"
        )
    cost_wei = transaction.gas_limit * transaction.max_fee_wei + transaction.value_wei
    if cost_wei > account.balance_wei:
        raise TransactionRejected(
            f"insufficient funds for gas * price + value: balance {account.balance_wei}, "
            f"tx cost {cost_wei}, overshot {cost_wei - account.balance_wei}"
        )
    if transaction.max_fee_wei < base_fee_wei:
        raise TransactionRejected(
            f"max fee per gas less than block base fee: address 0x{sender.hex()}, "
            f"maxFeePerGas: {transaction.max_fee_wei}, baseFee: {base_fee_wei}"
        )


def refusal(outcome: AddOutcome) -> TransactionRejected:
    """The error for a transaction that the mempool did not take."""
    template = _REFUSALS.get(outcome, "{outcome}")
    return TransactionRejected(template.format(outcome=outcome.value))
