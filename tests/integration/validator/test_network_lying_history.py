"""Catching up while one of the peers lies: it is named, and the others are enough."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from local_network import LocalNetwork
from long_ledger import write_long_ledger

from actors.messages import HistoryResponse, HistoryWindow
from actors.transport.interface import Channel
from actors.validator import history as history_module
from actors.validator.inspection import NodeInspector
from ledger.block import LedgerBlock, body_digest, seal
from ledger.codec import decode, encode
from ledger.types import Ed25519Signature, Height, View

LIAR, BEHIND = 0, 3
BLOCKS = 200
Lie = Callable[[HistoryResponse], bytes | None]
"""Makes what the liar sends in place of an honest answer; None for nothing."""


def _block(answer: HistoryResponse, index: int) -> LedgerBlock:
    return decode(answer.blocks[index], LedgerBlock, limit_bytes=1 << 22)


def another_body(answer: HistoryResponse) -> bytes:
    block = _block(answer, 1)
    body = replace(block.body, transactions=(b"\x02forged",))
    raw = encode(replace(block, body=body))
    return encode(replace(answer, blocks=(answer.blocks[0], raw, *answer.blocks[2:])))


def a_block_of_its_own(answer: HistoryResponse) -> bytes:
    block = _block(answer, -1)
    body = replace(block.body, transactions=(b"\x02forged",))
    own = seal(LedgerBlock(replace(block.header, body=body_digest(body)), body))
    return encode(replace(answer, blocks=(*answer.blocks[:-1], own.encoded)))


def a_gap(answer: HistoryResponse) -> bytes:
    return encode(replace(answer, blocks=(answer.blocks[0], *answer.blocks[2:])))


def no_blocks(answer: HistoryResponse) -> bytes:
    return encode(replace(answer, blocks=()))


def no_block_at_all(answer: HistoryResponse) -> bytes:
    return encode(replace(answer, blocks=(b"\x93\x0c\x00\x00", *answer.blocks[1:])))


def one_block_at_a_time(answer: HistoryResponse) -> bytes:
    headers = tuple(_block(answer, index).header for index in range(1, len(answer.blocks)))
    return encode(replace(answer, blocks=answer.blocks[:1], link=headers + answer.link))


def other_heights(answer: HistoryResponse) -> bytes:
    return encode(replace(answer, blocks=answer.blocks[1:]))


def a_certificate_of_another_view(answer: HistoryResponse) -> bytes:
    proposal = replace(answer.finalization.proposal, view=View(10**6))
    return encode(replace(answer, finalization=replace(answer.finalization, proposal=proposal)))


def a_certificate_of_two(answer: HistoryResponse) -> bytes:
    signatures = answer.finalization.signatures[:2]
    certificate = replace(answer.finalization, signers=b"\x03", signatures=signatures)
    return encode(replace(answer, finalization=certificate))


def an_unsigned_certificate(answer: HistoryResponse) -> bytes:
    signatures = (Ed25519Signature(bytes(64)),) * 3
    certificate = replace(answer.finalization, signatures=signatures)
    return encode(replace(answer, finalization=certificate))


def a_link_that_leads_nowhere(answer: HistoryResponse) -> bytes:
    return encode(replace(answer, link=(_block(answer, 0).header,)))


def garbage(answer: HistoryResponse) -> bytes:
    return b"\xdd\xff\xff\xff\xff" + bytes(4_000)


def silence(answer: HistoryResponse) -> None:
    return None


LIES: dict[Lie, str] = {
    another_body: "WrongBlocks",
    a_block_of_its_own: "WrongCertificate",
    a_gap: "WrongRange",
    no_blocks: "WrongBlocks",
    no_block_at_all: "WrongBlocks",
    one_block_at_a_time: "WrongRange",
    other_heights: "WrongRange",
    a_certificate_of_another_view: "WrongCertificate",
    a_certificate_of_two: "WrongCertificate",
    an_unsigned_certificate: "WrongCertificate",
    a_link_that_leads_nowhere: "WrongBlocks",
    garbage: "MalformedAnswer",
}


def turn(network: LocalNetwork, index: int, lie: Lie) -> None:
    """Have a running node tell a lie in each of its answers to the one that is behind."""
    transport = network.nodes[index].transport
    send = transport.send

    def lying(peer: int, channel: Channel, payload: bytes) -> None:
        is_answer = channel is Channel.BACKFILL and peer == BEHIND
        told: bytes | None = payload
        if is_answer:
            message = decode(payload, HistoryResponse, HistoryWindow, limit_bytes=len(payload))
            if isinstance(message, HistoryResponse):
                told = lie(message)
        if told is not None:
            send(peer, channel, told)

    transport.send = lying  # type: ignore[method-assign]


def faults(network: LocalNetwork) -> dict[str, dict[str, int]]:
    """What the node that was behind holds against whom, by peer id."""
    found = NodeInspector(network.nodes[BEHIND]).status()["catch_up"]["misbehaviour"]["peers"]
    return {entry["peer_id"]: entry["faults"] for entry in found.values()}


def lies(network: LocalNetwork) -> dict[str, set[str]]:
    """The same without silence, which a slow machine makes of anybody."""
    kinds = {peer: set(found) - {"PeerSilent"} for peer, found in faults(network).items()}
    return {peer: found for peer, found in kinds.items() if found}


def assert_same_ledger(network: LocalNetwork) -> None:
    assert network.digests(BEHIND, BLOCKS) == network.digests(1, BLOCKS)


RARE = (no_block_at_all, other_heights, a_certificate_of_another_view, a_certificate_of_two)
"""In the slow run only: each has a near relative in the quick one."""


@pytest.mark.parametrize(
    "lie",
    [pytest.param(lie, marks=pytest.mark.slow) if lie in RARE else lie for lie in LIES],
    ids=lambda lie: lie.__name__,
)
async def test_a_peer_that_lies_is_named_and_the_others_are_used(
    network: LocalNetwork, lie: Lie
) -> None:
    write_long_ledger(network, BLOCKS, 0, 1, 2)
    await network.start(0, 1, 2)
    turn(network, LIAR, lie)
    await network.start(BEHIND)
    await network.wait_for_height(BLOCKS, BEHIND)
    assert lies(network) == {f"memory-{LIAR}": {LIES[lie]}}
    assert_same_ledger(network)


async def test_a_peer_that_is_silent_is_named_and_the_others_are_used(
    network: LocalNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "ANSWER_SECONDS", 0.5)
    write_long_ledger(network, BLOCKS, 0, 1, 2)
    await network.start(0, 1, 2)
    turn(network, LIAR, silence)
    await network.start(BEHIND)
    await network.wait_for_height(BLOCKS, BEHIND)
    assert faults(network)[f"memory-{LIAR}"].keys() == {"PeerSilent"}
    assert_same_ledger(network)


async def test_without_any_liar_nobody_is_named(network: LocalNetwork) -> None:
    write_long_ledger(network, BLOCKS, 0, 1, 2)
    await network.start(0, 1, 2)
    await network.start(BEHIND)
    await network.wait_for_growth(3)
    assert lies(network) == {}
    assert_same_ledger(network)
    status = NodeInspector(network.nodes[BEHIND]).status()["catch_up"]
    assert status["fetched_blocks"] >= BLOCKS
    # Several peers had a part in it.
    served = [network.nodes[index].history_server.served_blocks for index in (0, 1, 2)]
    assert sum(count > 0 for count in served) >= 2


async def test_a_peer_that_claims_more_than_there_is_gains_nothing(network: LocalNetwork) -> None:
    write_long_ledger(network, BLOCKS, 0, 1, 2)
    await network.start(0, 1, 2)
    await network.start(BEHIND)
    network.inject(LIAR, BEHIND, Channel.BACKFILL, encode(HistoryWindow(Height(1), Height(10**12))))
    target = network.nodes[BEHIND].history.target_height()
    assert target is None or target < 10**6
    await network.wait_for_growth(3)
    assert_same_ledger(network)


async def test_an_endless_stream_of_answers_is_not_even_decoded_and_its_sender_named(
    network: LocalNetwork,
) -> None:
    write_long_ledger(network, BLOCKS, 0, 1, 2)
    await network.start(0, 1, 2)
    await network.start(BEHIND)
    await network.wait_for_growth(3)
    await network.wait_until(lambda: not network.nodes[BEHIND].history.status()["is_behind"])
    before = network.nodes[BEHIND].backfill.rejected.total()
    for count in range(400):
        network.inject(LIAR, BEHIND, Channel.BACKFILL, b"\xdd\xff\xff\xff\xff" + bytes(8_000))
        if count % 50 == 0:
            await network.wait_for_growth(1)
    await network.wait_until(lambda: network.nodes[BEHIND].backfill.rejected.total() > before + 8)
    named = faults(network)[f"memory-{LIAR}"]
    assert set(named) <= {"UnaskedAnswer", "MalformedAnswer"}
    await network.wait_for_growth(5)


async def test_one_honest_peer_is_enough_beside_a_liar_and_a_silent_one(
    network: LocalNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "ANSWER_SECONDS", 0.5)
    write_long_ledger(network, BLOCKS, 0, 1, 2)
    await network.start(0, 1, 2)
    turn(network, 0, a_certificate_of_two)
    turn(network, 1, silence)
    await network.start(BEHIND)
    await network.wait_for_height(BLOCKS, BEHIND)
    assert {"memory-0", "memory-1"} <= set(faults(network))
    assert network.digests(BEHIND, BLOCKS) == network.digests(2, BLOCKS)
