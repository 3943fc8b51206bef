"""An operator's seed: 32 secret bytes in a file that nobody else can read."""

import os
import secrets
from pathlib import Path
from typing import Final

from actors.validator.vote_journal import found_journal
from cluster.errors import KeysRefused
from ledger.keys import ValidatorKeys
from ledger.types import Epoch
from storage.errors import StorageError

SEED_BYTES: Final = 32


def seed_file(directory: Path) -> Path:
    """Where an operator's seed lies until its node has a directory."""
    return directory / "seed"


def first_journal(directory: Path) -> Path:
    """Where the journal of new keys lies until their node has a directory."""
    return directory / "journal"


def new_keys(directory: Path) -> ValidatorKeys:
    """Make keys, and the journal that says that they have signed nothing yet.

    Never in the place of others.

    Raises
    ------
    KeysRefused
        If there are keys already, or they cannot be written.
    """
    file = seed_file(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            found_journal(first_journal(directory), Epoch(0))
    except OSError as error:
        raise KeysRefused(f"{directory} cannot be written: {error.strerror}") from error
    except StorageError as error:
        raise KeysRefused(str(error)) from error
    return write_seed(file)


def write_seed(file: Path) -> ValidatorKeys:
    """Make a seed in a file of its own; never in the place of another.

    Raises
    ------
    KeysRefused
        If the file is there already, or cannot be written.
    """
    seed = secrets.token_bytes(SEED_BYTES)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(seed)
            opened.flush()
            os.fsync(opened.fileno())
    except FileExistsError as error:
        raise KeysRefused(
            f"{file} is there already: see it with `braid keys public`, or name another directory"
        ) from error
    except OSError as error:
        raise KeysRefused(f"{file} cannot be written: {error.strerror}") from error
    return ValidatorKeys(seed)


def load_seed(file: Path) -> ValidatorKeys:
    """The keys of a seed.

    Raises
    ------
    KeysRefused
        If there is none, or others can read it.
    """
    try:
        with file.open("rb") as opened:
            seed = opened.read(SEED_BYTES + 1)
            mode = os.fstat(opened.fileno()).st_mode
    except FileNotFoundError as error:
        raise KeysRefused(f"{file} is missing: make keys with `braid keys new`") from error
    except OSError as error:
        raise KeysRefused(f"{file} cannot be read: {error.strerror}") from error
    if len(seed) != SEED_BYTES:
        size = f"{len(seed)}" if len(seed) < SEED_BYTES else f"more than {SEED_BYTES}"
        raise KeysRefused(f"{file} has {size} bytes, expected {SEED_BYTES}")
    if mode & 0o007:
        raise KeysRefused(f"{file} can be read by everyone: chmod 600 it, or make new keys")
    return ValidatorKeys(seed)
