"""``braid keys …``, ``braid genesis …`` and ``braid node join``."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cluster.addresses import DialAddress, ListenAddress
from cluster.ceremony.founding import (
    found_network,
    read_genesis,
    require_digest,
    require_entry,
    require_terms,
)
from cluster.ceremony.joining import join_network
from cluster.ceremony.keys import load_seed, new_keys, seed_file
from cluster.ceremony.operator_entry import make_entry, read_entry
from cluster.ceremony.terms_file import read_terms, template
from cluster.errors import KeysRefused
from cluster.genesis_terms import NetworkTerms
from cluster.output import print_json, print_table, say
from cluster.proofs.files import write_result
from ledger.genesis import Genesis, genesis_digest
from ledger.types import Digest, EvmAddress, TimestampMs


def keys_new(directory: Path, as_json: bool) -> None:
    """Make an operator's keys."""
    keys = new_keys(directory)
    file = seed_file(directory)
    if as_json:
        print_json({"seed": str(file), "consensus_key": "0x" + keys.consensus.public_key.hex()})
        return
    say(f"wrote new keys to {file}: back them up, and show them to nobody")
    say("[dim]next: `braid keys public` makes what the other operators get[/]")


def keys_public(
    directory: Path,
    name: str,
    address: DialAddress,
    coinbase: EvmAddress | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write what an operator hands over."""
    keys = load_seed(_any_seed(directory))
    write_result(out, make_entry(keys, name, address, coinbase))
    if as_json:
        print_json({"entry": str(out), "consensus_key": "0x" + keys.consensus.public_key.hex()})
        return
    say(f"wrote {out}, which holds no secret: hand it to whoever puts the genesis together")


def genesis_template() -> None:
    """Print terms to begin with."""
    print(template())  # noqa: T201  # its output is a file


def genesis_assemble(
    files: Sequence[Path],
    terms_file: Path | None,
    timestamp_ms: int | None,
    folder: Path,
    rpc: ListenAddress,
    as_json: bool,
) -> None:
    """Put a genesis together; without a file, under the terms of a development network."""
    terms = _dev_terms() if terms_file is None else read_terms(terms_file)
    entries = [read_entry(file) for file in files]
    at_ms = time.time_ns() // 1_000_000 if timestamp_ms is None else timestamp_ms
    network = found_network(folder, terms, entries, TimestampMs(at_ms), rpc)
    if not as_json:
        say(f"wrote genesis.bin and network.json to {folder}: hand both to every operator")
        if terms_file is None:
            say("[yellow]a network for trials: the keys of its funded accounts are public[/]")
    _tell(network.genesis, as_json)


def genesis_show(path: Path, as_json: bool) -> None:
    """Show a genesis that has been checked."""
    _tell(read_genesis(path), as_json)


def genesis_verify(
    path: Path,
    expected: Digest | None,
    files: Sequence[Path],
    terms_file: Path | None,
    as_json: bool,
) -> None:
    """Check a genesis against what an operator knows."""
    genesis = read_genesis(path)
    if expected is not None:
        require_digest(genesis, expected)
    indices = [require_entry(genesis, read_entry(file)) for file in files]
    if terms_file is not None:
        require_terms(genesis, read_terms(terms_file))
    if not as_json:
        for index in indices:
            say(f"validator {index} is {genesis.validators[index].name}, unchanged")
        checked = {"its digest": expected, "its terms": terms_file, "your entry": files or None}
        unchecked = [what for what, given in checked.items() if given is None]
        if unchecked:
            say(f"[yellow]not compared, as it was not given: {', '.join(unchecked)}[/]")
    _tell(genesis, as_json)


def node_join(folder: Path, directory: Path, expected: Digest | None, as_json: bool) -> None:
    """Make an operator's directory ready to start its node."""
    config = join_network(folder, directory, expected)
    genesis = read_genesis(directory)
    index, digest = int(config.index), genesis_digest(genesis).hex()
    if as_json:
        print_json({"node": index, "genesis": digest})
        return
    name, count = genesis.validators[index].name, len(genesis.validators)
    say(f"you are validator {index} ({name}) of {count} in {genesis.network}, genesis {digest}")
    say(f"[dim]start it with `braid node start {index}` when all have this digest[/]")


def _dev_terms() -> NetworkTerms:
    # Here and not above: the public accounts' library takes long to load.
    from cluster.dev_genesis import dev_terms

    return dev_terms()


def _any_seed(directory: Path) -> Path:
    """Where an operator's seed lies, before or after it has joined a network."""
    found = [seed_file(directory), *sorted(directory.glob("node-*/seed"))]
    there = [file for file in found if file.exists()]
    if len(there) > 1:
        raise KeysRefused(f"{directory} holds {len(there)} seeds: name a directory with one")
    return there[0] if there else seed_file(directory)


def _tell(genesis: Genesis, as_json: bool) -> None:
    digest = genesis_digest(genesis).hex()
    if as_json:
        print_json(_as_json(genesis, digest))
        return
    print_table(
        f"{genesis.network}, protocol version {genesis.protocol_version}",
        ("validator", "name", "consensus key", "coinbase"),
        (
            (index, entry.name, entry.consensus_key.hex(), "0x" + entry.coinbase.hex())
            for index, entry in enumerate(genesis.validators)
        ),
    )
    say(f"chain ids {genesis.chains[0].chain_id} (ZK) and {genesis.chains[1].chain_id} (fast)")
    say(f"digest {digest}")


def _as_json(genesis: Genesis, digest: str) -> dict[str, Any]:
    return {
        "digest": digest,
        "network": genesis.network,
        "protocol_version": genesis.protocol_version,
        "timestamp_ms": genesis.timestamp_ms,
        "validators": [
            {"name": entry.name, "consensus_key": "0x" + entry.consensus_key.hex()}
            for entry in genesis.validators
        ],
        "chains": {chain.role.name.lower(): chain.chain_id for chain in genesis.chains},
    }
