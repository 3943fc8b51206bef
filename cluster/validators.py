"""``braid validators``: who orders the ledger, and how that changes.

An operator hands over a *newcomer file*: new keys with proofs that somebody holds them,
and where the node listens. Anyone may read it; it says nothing secret.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ray

from actors.config import MAX_LATER_SEEDS, NodeConfig
from actors.validator.archive import Archive
from bridge.errors import OperatorVoteRejected
from cluster.ceremony.keys import load_seed, write_seed
from cluster.commands import connected
from cluster.errors import ClusterError, KeysRefused
from cluster.hexadecimal import bytes_of
from cluster.network import Network, append_node, load_network, name_of
from cluster.node_entries import NodeEntry
from cluster.node_launcher import node_of
from cluster.output import print_json, print_table, say
from cluster.proofs.files import read_input, write_result
from contracts.l1.succession import registry_transactions, takeover
from execution.types import Address
from ledger.codec import decode, encode
from ledger.epochs import follow_epochs
from ledger.errors import CodecError, EpochChainError, MembershipError
from ledger.genesis import genesis_digest
from ledger.keys import ValidatorKeys
from ledger.membership import (
    EpochMembers,
    Newcomer,
    Replacement,
    ValidatorSetChange,
    change_digest,
    changed_members,
    check_change,
    members_digest,
)
from ledger.types import Epoch, Height, ValidatorIndex
from ledger.validators import ValidatorSet
from storage.store import Store

MAX_NEWCOMER_BYTES: Final = 4096
MAX_MEMBERS_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change as the command line has it; files are newcomer files."""

    removed: tuple[int, ...]
    replaced: tuple[tuple[int, Path], ...]
    added: tuple[Path, ...]
    notice_blocks: int


def status(directory: Path, node: int, as_json: bool) -> None:
    """Show the epoch, its set, and changes that are voted on or decided."""
    with connected(directory, node) as handles:
        found: dict[str, Any] = ray.get(handles.validator.epoch.remote())
    if as_json:
        print_json(found)
        return
    print_table(
        f"epoch {found['epoch']}, from height {found['first_height']}",
        ("validator", "name", "address", "consensus key"),
        (
            (
                entry["index"],
                entry["name"],
                entry["address"] or "as configured",
                entry["consensus_key"][:18] + "…",
            )
            for entry in found["validators"]
        ),
    )
    for entry in found["open_changes"]:
        votes = f"{len(entry['votes'])} of {found['quorum']} votes"
        say(f"open: {entry['change']}: {_in_words(entry)}; {votes}")
    for entry in found["decided"]:
        say(f"decided: {entry['change']}: {_in_words(entry)}")
    if found["own_votes_waiting"]:
        say(f"[dim]{found['own_votes_waiting']} own votes wait for an own block[/]")


def verify(directory: Path, node: int, as_json: bool) -> None:
    """Check the chain of certificates from the genesis to the newest set on a node's disk.

    Raises
    ------
    ClusterError
        If it does not prove itself.
    """
    network = load_network(directory)
    config = node_of(network, node)
    with Store(config.ledger_directory, is_read_only=True) as store:
        changes = Archive(store, network.genesis, ValidatorSet(network.genesis)).epoch_changes()
    try:
        found = follow_epochs(network.genesis, changes)
    except EpochChainError as error:
        raise ClusterError(f"the ledger of node {node} does not prove its set: {error}") from error
    ends = [{"epoch": change.header.epoch, "last": change.header.height} for change in changes]
    digest = "0x" + members_digest(found.epoch, found.members).hex()
    if as_json:
        print_json({"epoch": found.epoch, "members_digest": digest, "ended": ends})
        return
    for end in ends:
        say(f"epoch {end['epoch']} ended with block {end['last']}, by a quorum of its set")
    say(f"epoch {found.epoch}: {found.count} validators, {digest}, proved from the genesis")


def newcomer_of_node(
    directory: Path, node: int, name: str | None, address: str | None, out: Path
) -> None:
    """Make new keys for a node, and the file that hands them over."""
    network = load_network(directory)
    config = node_of(network, node)
    keys, file = _new_keys(config)
    own_name = name_of(network, node) if name is None else name
    own_address = f"{config.listen.host}:{config.listen.port}" if address is None else address
    _hand_over(network, keys, own_name, own_address, out)
    say(f"new keys in {file}: keep it with the node, which uses them once they are voted in")


def add_node(directory: Path, name: str, entry: NodeEntry, out: Path, as_json: bool) -> None:
    """Prepare one more node here, with new keys, and the file that hands them over."""
    network = load_network(directory)
    index = len(network.nodes)
    keys = write_seed(network.directory / f"node-{index}" / "seed")
    network = append_node(network, entry)
    _hand_over(network, keys, name, f"{entry.address.host}:{entry.address.port}", out)
    if as_json:
        print_json({"node": index})
        return
    say(f"node {index} is ready; once it is voted in, start it: `braid node start {index}`")


def newcomer_of_seed(directory: Path, seed: Path, name: str, address: str, out: Path) -> None:
    """Make the file that hands over the keys of a seed."""
    _hand_over(load_network(directory), load_seed(seed), name, address, out)


