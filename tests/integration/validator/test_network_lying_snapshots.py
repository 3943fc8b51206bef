"""Fetching a snapshot while a peer lies about it: it is named, nothing of it is kept."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from grown_network import NEW, OLD, copied
from local_network import LocalNetwork

from actors.messages import HistoryResponse, HistoryWindow
from actors.snapshots import state_sync
from actors.snapshots.files import SnapshotFiles
from actors.snapshots.messages import SnapshotChunk, SnapshotOffers, SnapshotProof
from actors.transport.interface import Channel
from actors.validator.inspection import NodeInspector
from ledger.codec import decode, encode
from ledger.errors import CodecError
from ledger.snapshot import SnapshotManifest, SnapshotPart, chunk_digest, snapshot_message
from ledger.types import BlsSignature, ChainRole, Digest, Ed25519Signature, Height, ValidatorIndex

LIAR = 0
KINDS = (
    HistoryResponse,
    HistoryWindow,
    SnapshotOffers,
    SnapshotManifest,
    SnapshotProof,
    SnapshotChunk,
)
Lie = Callable[[LocalNetwork, object], object | None]
"""Makes what the liar sends in place of an honest answer; None for nothing."""


@pytest.fixture
async def network(grown: Path, tmp_path: Path) -> AsyncIterator[LocalNetwork]:
    local = copied(grown, tmp_path)
    yield local
    await local.stop()
    assert local.failures == []


def another_manifest_signed(network: LocalNetwork, answer: object) -> object:
    if not isinstance(answer, SnapshotOffers):
        return answer
    false = Digest(b"\x05" * 32)
    return SnapshotOffers(
        tuple(
            replace(
                one,
                manifest=false,
                signature=network.keys[LIAR].consensus.sign(
                    snapshot_message(
                        network.nodes[1].validators.digest, one.epoch, one.height, false
                    )
                ),
            )
            for one in answer.statements
        )
    )


def in_another_s_name(network: LocalNetwork, answer: object) -> object:
    if not isinstance(answer, SnapshotOffers):
        return answer
    return SnapshotOffers(
        tuple(replace(one, signer=ValidatorIndex(2)) for one in answer.statements)
    )


def unsigned(network: LocalNetwork, answer: object) -> object:
    if not isinstance(answer, SnapshotOffers):
        return answer
    nothing = Ed25519Signature(bytes(64))
    return SnapshotOffers(tuple(replace(one, signature=nothing) for one in answer.statements))


def a_later_height(network: LocalNetwork, answer: object) -> object:
    """A statement with a good signature is not enough if nobody else says the same."""
    if not isinstance(answer, SnapshotOffers) or not answer.statements:
        return answer
    one = answer.statements[0]
    height = Height(10**9)
    message = snapshot_message(network.nodes[1].validators.digest, one.epoch, height, one.manifest)
    later = replace(one, height=height, signature=network.keys[LIAR].consensus.sign(message))
    return SnapshotOffers((*answer.statements, later))


def another_manifest(network: LocalNetwork, answer: object) -> object:
    if not isinstance(answer, SnapshotManifest):
        return answer
    return replace(answer, zk=SnapshotPart(answer.zk.chunks[:-1]))


def another_block(network: LocalNetwork, answer: object) -> object:
    if not isinstance(answer, SnapshotProof):
        return answer
    block = network.nodes[1].archive.block(1)
    assert block is not None
    return replace(answer, block=block.encoded)


def a_forged_checkpoint(network: LocalNetwork, answer: object) -> object:
    if not isinstance(answer, SnapshotProof):
        return answer
    certificate = replace(answer.fast.certificate, signature=BlsSignature(b"\x99" * 96))
    return replace(answer, fast=replace(answer.fast, certificate=certificate))


def another_s_headers(network: LocalNetwork, answer: object) -> object:
    """All certificates are good, but not of this snapshot's states."""
    if not isinstance(answer, SnapshotProof):
        return answer
    return replace(answer, zk=answer.fast, fast=answer.zk)


