"""Put a backup back: into a node's directory, which the node then starts from."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from actors.boot import WrongSeed, check_keyring, load_keyring
from actors.config import NodeConfig
from actors.validator.archive import Archive
from actors.validator.errors import ValidatorError
from cluster.backup.making import L1_DEPLOYMENT, copy_secret, secrets_in, sync_file
from cluster.backup.manifest import Advance, Manifest, read_manifest, unwatched, verify_files
from cluster.errors import AlreadyRunning, BackupRefused, KeysRefused
from cluster.files import write_file
from cluster.network import Network, is_network, load_network
from ledger.genesis import genesis_digest
from ledger.types import max_faulty
from ledger.validators import ValidatorSet
from storage.errors import StorageError, StorageLockedError
from storage.file_lock import DirectoryLock, sync_directory
from storage.store import Store

STORES: Final = ("ledger", "zk", "fast")
STATE: Final = (*STORES, "journal")
"""What a node has on its disk of the network; a directory without it has nothing to lose."""


def open_backup(folder: Path, advance: Advance = unwatched) -> tuple[Manifest, Network]:
    """A backup that is whole, and the network that it is of.

    Raises
    ------
    BackupRefused
        If it is damaged, incomplete or contradicts itself.
    BadDirectory
        If its genesis is of another build, or its network is none.
    """
    folder = folder.resolve()
    manifest = read_manifest(folder)
    verify_files(folder, manifest, advance)
    network = load_network(folder)
    if genesis_digest(network.genesis).hex() != manifest.genesis:
        raise BackupRefused(f"{folder} has another genesis than its manifest says")
    if not 0 <= manifest.node < len(network.nodes):
        raise BackupRefused(f"{folder} is of node {manifest.node}, which its network does not have")
    return manifest, network


def restore_backup(
    folder: Path,
    directory: Path,
    node: int,
    *,
    seed: Path | None = None,
    is_forced: bool = False,
    advance: Advance = unwatched,
) -> tuple[Manifest, Path | None]:
    """Put a node's stores, and its keys if they are there, into a network's directory.

    The node gets no vote journal, so it asks the others before it votes. What happens is
    done in a directory beside, and takes its place in the end: it may be repeated.

    Parameters
    ----------
    directory
        Of the network; made from the backup if it is not one yet.
    seed
        The validator's seed, if neither the backup nor the node's directory has it.
    is_forced
        Put the node's present directory aside, if it holds anything.

    Returns
    -------
    tuple
        What the backup says of itself, and where the directory of before is now.

    Raises
    ------
    BackupRefused
        If the backup is not whole or of another node, the node's directory is not empty, or
        its keys are nowhere.
    AlreadyRunning
        If the node runs.
    KeysRefused
        If the seed is not the validator's.
    """
    folder = folder.resolve()
    manifest, shared = open_backup(folder, advance)
    if manifest.node != node:
        raise BackupRefused(f"{folder} is of node {manifest.node}, not of node {node}")
    _refuse_small_network(shared)
    network = _prepare_network(folder, directory.resolve(), shared)
    config = network.nodes[node]
    _refuse_running(config)
    has_state = any((config.directory / name).exists() for name in STATE)
    if has_state and not is_forced:
        raise BackupRefused(
            f"{config.directory} is not empty: with --force it is put aside, not removed"
        )
    with _plain_errors(config):
        staged = _stage(folder, config, manifest, seed)
        _require_keys(config, staged, network)
        return manifest, _exchange(config, staged)


def _refuse_small_network(network: Network) -> None:
    if max_faulty(len(network.nodes)) == 0:
        raise BackupRefused(
            f"with {len(network.nodes)} validators none may ever lose its votes: the others cannot "
            "go on without this one, nor it vote before they have. Keep the node's own directory, "
            "or start a new network with four"
        )


def _prepare_network(folder: Path, directory: Path, shared: Network) -> Network:
    if not is_network(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("genesis.bin", L1_DEPLOYMENT, "network.json"):
            if (folder / name).exists():
                (directory / name).parent.mkdir(exist_ok=True)
                write_file(directory / name, (folder / name).read_bytes())
        return load_network(directory)
    network = load_network(directory)
    if genesis_digest(network.genesis) != genesis_digest(shared.genesis):
        raise BackupRefused(f"{directory} is of another network than {folder}")
    return network


def _refuse_running(config: NodeConfig) -> None:
    """Who writes to the directory holds its locks."""
    for name in STATE:
        if not (config.directory / name).is_dir():
            continue
        try:
            DirectoryLock(config.directory / name).release()
        except StorageLockedError as error:
            raise AlreadyRunning(
                f"node {config.index} runs from {config.directory}: stop it first"
            ) from error


def _stage(folder: Path, config: NodeConfig, manifest: Manifest, seed: Path | None) -> Path:
    """Everything of the new directory, beside the present one."""
    staged = config.directory.with_name(f"{config.directory.name}.restoring")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True, mode=0o700)
    for name in manifest.files:
        if name.startswith(tuple(f"{store}/" for store in STORES)):
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, staged / name)
            sync_file(staged / name)
    secrets = {file.name: file for file in secrets_in(config.directory)}
    secrets |= {file.name: file for file in secrets_in(folder / "keys")}
    if seed is not None:
        secrets["seed"] = seed
    for name, source in secrets.items():
        copy_secret(source, staged / name)
        sync_file(staged / name)
    return staged


def _require_keys(config: NodeConfig, staged: Path, network: Network) -> None:
    if not (staged / "seed").exists():
        shutil.rmtree(staged)
        raise BackupRefused(
            f"neither the backup nor {config.directory} has the validator's seed: name it with "
            "--seed"
        )
    restored = replace(config, directory=staged)
    try:
        with Store(restored.ledger_directory, is_read_only=True) as store:
            archive = Archive(store, network.genesis, ValidatorSet(network.genesis))
            validators = archive.validators_after(archive.state_after(archive.height))
        check_keyring(restored, network.genesis, validators, load_keyring(restored))
    except (WrongSeed, ValidatorError) as error:
        shutil.rmtree(staged)
        raise KeysRefused(str(error)) from error


def _exchange(config: NodeConfig, staged: Path) -> Path | None:
    """Give the new directory its name; the one of before gets another."""
    place, aside = config.directory, None
    if place.exists():
        aside = _free_name(place)
        place.rename(aside)
    staged.rename(place)
    sync_directory(place.parent)
    return aside


def _free_name(place: Path) -> Path:
    number = 1
    while (name := place.with_name(f"{place.name}.before-{number}")).exists():
        number += 1
    return name


@contextlib.contextmanager
def _plain_errors(config: NodeConfig) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupRefused(f"{error.filename or config.directory}: {error.strerror}") from error
    except StorageError as error:
        raise BackupRefused(str(error)) from error
