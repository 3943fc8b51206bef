"""Strangers and a turned validator on libp2p: named, counted, and of no effect on the others.

The tests take the seat of validator 3 while its own process is stopped: they hold its
keys and its allow-listed identity, and send what an honest validator never would.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count
from random import Random
from typing import Any

import pytest
import ray
from braid_command import wait_until, wait_until_gone
from live_network import LiveNetwork

from actors.messages import HistoryResponse, TransactionBatch
from actors.transport._libp2p_patches import peer_id_from_public_key
from actors.transport.channels import POLICIES
from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.interface import Channel, ConnectionState
from actors.transport.libp2p_transport import Libp2pTransport
from cluster.launcher import create_validator
from consensus.effects import Fault
from consensus.messages import ConsensusMessage
from ledger.codec import encode
from ledger.crossing import Attestation, Checkpoint
from ledger.ed25519 import Ed25519Signer
from ledger.genesis import genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import (
    BlockNumber,
    BlsSignature,
    ChainId,
    ChainRole,
    Digest,
    Ed25519Signature,
    Epoch,
    EvmHash,
    ValidatorIndex,
    View,
)
from ledger.votes import Finalization, Notarize, Proposal, signed_message

SEAT = ValidatorIndex(3)
HONEST = (0, 1, 2)
WAIT_SECONDS = 30.0
GARBAGE_MESSAGES = 400
UNSIGNED = Ed25519Signature(bytes(64))
Count = Callable[[dict[str, Any]], int]


@dataclass
class Seat:
    """Validator 3's place in the network, held by a test."""

    network: LiveNetwork
    transport: Libp2pTransport
    keys: ValidatorKeys
    genesis: Digest
    chain_id: ChainId

    def send(self, channel: Channel, payload: bytes) -> None:
        """Send bytes to every honest validator."""
        self.transport.broadcast(channel, payload)

    def vote(self, message: ConsensusMessage) -> None:
        """Send a consensus message to every honest validator."""
        self.send(Channel.CONSENSUS, encode(message))

    def view(self) -> View:
        """A view that the honest validators are about to enter."""
        return View(max(self.network.status(node)["view"] for node in HONEST) + 5)

    def proposal(self, payload: int) -> Proposal:
        """A proposal of a payload that nobody has."""
        view = self.view()
        return Proposal(Epoch(0), view, View(view - 1), Digest(bytes([payload]) * 32))

    def notarize(self, proposal: Proposal) -> Notarize:
        """A well signed vote."""
        message = signed_message(Notarize, self.genesis, proposal)
        return Notarize(proposal, SEAT, self.keys.consensus.sign(message))

    async def connected(self) -> None:
        """Wait until all honest validators talk to us."""
        await _until(
            lambda: all(
                peer.state is ConnectionState.CONNECTED
                for peer in self.transport.status().peers.values()
            ),
            "a connection to every validator",
        )


async def _until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {WAIT_SECONDS:.0f} s"
        await asyncio.sleep(0.2)


def _rejected(where: str, reason: str) -> Count:
    """Rejections of a kind, as a status shows them."""

    def count(status: dict[str, Any]) -> int:
        counts = status["rejected"][where]
        return sum(number for text, number in counts.items() if text.startswith(reason))

    return count


def _config(network: LiveNetwork) -> TransportConfig:
    node = network.session.network.nodes[SEAT]
    genesis = network.session.network.genesis
    keys = [validator.network_key for validator in genesis.validators]
    return TransportConfig(
        index=SEAT,
        network_seed=ValidatorKeys(node.seed_file.read_bytes()).network_seed,
        listen_host=node.listen.host,
        listen_port=node.listen.port,
        peers=tuple(
            PeerAddress(peer.index, keys[peer.index], peer.host, peer.port) for peer in node.peers
        ),
        genesis_digest=genesis_digest(genesis),
    )


@pytest.fixture(scope="module")
def empty_seat(network: LiveNetwork) -> Iterator[LiveNetwork]:
    """Validator 3 is stopped for these tests; afterwards it catches up and takes part again."""
    process = network.process_of(SEAT, "validator")
    handles = network.session.nodes[SEAT]
    ray.kill(handles.validator, no_restart=True)
    wait_until_gone({process})
    yield network

    def create() -> Any:
        try:
            return create_validator(handles.config)
        except ValueError:
            return None  # Ray has not given the name free yet.

    validator = wait_until(create, "a new validator 3")
    ray.get(validator.ready.remote(), timeout=WAIT_SECONDS)
    network.replace_validator(SEAT, validator)
    network.wait_until_agree()


@pytest.fixture(autouse=True)
def agreement(empty_seat: LiveNetwork) -> Iterator[None]:
    """After whatever the seat has done, the others agree and go on."""
    yield
    empty_seat.wait_until_agree(*HONEST)


