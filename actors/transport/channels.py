"""The limits and policies of each channel: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from actors.transport.errors import MessageTooLargeError
from actors.transport.interface import Channel

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE

LENGTH_PREFIX_BYTES = 4
"""Every message on a stream follows its length as a 4-byte big-endian number."""


class Overflow(StrEnum):
    """Which message a full queue gives up."""

    DROP_OLDEST = "drop oldest"
    DROP_NEWEST = "drop newest"


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """Limits of one channel, per peer.

    Parameters
    ----------
    protocol
        libp2p protocol id of the channel's stream.
    maximum_message_bytes
        Longest payload, checked before anything is allocated for it.
    queue_messages, queue_bytes
        Bounds of the outbound queue; ``queue_messages`` also bounds the inbound one.
    overflow
        What a full queue drops, in both directions.
    receive_window_bytes
        Bytes that the peer may have in flight and unread at our side; a peer that
        sends more breaks the protocol. Bounds the memory of the inbound queue.
    """

    protocol: str
    maximum_message_bytes: int
    queue_messages: int
    queue_bytes: int
    overflow: Overflow
    receive_window_bytes: int

    @property
    def credit_threshold_bytes(self) -> int:
        """Consumed bytes after which credit is returned: few updates, never a stall.

        The longest message must always fit into what is left of the window.
        """
        spare = self.receive_window_bytes - self.maximum_message_bytes - LENGTH_PREFIX_BYTES
        return min(self.receive_window_bytes // 2, spare)


POLICIES: Mapping[Channel, ChannelPolicy] = MappingProxyType(
    {
        Channel.CONSENSUS: ChannelPolicy(
            protocol="/braid/consensus/1",
            maximum_message_bytes=64 * KIBIBYTE,
            queue_messages=1024,
            queue_bytes=4 * MEBIBYTE,
            overflow=Overflow.DROP_OLDEST,
            receive_window_bytes=256 * KIBIBYTE,
        ),
        Channel.ATTESTATION: ChannelPolicy(
            protocol="/braid/attestation/1",
            maximum_message_bytes=64 * KIBIBYTE,
            queue_messages=512,
            queue_bytes=2 * MEBIBYTE,
            overflow=Overflow.DROP_OLDEST,
            receive_window_bytes=256 * KIBIBYTE,
        ),
        Channel.TRANSACTIONS: ChannelPolicy(
            protocol="/braid/transactions/1",
            maximum_message_bytes=256 * KIBIBYTE,
            queue_messages=512,
            queue_bytes=8 * MEBIBYTE,
            overflow=Overflow.DROP_NEWEST,
            receive_window_bytes=1 * MEBIBYTE,
        ),
        Channel.PAYLOAD: ChannelPolicy(
            protocol="/braid/payload/1",
            maximum_message_bytes=4 * MEBIBYTE,
            queue_messages=64,
            queue_bytes=16 * MEBIBYTE,
            overflow=Overflow.DROP_OLDEST,
            receive_window_bytes=4 * MEBIBYTE + 512 * KIBIBYTE,
        ),
        Channel.BACKFILL: ChannelPolicy(
            protocol="/braid/backfill/2",
            maximum_message_bytes=4 * MEBIBYTE,
            queue_messages=64,
            queue_bytes=16 * MEBIBYTE,
            overflow=Overflow.DROP_NEWEST,
            receive_window_bytes=4 * MEBIBYTE + 512 * KIBIBYTE,
        ),
    }
)


def check_message_size(channel: Channel, payload: bytes) -> None:
    """Reject a payload that the channel cannot carry.

    Raises
    ------
    MessageTooLargeError
        The payload is empty or longer than ``maximum_message_bytes``.
    """
    limit = POLICIES[channel].maximum_message_bytes
    if not 1 <= len(payload) <= limit:
        raise MessageTooLargeError(channel.name, len(payload), limit)