def propose_change(directory: Path, node: int, wanted: Wanted, as_json: bool) -> None:
    """Put a change to the vote, as the operator of a node."""
    _change(wanted, Epoch(0), Height(0))  # A bad file is named before anything is asked.
    with connected(directory, node) as handles:
        found = ray.get(handles.validator.epoch.remote())
        first_height = Height(found["final_height"] + wanted.notice_blocks)
        change = _change(wanted, Epoch(found["epoch"]), first_height)
        _cast(handles.validator.propose_change.remote(encode(change)))
    digest = "0x" + change_digest(change).hex()
    if as_json:
        print_json({"change": digest, "first_height": change.first_height})
        return
    say(f"node {node} proposes {digest}, in its next own block; to begin at {change.first_height}")
    say(f"[dim]the others vote with `braid validators vote {digest} --node …`[/]")
    if load_network(directory).genesis.has_l1:
        say(
            "[yellow]L1 takes no certificate of another set before its owner has changed the "
            "registry: see docs/validators.md first[/]"
        )


def vote(directory: Path, node: int, change: str, as_json: bool) -> None:
    """Vote for a change, as the operator of a node."""
    digest = _digest(change)
    with connected(directory, node) as handles:
        _cast(handles.validator.vote_change.remote(digest))
    if as_json:
        print_json({"voted": True})
        return
    say(f"node {node} votes for 0x{digest.hex()}, in its next own block")


def l1_calls(directory: Path, node: int, wanted: Wanted, registry: str | None, out: Path) -> None:
    """Write the transactions with which the set after a change takes over on L1.

    Raises
    ------
    ClusterError
        If the ledger would not take the change.
    """
    network = load_network(directory)
    with connected(directory, node) as handles:
        raw: bytes = ray.get(handles.validator.members.remote())
    present = decode(raw, EpochMembers, limit_bytes=MAX_MEMBERS_BYTES)
    change = _change(wanted, present.epoch, Height(0))
    try:
        check_change(genesis_digest(network.genesis), present.members, change)
    except MembershipError as error:
        raise ClusterError(f"the ledger would not take it: {error}") from error
    entries = [member.entry for member in changed_members(present.members, change)]
    init_code, calls = registry_transactions(genesis_digest(network.genesis), entries)
    content: dict[str, Any] = {
        "validators": [entry.name for entry in entries],
        "registry": {"deploy": _hex(init_code), "then": [_hex(call) for call in calls]},
    }
    if registry is not None:
        propose, execute = takeover(_address(registry))
        content["rollup"] = {
            "address": _hex(network.genesis.l1.rollup),
            "propose": _hex(propose),
            "execute_when_the_timelock_has_run": _hex(execute),
        }
    write_result(out, json.dumps(content, indent=1).encode())
    say(f"{out}: how a set of {len(entries)} validators takes over on L1: docs/validators.md")


def _change(wanted: Wanted, epoch: Epoch, first_height: Height) -> ValidatorSetChange:
    return ValidatorSetChange(
        epoch=epoch,
        first_height=first_height,
        removed=tuple(ValidatorIndex(index) for index in sorted(wanted.removed)),
        replaced=tuple(
            Replacement(ValidatorIndex(index), _open_newcomer(file))
            for index, file in sorted(wanted.replaced)
        ),
        added=tuple(_open_newcomer(file) for file in wanted.added),
    )


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _address(text: str) -> Address:
    address = bytes_of(text, 20)
    if address is None:
        raise ClusterError(f"an address has 40 hexadecimal digits, got {text!r}")
    return Address(address)


def _cast(call: "ray.ObjectRef[None]") -> None:
    try:
        ray.get(call)
    except OperatorVoteRejected as error:
        # Ray gives it a whole stack as its text, and keeps the actor's own error as its cause.
        reason = getattr(error, "cause", error)
        raise ClusterError(f"the ledger would not take it: {reason}") from error


def _new_keys(config: NodeConfig) -> tuple[ValidatorKeys, Path]:
    for number in range(1, MAX_LATER_SEEDS + 1):
        file = config.later_seed_file(number)
        if not file.exists():
            return write_seed(file), file
    raise KeysRefused(f"{config.directory} has {MAX_LATER_SEEDS} later seeds: remove the unused")


def _hand_over(network: Network, keys: ValidatorKeys, name: str, address: str, out: Path) -> None:
    newcomer = keys.newcomer(genesis_digest(network.genesis), name, address)
    write_result(out, encode(newcomer))
    say(f"{out}: hand it to whoever proposes the change")


def _open_newcomer(file: Path) -> Newcomer:
    try:
        raw = read_input(file, "newcomer file", MAX_NEWCOMER_BYTES)
        return decode(raw, Newcomer, limit_bytes=MAX_NEWCOMER_BYTES)
    except CodecError as error:
        raise KeysRefused(f"{file} is no newcomer file: {error}") from error


def _digest(text: str) -> bytes:
    digest = bytes_of(text, 32)
    if digest is None:
        raise ClusterError(f"a change is named by 64 hexadecimal digits, got {text!r}")
    return digest


def _in_words(change: dict[str, Any]) -> str:
    parts = [f"removes validator {index}" for index in change["removed"]]
    parts += [f"replaces {entry['index']} by {entry['name']}" for entry in change["replaced"]]
    parts += [f"adds {entry['name']}" for entry in change["added"]]
    return f"{', '.join(parts)}, from height {change['first_height']}"