@pytest.fixture
async def seat(empty_seat: LiveNetwork) -> AsyncIterator[Seat]:
    """The seat of validator 3, connected to all others."""
    node = empty_seat.session.network.nodes[SEAT]
    genesis = empty_seat.session.network.genesis
    transport = Libp2pTransport(_config(empty_seat))
    await transport.start()
    seat = Seat(
        empty_seat,
        transport,
        ValidatorKeys(node.seed_file.read_bytes()),
        genesis_digest(genesis),
        genesis.chain(ChainRole.ZK).chain_id,
    )
    await seat.connected()
    yield seat
    await transport.close()


async def _assert_counted(seat: Seat, count: Count, attack: Callable[[], None]) -> None:
    before = [count(seat.network.status(node)) for node in HONEST]

    def is_counted() -> bool:
        # Again each time: after the garbage of another test nobody hears us for a second.
        attack()
        return all(
            count(seat.network.status(node)) > then
            for node, then in zip(HONEST, before, strict=True)
        )

    await _until(is_counted, "a count at every validator")
    assert all(seat.network.status(node)["convicted"] == [] for node in HONEST)


@pytest.mark.parametrize(
    ("channel", "where", "reason"),
    [
        (Channel.CONSENSUS, "consensus", "malformed consensus message"),
        (Channel.ATTESTATION, "attestations", "malformed attestation"),
        (Channel.TRANSACTIONS, "transactions", "malformed batch"),
        (Channel.PAYLOAD, "payloads", "malformed payload"),
        (Channel.BACKFILL, "backfill", "malformed backfill message"),
    ],
    ids=lambda value: value.name if isinstance(value, Channel) else "",
)
async def test_garbage_on_a_channel_is_counted(
    seat: Seat, channel: Channel, where: str, reason: str
) -> None:
    random = Random(channel.value)

    def attack() -> None:
        for _ in range(GARBAGE_MESSAGES):
            seat.send(channel, random.randbytes(random.randrange(1, 2_000)))

    await _assert_counted(seat, _rejected(where, reason), attack)


async def test_valid_messages_with_flipped_bits_are_harmless(seat: Seat) -> None:
    random = Random(7)
    vote = encode(seat.notarize(seat.proposal(1)))
    batch = encode(TransactionBatch(ChainRole.ZK, (b"\x02" * 100,)))

    def attack() -> None:
        for _ in range(GARBAGE_MESSAGES):
            for channel, raw in ((Channel.CONSENSUS, vote), (Channel.TRANSACTIONS, batch)):
                mutated = bytearray(raw)
                mutated[random.randrange(len(raw))] ^= 1 << random.randrange(8)
                seat.send(channel, bytes(mutated))

    await _assert_counted(seat, _rejected("consensus", "malformed"), attack)


async def test_contradicting_votes_with_wrong_signatures_are_counted_and_convict_nobody(
    seat: Seat,
) -> None:
    def attack() -> None:
        first = replace(seat.notarize(seat.proposal(2)), signature=UNSIGNED)
        other = replace(first, proposal=replace(first.proposal, payload=Digest(bytes(32))))
        seat.vote(first)
        seat.vote(other)

    await _assert_counted(seat, _rejected("consensus", Fault.BAD_SIGNATURE.value), attack)


async def test_a_vote_in_another_s_name_is_counted(seat: Seat) -> None:
    def attack() -> None:
        seat.vote(replace(seat.notarize(seat.proposal(3)), signer=ValidatorIndex(1)))

    await _assert_counted(seat, _rejected("consensus", Fault.FOREIGN_VOTE.value), attack)


async def test_a_forged_certificate_is_counted_and_finalizes_nothing(seat: Seat) -> None:
    def attack() -> None:
        seat.vote(Finalization(seat.proposal(4), b"\x07", (UNSIGNED,) * 3))

    await _assert_counted(seat, _rejected("consensus", Fault.BAD_CERTIFICATE.value), attack)


async def test_a_forged_attestation_is_counted_by_the_bridges(seat: Seat) -> None:
    number = seat.network.status(0)["chains"]["zk"]["certified_number"] + 8
    nothing = EvmHash(bytes(32))
    checkpoint = Checkpoint(
        seat.chain_id, BlockNumber(number), nothing, nothing, nothing, nothing, nothing, 0
    )
    forged = Attestation(checkpoint, ValidatorIndex(1), BlsSignature(b"\x99" * 96))

    def counts() -> list[int]:
        bridges = [seat.network.session.nodes[node].bridge for node in HONEST]
        statuses = ray.get([bridge.status.remote() for bridge in bridges])
        return [status["rejected"].get("NotTheSigner", 0) for status in statuses]

    before = counts()
    seat.send(Channel.ATTESTATION, encode(forged))
    await _until(
        lambda: all(now > then for now, then in zip(counts(), before, strict=True)),
        "a count at every bridge",
    )


