"""A backup is whole or refused, and never brings votes back."""

import json
import shutil
import stat
from pathlib import Path

import pytest

from actors.validator.archive import Archive
from cluster.backup.making import make_backup
from cluster.backup.manifest import MANIFEST, Manifest
from cluster.backup.restoring import open_backup, restore_backup
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.errors import AlreadyRunning, BackupRefused, BadDirectory, KeysRefused
from cluster.history.disk import open_ledger
from cluster.network import Network
from ledger.types import ChainRole
from ledger.validators import ValidatorSet
from storage.keys import meta_key
from storage.store import Space, Store

MARK = meta_key("a mark of the tests")
NODE = 3


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """Four validators on disk; node 3 has stores with something in them."""
    network = create_dev_network(tmp_path / "network", 4, PortPlan(None, None))
    config = network.nodes[NODE]
    with Store(config.ledger_directory) as store:
        Archive(store, network.genesis, ValidatorSet(network.genesis))
        store.put(Space.META, MARK, b"ledger")
    for role in ChainRole:
        with Store(config.chain_directory(role)) as store:
            store.put(Space.META, MARK, role.name.encode())
    return network


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def back_up(network: Network, folder: Path, **options: bool) -> Manifest:
    return make_backup(network, network.nodes[NODE], folder, **options)


def marks_of(network: Network) -> list[bytes | None]:
    config = network.nodes[NODE]
    folders = [config.ledger_directory, *(config.chain_directory(role) for role in ChainRole)]
    found = []
    for store_folder in folders:
        with Store(store_folder) as store:
            found.append(store.get(Space.META, MARK))
    return found


def test_what_is_backed_up_comes_back(network, folder):
    back_up(network, folder)
    _, aside = restore_backup(folder, network.directory, NODE, is_forced=True)
    assert aside == network.directory / "node-3.before-1"
    assert marks_of(network) == [b"ledger", b"ZK", b"FAST"]


def test_a_store_that_is_written_to_meanwhile_is_copied_as_it_was(tmp_path):
    with Store(tmp_path / "store") as store:
        store.put(Space.META, MARK, b"before")
        store.checkpoint(tmp_path / "copy")
        store.put(Space.META, MARK, b"after")
    with Store(tmp_path / "copy") as copy:
        assert copy.get(Space.META, MARK) == b"before"


def test_a_backup_holds_no_votes_and_a_restored_node_has_no_journal(network, folder):
    manifest = back_up(network, folder, with_keys=True)
    assert not any("journal" in Path(name).parts for name in manifest.files)
    assert network.nodes[NODE].journal_directory.exists()
    restore_backup(folder, network.directory, NODE, is_forced=True)
    assert not network.nodes[NODE].journal_directory.exists()


def test_keys_are_in_it_only_if_asked_for_and_readable_by_their_owner_only(network, tmp_path):
    back_up(network, tmp_path / "without")
    assert not (tmp_path / "without" / "keys").exists()
    seed = network.nodes[NODE].seed_file.read_bytes()
    for file in (tmp_path / "without").rglob("*"):
        assert not file.is_file() or seed not in file.read_bytes()
    back_up(network, tmp_path / "with", with_keys=True)
    copied = tmp_path / "with" / "keys" / "seed"
    assert copied.read_bytes() == seed
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "with").stat().st_mode) == 0o700


def test_a_backup_shares_no_file_with_the_node(network, folder):
    back_up(network, folder)
    copied = {file.stat().st_ino for file in folder.rglob("*") if file.is_file()}
    own = {file.stat().st_ino for file in network.directory.rglob("*") if file.is_file()}
    assert copied.isdisjoint(own)
    assert not any("copying" in path.name for path in network.directory.rglob("*"))


def test_a_folder_that_is_not_empty_is_refused(network, folder):
    folder.mkdir()
    (folder / "mine").touch()
    with pytest.raises(BackupRefused, match="not empty"):
        back_up(network, folder)


def test_a_node_that_runs_without_this_directory_knowing_is_not_copied(network, folder):
    with (
        Store(network.nodes[NODE].ledger_directory),
        pytest.raises(BackupRefused, match="in use"),
    ):
        back_up(network, folder)
    assert not (folder / MANIFEST).exists()


def some_store_file(folder: Path) -> Path:
    files = [file for file in sorted((folder / "ledger").rglob("*")) if file.is_file()]
    return next(file for file in files if file.stat().st_size > 9)


def flip(folder: Path) -> None:
    file = some_store_file(folder)
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def cut(folder: Path) -> None:
    file = some_store_file(folder)
    file.write_bytes(file.read_bytes()[:-1])


def lose(folder: Path) -> None:
    some_store_file(folder).unlink()


def add(folder: Path) -> None:
    (folder / "ledger" / "rocksdb" / "000000.sst").write_bytes(b"smuggled")


def link(folder: Path) -> None:
    (folder / "ledger" / "elsewhere").symlink_to("/etc/hostname")


def another_genesis(folder: Path) -> None:
    edit(folder, genesis="11" * 32)


