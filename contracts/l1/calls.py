"""What people say to the contracts on L1: call data of deposits, withdrawals and escapes.

What batches need is in :mod:`contracts.l1.batches`. Each function names the contract that the
call data is for. Proofs are those of ``eth_getProof`` at the last final block
(``Rollup.final_block_number``).
"""

from collections.abc import Sequence
from typing import Final

from eth_abi.abi import encode

from contracts.withdrawals import ETH_TOKEN, Withdrawal
from execution.types import Address, Hash32
from ledger.crossing import Message
from ledger.hashing import keccak


def _selector(signature: str) -> bytes:
    return keccak(signature.encode())[:4]


_WITHDRAWAL_TYPES: Final = ("uint256", "address", "address", "uint256", "address", "uint256")
_ENTRY_TYPES: Final = ("uint256", "address", "address", "uint256", "uint256", "bytes", "address")
_TOKEN_EXIT_TYPES: Final = (
    *("address", "address", "address", "uint256", "bool"),
    *("bytes[]", "bytes[]", "bytes"),
)

_DEPOSIT: Final = _selector("deposit(address,uint256,bytes)")
_DEPOSIT_ETH: Final = _selector("deposit_eth(address)")
_DEPOSIT_TOKEN: Final = _selector("deposit_token(address,uint256,address)")
_FORCE_TRANSACTION: Final = _selector("force_transaction(bytes)")
_OPEN_ESCAPE_HATCH: Final = _selector("open_escape_hatch()")
_WITHDRAW: Final = _selector(f"withdraw({','.join(_WITHDRAWAL_TYPES)},bytes[],bytes[])")
_ESCAPE_BALANCE: Final = _selector("escape_balance(address,address,bytes[],bytes)")
_ESCAPE_TOKEN: Final = _selector(f"escape_token({','.join(_TOKEN_EXIT_TYPES)})")
_RECLAIM_DEPOSIT: Final = _selector(f"reclaim_deposit({','.join(_ENTRY_TYPES)})")

_EIP712_DOMAIN: Final = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_EXIT: Final = keccak(b"Exit(address account,address receiver,address l1Token,uint256 tokenId)")


def deposit_call(target: Address, gas_limit: int, data: bytes) -> bytes:
    """Return the call data of a message with the call's value: to the ``Rollup``."""
    return _DEPOSIT + encode(("address", "uint256", "bytes"), (target, gas_limit, data))


def deposit_eth_call(receiver: Address) -> bytes:
    """Return the call data that deposits the call's value: to the ``Rollup``."""
    return _DEPOSIT_ETH + encode(("address",), (receiver,))


def deposit_token_call(token: Address, token_id: int, receiver: Address) -> bytes:
    """Return the call data that deposits an approved ERC-721 token: to the ``Rollup``."""
    return _DEPOSIT_TOKEN + encode(("address", "uint256", "address"), (token, token_id, receiver))


def force_transaction_call(raw: bytes) -> bytes:
    """Return the call data that forces a signed transaction in: to the ``Rollup``."""
    return _FORCE_TRANSACTION + encode(("bytes",), (raw,))


def open_escape_hatch_call() -> bytes:
    """Return the call data that opens the escape hatch: to the ``Rollup``."""
    return _OPEN_ESCAPE_HATCH


def withdraw_call(
    withdrawal: Withdrawal, account_proof: Sequence[bytes], storage_proof: Sequence[bytes]
) -> bytes:
    """Return the call data that has a withdrawal paid: to ``Exits``.

    Parameters
    ----------
    account_proof
        Of the ZK chain's Portal.
    storage_proof
        Of its slot :func:`contracts.withdrawals.withdrawal_slot`.

    """
    fields = (
        withdrawal.index,
        withdrawal.sender,
        withdrawal.receiver,
        withdrawal.value_wei,
        withdrawal.l1_token,
        withdrawal.token_id,
        list(account_proof),
        list(storage_proof),
    )
    return _WITHDRAW + encode((*_WITHDRAWAL_TYPES, "bytes[]", "bytes[]"), fields)


def escape_balance_call(
    account: Address, receiver: Address, account_proof: Sequence[bytes], signature: bytes = b""
) -> bytes:
    """Return the call data that takes out an account's balance: to ``Exits``.

    ``signature`` is over :func:`exit_digest`; empty if the account itself calls.
    """
    fields = (account, receiver, list(account_proof), signature)
    return _ESCAPE_BALANCE + encode(("address", "address", "bytes[]", "bytes"), fields)


def escape_token_call(
    account: Address,
    receiver: Address,
    l1_token: Address,
    token_id: int,
    is_locked: bool,
    account_proof: Sequence[bytes],
    storage_proof: Sequence[bytes],
    signature: bytes = b"",
) -> bytes:
    """Return the call data that takes out a bridged token: to ``Exits``.

    Parameters
    ----------
    is_locked
        Whether the token is locked towards the fast chain, and ``account`` is who locked it.
    account_proof
        Of ``BridgedTokens``.
    storage_proof
        Of its slot :func:`contracts.bridged_tokens.token_owner_slot`, or of
        :func:`contracts.bridged_tokens.token_locked_by_slot` for a locked token.
    signature
        Over :func:`exit_digest`; empty if the account itself calls.

    """
    token = (account, receiver, l1_token, token_id, is_locked)
    fields = (*token, list(account_proof), list(storage_proof), signature)
    return _ESCAPE_TOKEN + encode(_TOKEN_EXIT_TYPES, fields)


def reclaim_deposit_call(entry: Message, receiver: Address) -> bytes:
    """Return the call data that takes back an entry that nobody consumed: to ``Exits``."""
    fields = (
        entry.nonce,
        entry.sender,
        entry.target,
        entry.value_wei,
        entry.gas_limit,
        entry.data,
        receiver,
    )
    return _RECLAIM_DEPOSIT + encode(_ENTRY_TYPES, fields)


def exit_digest(
    l1_chain_id: int,
    exits: Address,
    account: Address,
    receiver: Address,
    l1_token: Address = ETH_TOKEN,
    token_id: int = 0,
) -> Hash32:
    """Return what an account signs so that anyone can carry its exit to L1 (EIP-712)."""
    domain = keccak(
        encode(
            ("bytes32", "bytes32", "bytes32", "uint256", "address"),
            (_EIP712_DOMAIN, keccak(b"Braid Exits"), keccak(b"1"), l1_chain_id, exits),
        )
    )
    exit_hash = keccak(
        encode(
            ("bytes32", "address", "address", "address", "uint256"),
            (_EXIT, account, receiver, l1_token, token_id),
        )
    )
    return Hash32(keccak(b"\x19\x01" + domain + exit_hash))
