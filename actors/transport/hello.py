"""The first message on every stream, in both directions: who we think we are.

Layout: 4-byte length (34), 2-byte protocol version, 32-byte genesis digest.
"""

from __future__ import annotations

import trio

from actors.transport.channels import LENGTH_PREFIX_BYTES
from actors.transport.errors import HelloViolation
from actors.transport.mux_stream import MuxStream, StreamEndedError

PROTOCOL_VERSION = 1
VERSION_BYTES = 2
MAXIMUM_HELLO_BYTES = 256


def encode_hello(genesis_digest: bytes, version: int = PROTOCOL_VERSION) -> bytes:
    """Return the hello frame."""
    body = version.to_bytes(VERSION_BYTES, "big") + genesis_digest
    return len(body).to_bytes(LENGTH_PREFIX_BYTES, "big") + body


def check_hello(body: bytes, genesis_digest: bytes) -> None:
    """Accept the peer's hello body or say what differs.

    Raises
    ------
    HelloViolation
        Other version or other genesis.
    """
    version = int.from_bytes(body[:VERSION_BYTES], "big")
    if version != PROTOCOL_VERSION:
        raise HelloViolation(f"protocol version {version}, ours is {PROTOCOL_VERSION}")
    digest = body[VERSION_BYTES:]
    if digest != genesis_digest:
        raise HelloViolation(f"genesis {digest.hex()[:16]}, ours is {genesis_digest.hex()[:16]}")


async def exchange_hello(stream: MuxStream, genesis_digest: bytes, timeout_seconds: float) -> None:
    """Send our hello, read the peer's and check it.

    Raises
    ------
    HelloViolation
        It does not match, is malformed, or does not come in time.
    StreamEndedError
        The stream ended first.
    """
    await stream.write(encode_hello(genesis_digest))
    with trio.move_on_after(timeout_seconds):
        prefix = await _read_exactly(stream, LENGTH_PREFIX_BYTES)
        length = int.from_bytes(prefix, "big")
        if not VERSION_BYTES <= length <= MAXIMUM_HELLO_BYTES:
            raise HelloViolation(f"a hello of {length} bytes")
        check_hello(await _read_exactly(stream, length), genesis_digest)
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
