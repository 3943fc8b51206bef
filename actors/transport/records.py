"""Noise transport records: sealing and opening, without IO.

A record is a 2-byte big-endian length and that many bytes of ChaCha20-Poly1305
ciphertext (Noise Protocol Framework, revision 34, sections 5.1, 12.3 and 13;
libp2p noise specification, "Wire format").
"""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from actors.transport.errors import RecordViolation

TAG_BYTES = 16
LENGTH_BYTES = 2
MAXIMUM_PLAINTEXT_BYTES = 65_535 - TAG_BYTES

_NONCE = struct.Struct("<4xQ")
"""A Noise nonce for ChaCha20-Poly1305: 4 zero bytes, then the counter, little-endian."""


class RecordSealer:
    """Encrypts one direction of a connection. Calls must be serialised by the owner."""

    __slots__ = ("_cipher", "_counter")

    def __init__(self, key: bytes, counter: int) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._counter = counter

    def seal(self, plaintext: bytes) -> bytes:
        """Return ``plaintext`` (any length) as one or more records."""
        if len(plaintext) <= MAXIMUM_PLAINTEXT_BYTES:
            return self._seal_one(plaintext)
        step = MAXIMUM_PLAINTEXT_BYTES
        return b"".join(
            self._seal_one(plaintext[start : start + step])
            for start in range(0, len(plaintext), step)
        )

    def _seal_one(self, plaintext: bytes) -> bytes:
        ciphertext = self._cipher.encrypt(_NONCE.pack(self._counter), plaintext, None)
        self._counter += 1
        return len(ciphertext).to_bytes(LENGTH_BYTES, "big") + ciphertext


class RecordOpener:
    """Decrypts the other direction, keeping at most one unfinished record."""

    __slots__ = ("_cipher", "_counter", "_unfinished")

    def __init__(self, key: bytes, counter: int) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._counter = counter
        self._unfinished = b""

    def open(self, data: bytes) -> list[bytes]:
        """Return the plaintexts of the records that ``data`` completes.

        Raises
        ------
        RecordViolation
            A record is shorter than its tag or fails authentication.
        """
        if self._unfinished:
            data = self._unfinished + data
        plaintexts: list[bytes] = []
        view = memoryview(data)
        position, end = 0, len(data)
        while end - position >= LENGTH_BYTES:
            length = data[position] << 8 | data[position + 1]
            if length < TAG_BYTES:
                raise RecordViolation(f"a record of {length} bytes has no room for its tag")
            start = position + LENGTH_BYTES
            if end - start < length:
                break
            position = start + length
            nonce = _NONCE.pack(self._counter)
            try:
                plaintexts.append(self._cipher.decrypt(nonce, view[start:position], None))
            except InvalidTag:
                raise RecordViolation("a record fails authentication") from None
            self._counter += 1
        self._unfinished = data[position:]
        return plaintexts
