"""The first message on every stream, in both directions: which network we belong to.

Layout: 4-byte length (34), 2-byte protocol version of the network, 32-byte digest of its
genesis. Each side says its own before it judges the other's, so both learn why they part.
"""

from __future__ import annotations

from dataclasses import dataclass

import trio

from actors.transport.channels import LENGTH_PREFIX_BYTES
from actors.transport.errors import HelloViolation, OtherGenesis, OtherProtocolVersion
from actors.transport.mux_stream import MuxStream, StreamEndedError

VERSION_BYTES = 2
MAXIMUM_HELLO_BYTES = 256


@dataclass(frozen=True, slots=True)
class Hello:
    """Protocol version of a network, and the digest of its genesis (32 bytes)."""

    protocol_version: int
    genesis_digest: bytes


def encode_hello(hello: Hello) -> bytes:
    """Return the hello frame."""
    body = hello.protocol_version.to_bytes(VERSION_BYTES, "big") + hello.genesis_digest
    return len(body).to_bytes(LENGTH_PREFIX_BYTES, "big") + body


def check_hello(body: bytes, own: Hello) -> None:
    """Accept the peer's hello body or say what differs.

    Raises
    ------
    OtherProtocolVersion, OtherGenesis
        If the peer belongs to another network.
    """
    version = int.from_bytes(body[:VERSION_BYTES], "big")
    if version != own.protocol_version:
        raise OtherProtocolVersion(version, own.protocol_version)
    digest = body[VERSION_BYTES:]
    if digest != own.genesis_digest:
        raise OtherGenesis(digest, own.genesis_digest)


async def exchange_hello(stream: MuxStream, own: Hello, timeout_seconds: float) -> None:
    """Send our hello, read the peer's and check it.

    Raises
    ------
    HelloViolation
        It does not match, is malformed, or does not come in time.
    StreamEndedError
        The stream ended first.
    """
    await stream.write(encode_hello(own))
    with trio.move_on_after(timeout_seconds):
        prefix = await _read_exactly(stream, LENGTH_PREFIX_BYTES)
        length = int.from_bytes(prefix, "big")
        if not VERSION_BYTES <= length <= MAXIMUM_HELLO_BYTES:
            raise HelloViolation(f"a hello of {length} bytes")
        check_hello(await _read_exactly(stream, length), own)
        return
    raise HelloViolation(f"no hello within {timeout_seconds} s")


async def _read_exactly(stream: MuxStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = await stream.read(size - len(data))
        if not piece:
            raise StreamEndedError("finished by the peer")
        data += piece
    return data
