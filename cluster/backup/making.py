"""Make a backup of a node, running or stopped."""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import ray
from ray.exceptions import GetTimeoutError, RayError

from actors.config import NodeConfig
from actors.validator.archive import Archive
from cluster.backup.manifest import (
    BackedUpFile,
    Manifest,
    describe_file,
    files_below,
    write_manifest,
)
from cluster.errors import BackupRefused
from cluster.launcher import NodeHandles, Progress, connection, silent
from cluster.network import Network
from cluster.node_launcher import find_node
from cluster.run_record import hosted_nodes, load_ray
from ledger.genesis import genesis_digest
from ledger.types import ChainRole
from ledger.validators import ValidatorSet
from storage.errors import StorageError
from storage.file_lock import sync_directory
from storage.store import Store

CHECKPOINT_SECONDS: Final = 300.0
L1_DEPLOYMENT: Final = "l1/deployment.json"
_SECRET: Final = re.compile(r"seed(-[1-9][0-9]*)?|l1\.key")


def make_backup(
    network: Network,
    config: NodeConfig,
    folder: Path,
    *,
    with_keys: bool = False,
    progress: Progress = silent,
    is_connected: bool = False,
) -> Manifest:
    """Copy a node's stores as of now, and what it takes to start from them elsewhere.

    Parameters
    ----------
    folder
        Absent or empty, on the machine of the node.
    with_keys
        Copy the validator's seed, and its key on L1, too: whoever has the backup can vote
        in its name.
    is_connected
        The caller is a client of the node's Ray already.

    Raises
    ------
    BackupRefused
        If the folder is not empty, or cannot be written; what is in it is no backup then.
    """
    folder = folder.resolve()
    with _plain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BackupRefused(f"{folder} is not empty: name another folder")
        folder.chmod(0o700)
        with _scratch(config) as scratch:
            progress("taking the stores as they are now")
            height = _freeze_stores(network, config, scratch, is_connected)
            progress("copying")
            shutil.copytree(scratch, folder, dirs_exist_ok=True)
        _copy_shared_files(network, config, folder)
        if with_keys:
            _copy_keys(config, folder)
        progress("hashing")
        manifest = Manifest(
            protocol_version=network.genesis.protocol_version,
            genesis=genesis_digest(network.genesis).hex(),
            node=config.index,
            final_height=height,
            created_unix_ms=time.time_ns() // 1_000_000,
            has_keys=with_keys,
            files=dict(_described(folder)),
        )
        write_manifest(folder, manifest)
        sync_directory(folder)
    return manifest


@contextlib.contextmanager
def _scratch(config: NodeConfig) -> Iterator[Path]:
    """A folder beside the stores, so that freezing them takes no space.

    What is frozen shares files with the node: it must not be the backup, whose damage would
    be the node's.
    """
    scratch = config.directory / "copying"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _freeze_stores(network: Network, config: NodeConfig, folder: Path, is_connected: bool) -> int:
    """Chains first: the ledger must not be behind them, as it is not after a crash either."""
    if not config.ledger_directory.is_dir():
        raise BackupRefused(
            f"{config.directory} holds no ledger: run the command on the machine of the node"
        )
    if config not in hosted_nodes(network):
        return _freeze_closed_stores(network, config, folder)
    with contextlib.nullcontext() if is_connected else connection(load_ray(network)):
        try:
            return _freeze_open_stores(find_node(config), folder)
        except (RayError, GetTimeoutError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise BackupRefused(f"node {config.index} did not give its stores: {reason}") from error


def _freeze_open_stores(node: NodeHandles, folder: Path) -> int:
    for role, executor in node.executors.items():
        copied = executor.copy_to.remote(folder / role.name.lower())
        ray.get(copied, timeout=CHECKPOINT_SECONDS)
    written = node.validator.copy_to.remote(folder / "ledger")
    height: int = ray.get(written, timeout=CHECKPOINT_SECONDS)
    return height


def _freeze_closed_stores(network: Network, config: NodeConfig, folder: Path) -> int:
    for role in ChainRole:
        with Store(config.chain_directory(role)) as store:
            store.checkpoint(folder / role.name.lower())
    with Store(config.ledger_directory) as store:
        archive = Archive(store, network.genesis, ValidatorSet(network.genesis))
        store.checkpoint(folder / "ledger")
        return archive.height


def _copy_shared_files(network: Network, config: NodeConfig, folder: Path) -> None:
    shutil.copyfile(config.genesis_file, folder / "genesis.bin")
    shutil.copyfile(network.directory / "network.json", folder / "network.json")
    deployment = network.directory / L1_DEPLOYMENT
    if deployment.exists():
        (folder / "l1").mkdir()
        shutil.copyfile(deployment, folder / L1_DEPLOYMENT)


def _copy_keys(config: NodeConfig, folder: Path) -> None:
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    for file in secrets_in(config.directory):
        copy_secret(file, keys / file.name)


def secrets_in(folder: Path) -> list[Path]:
    """The seed, those that have replaced it, and the key on L1, as far as they are there."""
    return sorted(file for file in folder.glob("*") if _SECRET.fullmatch(file.name))


def copy_secret(source: Path, target: Path) -> None:
    """Copy a file that nobody else may read, not even while it is written."""
    target.touch(mode=0o600, exist_ok=False)
    shutil.copyfile(source, target)


def sync_file(file: Path) -> None:
    """Wait until a file is on the disk."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _described(folder: Path) -> Iterator[tuple[str, BackedUpFile]]:
    for name in files_below(folder):
        sync_file(folder / name)
        yield name, describe_file(folder / name)


@contextlib.contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupRefused(f"{error.filename or folder}: {error.strerror}") from error
    except StorageError as error:
        raise BackupRefused(str(error)) from error