async def test_transactions_that_are_none_are_counted(seat: Seat) -> None:
    batch = encode(TransactionBatch(ChainRole.FAST, (b"\x02\xc0", b"\xff" * 64, b"\x7f")))

    def count(status: dict[str, Any]) -> int:
        return sum(status["rejected"]["transactions"].values())

    await _assert_counted(seat, count, lambda: seat.send(Channel.TRANSACTIONS, batch))


async def test_history_that_nobody_asked_for_is_counted(seat: Seat) -> None:
    forged = Finalization(seat.proposal(5), b"\x07", (UNSIGNED,) * 3)
    response = encode(HistoryResponse((b"no block",), (), forged))
    await _assert_counted(
        seat, _rejected("backfill", ""), lambda: seat.send(Channel.BACKFILL, response)
    )


async def test_an_oversized_message_costs_the_connection_and_is_counted(seat: Seat) -> None:
    limit = POLICIES[Channel.CONSENSUS].maximum_message_bytes

    def count(status: dict[str, Any]) -> int:
        violations: int = status["peers"][str(SEAT)]["violations"]
        return violations

    def attack() -> None:
        for link in seat.transport._links.values():
            link.queue(Channel.CONSENSUS, bytes(limit + 1))
        seat.send(Channel.ATTESTATION, b"pumps the queues")

    await _assert_counted(seat, count, attack)


def _seed_that_dials(network: LiveNetwork) -> bytes:
    """A stranger's seed with a lower peer id than all validators': the lower one dials."""
    validators = network.session.network.genesis.validators
    lowest = min(_peer_id(validator.network_key) for validator in validators)
    for number in count():
        seed = sha256(b"stranger %d" % number).digest()
        if _peer_id(Ed25519Signer(seed).public_key) < lowest:
            return seed
    raise AssertionError("unreachable")


def _peer_id(public_key: bytes) -> bytes:
    return bytes(peer_id_from_public_key(public_key).to_bytes())


async def test_a_stranger_s_key_is_refused_and_counted(empty_seat: LiveNetwork) -> None:
    config = replace(_config(empty_seat), network_seed=_seed_that_dials(empty_seat), listen_port=0)
    stranger = Libp2pTransport(config)
    await stranger.start()
    before = [empty_seat.status(node)["rejected_connections"] for node in HONEST]

    def is_counted() -> bool:
        now = [empty_seat.status(node)["rejected_connections"] for node in HONEST]
        return all(number > then for number, then in zip(now, before, strict=True))

    await _until(is_counted, "a refusal by every validator")
    states = {peer.state for peer in stranger.status().peers.values()}
    assert ConnectionState.CONNECTED not in states
    await stranger.close()


async def test_a_validator_of_another_genesis_is_refused(empty_seat: LiveNetwork) -> None:
    lost = Libp2pTransport(replace(_config(empty_seat), genesis_digest=secrets.token_bytes(32)))
    await lost.start()

    def reasons() -> list[str]:
        statuses = [empty_seat.status(node) for node in HONEST]
        return [str(status["peers"][str(SEAT)]["last_disconnect_reason"]) for status in statuses]

    await _until(lambda: any("genesis" in reason for reason in reasons()), "a refusal")
    states = {peer.state for peer in lost.status().peers.values()}
    assert ConnectionState.CONNECTED not in states
    await lost.close()


async def test_silence_stops_nobody_and_is_no_offence(seat: Seat) -> None:
    before = [seat.network.status(node)["final_height"] for node in HONEST]
    for node, height in zip(HONEST, before, strict=True):
        await _until(
            lambda node=node, height=height: seat.network.status(node)["final_height"] > height + 3,
            "three more blocks without validator 3",
        )
    assert all(seat.network.status(node)["convicted"] == [] for node in HONEST)


async def test_two_votes_in_one_view_convict_their_signer_on_the_ledger(seat: Seat) -> None:
    proposal = seat.proposal(8)
    other = replace(proposal, payload=Digest(bytes([9]) * 32))
    seat.vote(seat.notarize(proposal))
    seat.vote(seat.notarize(other))
    await _until(
        lambda: all(seat.network.status(node)["convicted"] == [SEAT] for node in HONEST),
        "a conviction at every validator",
    )
    (evidence,) = seat.network.rpc(0).result("braid_evidence", 10)
    assert evidence["culprit"] == SEAT
    assert evidence["evidence"]["type"] == "ConflictingNotarize"
    (validator,) = [
        entry for entry in seat.network.rpc(1).result("braid_validators") if entry["index"] == SEAT
    ]
    assert validator["is_convicted"]
