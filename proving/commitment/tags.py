"""Domain tags of hashed messages: the first four bytes, big-endian."""

from __future__ import annotations

from typing import Final

LEAF: Final = 1
NODE: Final = 2
NODE_WITH_ROW: Final = 3
