"""An operator's directory made ready for the network that the founders have made."""

from pathlib import Path

from actors.config import NodeConfig
from cluster.ceremony.founding import require_digest
from cluster.ceremony.keys import first_journal, load_seed, seed_file
from cluster.errors import GenesisRefused, KeysRefused
from cluster.files import write_file
from cluster.network import Network, is_network, load_network
from ledger.genesis import genesis_digest
from ledger.types import Digest


def join_network(folder: Path, directory: Path, expected: Digest | None) -> NodeConfig:
    """Take a network's shared files over, and give the seed its place. May be repeated.

    Parameters
    ----------
    folder
        With the ``genesis.bin`` and ``network.json`` that all operators share.
    directory
        The operator's, with its seed.
    expected
        Digest that the founders have agreed on.

    Returns
    -------
    NodeConfig
        Of the operator's node.

    Raises
    ------
    BadDirectory
        If the folder holds no network.
    KeysRefused
        If there is no seed, or it lies where another validator's should.
    GenesisRefused
        If the genesis is another one, has no validator with the seed's keys, or the directory
        holds another network.
    """
    shared = load_network(folder)
    if expected is not None:
        require_digest(shared.genesis, expected)
    _refuse_another_network(directory, shared)
    index = _index_of_seed(directory, shared)
    node = directory / f"node-{index}"
    node.mkdir(exist_ok=True)
    if folder.resolve() != directory.resolve():
        for name in ("genesis.bin", "network.json"):
            write_file(directory / name, (shared.directory / name).read_bytes())
    if not (node / "seed").exists():
        if first_journal(directory).exists() and not (node / "journal").exists():
            first_journal(directory).rename(node / "journal")
        seed_file(directory).rename(node / "seed")
    return load_network(directory).nodes[index]


def _refuse_another_network(directory: Path, shared: Network) -> None:
    if is_network(directory) and genesis_digest(load_network(directory).genesis) != genesis_digest(
        shared.genesis
    ):
        raise GenesisRefused(f"{directory} holds another network already: name another directory")


def _index_of_seed(directory: Path, shared: Network) -> int:
    """Validator of the seed that waits for its place; if none does, of the one that has one."""
    placed = {
        directory / f"node-{index}" / "seed": index
        for index in range(len(shared.nodes))
        if (directory / f"node-{index}" / "seed").exists()
    }
    waiting = seed_file(directory)
    file = waiting if waiting.exists() or not placed else next(iter(placed))
    key = load_seed(file).consensus.public_key
    for index, validator in enumerate(shared.genesis.validators):
        if validator.consensus_key != key:
            continue
        if placed.get(file, index) != index:
            raise KeysRefused(
                f"{file} is the seed of validator {index}: move it to "
                f"{directory / f'node-{index}' / 'seed'}"
            )
        return index
    raise GenesisRefused(
        f"no validator of the genesis has the keys of {file}: have it put together again with the "
        "entry that `braid keys public` writes"
    )