def lead_outside(folder: Path) -> None:
    edit(folder, files={"../../seed": {"bytes": 1, "sha256": "00" * 32}})


def another_format(folder: Path) -> None:
    edit(folder, format=2)


def edit(folder: Path, **fields: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest | fields))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip, "has changed"),
        (cut, "has changed"),
        (lose, "is missing"),
        (add, "is not in the manifest"),
        (link, "neither a file nor a folder"),
        (another_genesis, "another genesis"),
        (lead_outside, "leads out of the backup"),
        (another_format, "format 2, expected 1"),
        (lambda folder: (folder / MANIFEST).unlink(), "no whole backup"),
        (lambda folder: (folder / MANIFEST).write_bytes(b"{"), "is damaged"),
    ],
)
def test_a_backup_that_is_not_as_it_was_written_is_refused(network, folder, damage, said):
    back_up(network, folder)
    damage(folder)
    before = marks_of(network)
    with pytest.raises(BackupRefused, match=said):
        restore_backup(folder, network.directory, NODE, is_forced=True)
    assert marks_of(network) == before
    assert network.nodes[NODE].journal_directory.exists()


def test_a_backup_that_is_whole_says_what_it_is_of(network, folder):
    written = back_up(network, folder)
    manifest, shared = open_backup(folder)
    assert manifest == written
    assert manifest.node == NODE
    assert shared.genesis == network.genesis


def test_a_node_that_has_something_to_lose_is_put_aside_only_if_asked_for(network, folder):
    back_up(network, folder)
    with pytest.raises(BackupRefused, match="not empty"):
        restore_backup(folder, network.directory, NODE)
    for number in (1, 2):
        _, aside = restore_backup(folder, network.directory, NODE, is_forced=True)
        assert aside == network.directory / f"node-3.before-{number}"


def test_a_node_that_runs_is_left_alone(network, folder):
    back_up(network, folder)
    with (
        Store(network.nodes[NODE].ledger_directory),
        pytest.raises(AlreadyRunning, match="stop it first"),
    ):
        restore_backup(folder, network.directory, NODE, is_forced=True)


def test_it_is_put_back_as_the_node_that_it_is_of(network, folder):
    back_up(network, folder)
    with pytest.raises(BackupRefused, match="of node 3, not of node 1"):
        restore_backup(folder, network.directory, 1)


def test_a_new_machine_needs_the_backup_and_the_seed_and_nothing_else(network, folder, tmp_path):
    back_up(network, folder)
    elsewhere = tmp_path / "new machine"
    with pytest.raises(BackupRefused, match="--seed"):
        restore_backup(folder, elsewhere, NODE)
    seed = tmp_path / "seed from the safe"
    shutil.copy(network.nodes[NODE].seed_file, seed)
    restore_backup(folder, elsewhere, NODE, seed=seed)
    placed = elsewhere / "node-3" / "seed"
    assert placed.read_bytes() == seed.read_bytes()
    assert stat.S_IMODE(placed.stat().st_mode) == 0o600


def test_with_keys_a_new_machine_needs_the_backup_only(network, folder, tmp_path):
    back_up(network, folder, with_keys=True)
    restore_backup(folder, tmp_path / "new machine", NODE)
    assert (tmp_path / "new machine" / "node-3" / "seed").exists()


def test_the_seed_of_another_validator_is_refused(network, folder, tmp_path):
    back_up(network, folder)
    with pytest.raises(KeysRefused, match="not the seed of validator 3"):
        restore_backup(folder, tmp_path / "new", NODE, seed=network.nodes[0].seed_file)
    assert not (tmp_path / "new" / "node-3").exists()


def test_a_backup_of_another_network_is_refused(network, folder, tmp_path):
    back_up(network, folder, with_keys=True)
    other = create_dev_network(tmp_path / "other", 4, PortPlan(None, None))
    with pytest.raises(BackupRefused, match="another network"):
        restore_backup(folder, other.directory, NODE, is_forced=True)


def test_a_backup_of_another_build_is_refused_by_name(network, folder, tmp_path):
    back_up(network, folder)
    raw = bytearray((folder / "genesis.bin").read_bytes())
    (folder / "genesis.bin").write_bytes(raw[:-1])
    with pytest.raises((BackupRefused, BadDirectory)):
        open_backup(folder)


def test_where_no_validator_may_fail_nothing_is_put_back(tmp_path):
    network = create_dev_network(tmp_path / "three", 3, PortPlan(None, None))
    config = network.nodes[0]
    for store_folder in (
        config.ledger_directory,
        *(config.chain_directory(role) for role in ChainRole),
    ):
        Store(store_folder).close()
    make_backup(network, config, tmp_path / "backup")
    with pytest.raises(BackupRefused, match="none may ever lose its votes"):
        restore_backup(tmp_path / "backup", network.directory, 0, is_forced=True)
    assert config.journal_directory.exists()


def test_looking_into_a_backup_changes_nothing_in_it(network, folder):
    back_up(network, folder)
    with open_ledger(network.directory, 0, folder) as disk:
        assert disk.archive.height == 0
    open_backup(folder)
