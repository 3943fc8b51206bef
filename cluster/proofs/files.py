"""Reading inputs and writing results, with errors that say what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cluster.errors import ClusterError

MAX_ELF_BYTES: Final = 64 << 20


def read_input(path: Path, what: str, limit_bytes: int) -> bytes:
    """Read a file that the user named.

    Raises
    ------
    ClusterError
        It cannot be read, or is longer than the limit.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise ClusterError(f"{what} {path} cannot be read: {error.strerror}") from error
    if len(content) > limit_bytes:
        raise ClusterError(f"{what} {path} is longer than {limit_bytes} bytes")
    return content


def write_result(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all.

    Raises
    ------
    ClusterError
        It cannot be written.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    except OSError as error:
        raise ClusterError(f"{path} cannot be written: {error.strerror}") from error
