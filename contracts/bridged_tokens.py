"""Tokens of L1 on the two chains: calls of the ``BridgedTokens`` predeploy, and its storage."""

from typing import Final

from eth_abi.abi import encode

from contracts.compiled import artifact
from contracts.withdrawals import mapping_slot
from execution.types import Address
from ledger.hashing import keccak

_WITHDRAW: Final = keccak(b"withdraw(uint256,address)")[:4]
_SEND_TO_FAST: Final = keccak(b"send_to_fast(uint256,address)")[:4]
_SEND_BACK: Final = keccak(b"send_back(uint256,address)")[:4]
_OWNER_OF: Final = keccak(b"ownerOf(uint256)")[:4]
_LOCKED_TOKENS: Final = keccak(b"locked_tokens()")[:4]
_MINT_FROM_L1: Final = keccak(b"mint_from_l1(address,uint256,address)")[:4]


def bridged_token_id(l1_token: Address, l1_token_id: int) -> int:
    """Return the id that a token of L1 has on the ZK and on the fast chain."""
    return int.from_bytes(keccak(encode(("address", "uint256"), (l1_token, l1_token_id))))


def mint_from_l1_call(l1_token: Address, l1_token_id: int, receiver: Address) -> bytes:
    """Return the data of the message that the Rollup sends when it takes a token in."""
    fields = (l1_token, l1_token_id, receiver)
    return _MINT_FROM_L1 + encode(("address", "uint256", "address"), fields)


def withdraw_token_call(token_id: int, l1_receiver: Address) -> bytes:
    """Return the call data with which an owner takes a token off the ZK chain."""
    return _WITHDRAW + encode(("uint256", "address"), (token_id, l1_receiver))


def send_to_fast_call(token_id: int, receiver: Address) -> bytes:
    """Return the call data with which an owner sends a token from the ZK to the fast chain."""
    return _SEND_TO_FAST + encode(("uint256", "address"), (token_id, receiver))


def send_back_call(token_id: int, receiver: Address) -> bytes:
    """Return the call data with which an owner sends a token from the fast to the ZK chain."""
    return _SEND_BACK + encode(("uint256", "address"), (token_id, receiver))


def owner_of_call(token_id: int) -> bytes:
    """Return the view call for a token's owner; it fails where there is no such token."""
    return _OWNER_OF + encode(("uint256",), (token_id,))


def locked_tokens_call() -> bytes:
    """Return the view call for the number of tokens on the fast chain: to the ZK chain.

    They belong to the loss bound beside its wei: a lying fast chain could take each of them.
    """
    return _LOCKED_TOKENS


def token_owner_slot(token_id: int) -> int:
    """Return the storage slot of ``BridgedTokens`` that holds a token's owner."""
    return mapping_slot(_variable("erc721._owner_of"), token_id)


def token_locked_by_slot(token_id: int) -> int:
    """Return the storage slot of the ZK chain's ``BridgedTokens`` with who locked a token."""
    return mapping_slot(_variable("locked_by"), token_id)


def _variable(name: str) -> int:
    return artifact("BridgedTokens").storage_layout[name]
