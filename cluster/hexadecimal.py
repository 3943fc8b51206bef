"""Bytes as people write them."""


def bytes_of(text: str, size: int) -> bytes | None:
    """Bytes of hexadecimal digits, ``0x`` before them or not; None unless they are so many."""
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        return None
    return found if len(found) == size else None