def a_flipped_bit(network: LocalNetwork, answer: object) -> object:
    if not isinstance(answer, SnapshotChunk):
        return answer
    data = bytearray(answer.data)
    data[len(data) // 2] ^= 1
    return replace(answer, data=bytes(data))


def more_than_the_chunk(network: LocalNetwork, answer: object) -> object:
    if not isinstance(answer, SnapshotChunk):
        return answer
    return replace(answer, data=answer.data + bytes(100))


def silence_about_chunks(network: LocalNetwork, answer: object) -> object | None:
    return None if isinstance(answer, SnapshotChunk | SnapshotManifest) else answer


LIES: dict[Lie, str | None] = {
    another_manifest_signed: "WrongStatement",
    in_another_s_name: "WrongStatement",
    unsigned: "WrongStatement",
    a_later_height: None,
    another_manifest: "WrongManifest",
    another_block: "WrongManifest",
    a_forged_checkpoint: "WrongManifest",
    another_s_headers: "WrongManifest",
    a_flipped_bit: "WrongChunk",
    more_than_the_chunk: "WrongChunk",
    silence_about_chunks: "PeerSilent",
}


def turn(network: LocalNetwork, index: int, lie: Lie) -> None:
    """Have a running node tell a lie in each of its answers to the new one."""
    transport = network.nodes[index].transport
    send = transport.send

    def lying(peer: int, channel: Channel, payload: bytes) -> None:
        if channel is not Channel.BACKFILL or peer != NEW:
            send(peer, channel, payload)
            return
        try:
            answer: object = decode(payload, *KINDS, limit_bytes=len(payload))
        except CodecError:  # A request of its own.
            send(peer, channel, payload)
            return
        told = lie(network, answer)
        if told is not None:
            send(peer, channel, encode(told))

    transport.send = lying  # type: ignore[method-assign]


def let_speak_first(network: LocalNetwork, first: int) -> None:
    """Lose what the others offer until one peer's offer is there: it is asked first then."""

    def wait(network: LocalNetwork, answer: object) -> object | None:
        node = network.nodes.get(NEW)
        has_heard = node is not None and bool(node.sync._offers.get(ValidatorIndex(first)))
        return None if isinstance(answer, SnapshotOffers) and not has_heard else answer

    for other in set(OLD) - {first}:
        turn(network, other, wait)


class Names:
    """What the new node holds against whom, beyond its own restart."""

    def __init__(self, network: LocalNetwork) -> None:
        self._network = network
        self.faults: dict[str, set[str]] = {}

    def look(self) -> bool:
        node = self._network.nodes.get(NEW)
        if node is not None:
            status = NodeInspector(node).status()["catch_up"]["misbehaviour"]["peers"]
            for entry in status.values():
                self.faults.setdefault(entry["peer_id"], set()).update(entry["faults"])
        return True

    def lies(self) -> dict[str, set[str]]:
        kinds = {peer: found - {"PeerSilent"} for peer, found in self.faults.items()}
        return {peer: found for peer, found in kinds.items() if found}


RARE = (in_another_s_name, more_than_the_chunk, another_block, a_later_height)
"""In the slow run only: each has a near relative in the quick one."""


@pytest.mark.parametrize(
    "lie",
    [pytest.param(lie, marks=pytest.mark.slow) if lie in RARE else lie for lie in LIES],
    ids=lambda lie: lie.__name__,
)
async def test_a_peer_that_lies_about_a_snapshot_is_named_and_the_others_are_used(
    network: LocalNetwork, lie: Lie, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lie is silence_about_chunks:
        monkeypatch.setattr(state_sync, "ANSWER_SECONDS", 0.5)
    expected = LIES[lie]
    # The liar is always asked, and always among the first.
    monkeypatch.setattr(state_sync, "MAX_ASKED_PER_PEER", 1)
    await network.start(*OLD)
    if expected not in ("WrongStatement", None):
        let_speak_first(network, LIAR)
    turn(network, LIAR, lie)
    names = Names(network)
    await network.start(NEW)
    await network.wait_until(lambda: names.look() and bool(network.restarts))
    await network.restarts[-1]
    if expected == "PeerSilent":
        assert "PeerSilent" in names.faults[f"memory-{LIAR}"]
    elif expected is None:
        assert names.lies() == {}
    else:
        assert names.lies() == {f"memory-{LIAR}": {expected}}
    await network.wait_for_growth(5)
    for role in ChainRole:
        number = network.nodes[1].final_state.chain(role).number
        await network.wait_for_execution(role, number, 1, NEW)
        assert network.state_root(NEW, role, number) == network.state_root(1, role, number)


async def test_a_chunk_that_was_damaged_on_the_own_disk_is_fetched_again(
    network: LocalNetwork,
) -> None:
    await network.start(*OLD)
    made = network.nodes[1].snapshot_server.made_heights()
    files = network.nodes[1].shelf.files(max(made))
    manifest = files.manifest()
    assert manifest is not None
    copy = SnapshotFiles(network.node_directory(NEW) / "copy")
    for index in range(len(manifest.chunks)):
        data = files.chunk(index)
        assert data is not None
        assert chunk_digest(data) == manifest.chunks[index]
        copy.write_chunk(index, data if index else data[:-1])
    assert copy.missing(manifest) == [0]
