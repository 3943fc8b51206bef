"""Withdrawals from the ZK chain to L1: what its Portal writes down and what L1 proves.

Logs may come from a chain that lies: the decoder bounds its input first and raises an error of
:mod:`contracts.errors`, never anything else.
"""

from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode

from contracts.addresses import PORTAL_ADDRESS
from contracts.compiled import artifact
from contracts.errors import LogError
from execution.types import Address, Hash32, Log
from ledger.hashing import keccak

ETH_TOKEN: Final = Address(bytes(20))
"""``l1_token`` of a withdrawal of ETH."""

WITHDRAWAL_REQUESTED_TOPIC: Final = Hash32(
    keccak(b"WithdrawalRequested(uint256,address,address,uint256,address,uint256)")
)

_TYPES: Final = ("uint256", "address", "address", "uint256", "address", "uint256")
_WITHDRAW: Final = keccak(b"withdraw(address)")[:4]
_DATA_BYTES: Final = 96
_TOPIC_COUNT: Final = 4


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal, in the order of its hash.

    ``value_wei`` is 0 for a token, ``l1_token`` and ``token_id`` are zero for ETH. The sender of a
    deposit that could not be delivered is the Portal.
    """

    index: int
    sender: Address
    receiver: Address
    value_wei: int
    l1_token: Address = ETH_TOKEN
    token_id: int = 0


def withdraw_call(receiver: Address) -> bytes:
    """Return the call data that withdraws the call's value: to the ZK chain's Portal."""
    return _WITHDRAW + encode(("address",), (receiver,))


def withdrawal_hash(withdrawal: Withdrawal) -> Hash32:
    """Return what ``Portal.withdrawals`` holds for a withdrawal."""
    fields = (
        withdrawal.index,
        withdrawal.sender,
        withdrawal.receiver,
        withdrawal.value_wei,
        withdrawal.l1_token,
        withdrawal.token_id,
    )
    return Hash32(keccak(encode(_TYPES, fields)))


def withdrawal_slot(index: int) -> int:
    """Return the storage slot of the ZK chain's Portal that holds a withdrawal's hash."""
    variable = artifact("Portal").storage_layout["l1_withdrawals.withdrawals"]
    return mapping_slot(variable, index)


def mapping_slot(variable: int, key: int) -> int:
    """Return the slot of one entry of a Vyper ``HashMap``: ``keccak(variable || key)``."""
    return int.from_bytes(keccak(variable.to_bytes(32) + key.to_bytes(32)))


def is_withdrawal_requested(log: Log) -> bool:
    """Return whether a log claims to be a ``WithdrawalRequested`` of the Portal."""
    return log.address == PORTAL_ADDRESS and log.topics[:1] == (WITHDRAWAL_REQUESTED_TOPIC,)


def decode_withdrawal_requested(log: Log) -> Withdrawal:
    """Decode one log of the ZK chain's Portal.

    Raises
    ------
    LogError
        The log is not the exact ABI encoding of a ``WithdrawalRequested`` of the Portal.

    """
    if not is_withdrawal_requested(log):
        raise LogError("not a WithdrawalRequested log of the Portal")
    is_whole = len(log.topics) == _TOPIC_COUNT and all(len(topic) == 32 for topic in log.topics)
    if not is_whole or len(log.data) != _DATA_BYTES:
        raise LogError(
            f"WithdrawalRequested: expected {_TOPIC_COUNT} topics and {_DATA_BYTES} bytes, "
            f"got {len(log.topics)} and {len(log.data)}"
        )
    value, token, token_id = (log.data[at : at + 32] for at in range(0, _DATA_BYTES, 32))
    return Withdrawal(
        index=int.from_bytes(log.topics[1]),
        sender=_address_of_word(log.topics[2]),
        receiver=_address_of_word(log.topics[3]),
        value_wei=int.from_bytes(value),
        l1_token=_address_of_word(token),
        token_id=int.from_bytes(token_id),
    )


def _address_of_word(word: bytes) -> Address:
    if any(word[:12]):
        raise LogError("WithdrawalRequested: an address is longer than 20 bytes")
    return Address(word[12:])
