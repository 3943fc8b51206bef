"""Attestations become certificates; wrong and diverging ones get their signers' names."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from bridge_world import (
    FAST,
    GENESIS,
    KEYS,
    VALIDATORS,
    ZK,
    LedgerWorld,
    attest,
    checkpoint_of,
    index,
    root,
)

from bridge.attestations import (
    WINDOW_AHEAD,
    WINDOW_BEHIND,
    AttestationPool,
    CheckpointCertified,
    Divergence,
    InvalidAttestation,
    PoolEvent,
)
from bridge.errors import DuplicateAttestation, NotTheSigner, OutsideWindow
from ledger.crossing import Attestation, Checkpoint
from ledger.types import BlockNumber, BlsSignature, ChainId

FAST_ID = GENESIS.chain(FAST).chain_id


@pytest.fixture
def pool() -> AttestationPool:
    return AttestationPool(VALIDATORS, [chain.chain_id for chain in GENESIS.chains])


@pytest.fixture
def honest() -> Checkpoint:
    world = LedgerWorld()
    for _ in range(4):
        world.push(FAST)
    return checkpoint_of(world.state, FAST, 4)


@pytest.fixture
def lie(honest: Checkpoint) -> Checkpoint:
    return replace(honest, state_root=root("lie"))


def badly_signed(checkpoint: Checkpoint, signer: int) -> Attestation:
    other = replace(checkpoint, state_root=root("something else"))
    return replace(attest(checkpoint, signer), signature=attest(other, signer).signature)


def add_all(pool: AttestationPool, attestations: Iterable[Attestation]) -> list[PoolEvent]:
    return [event for entry in attestations for event in pool.add(entry, entry.signer)]


def test_a_quorum_of_equal_attestations_is_certified_once(
    pool: AttestationPool, honest: Checkpoint
) -> None:
    assert add_all(pool, [attest(honest, 2), attest(honest, 0)]) == []
    (event,) = add_all(pool, [attest(honest, 3)])
    assert isinstance(event, CheckpointCertified)
    assert VALIDATORS.verify_checkpoint(event.certificate) == (0, 2, 3)
    assert add_all(pool, [attest(honest, 1)]) == []


def test_less_than_a_quorum_is_never_certified(
    pool: AttestationPool, honest: Checkpoint, lie: Checkpoint
) -> None:
    events = add_all(pool, [attest(honest, 0), attest(honest, 1), attest(lie, 2)])
    assert not any(isinstance(event, CheckpointCertified) for event in events)


def test_nothing_is_verified_before_it_matters(
    pool: AttestationPool, honest: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[int] = []
    real = AttestationPool._is_aggregate_right

    def counting(self: AttestationPool, attestations: list[Attestation], message: bytes) -> bool:
        checks.append(len(attestations))
        return real(self, attestations, message)

    monkeypatch.setattr(AttestationPool, "_is_aggregate_right", counting)
    add_all(pool, [attest(honest, 0), attest(honest, 1)])
    assert checks == []
    add_all(pool, [attest(honest, 2), attest(honest, 3)])
    assert checks == [3]


@pytest.mark.parametrize("liar", [0, 1, 2])
def test_a_wrong_signature_is_named_and_the_rest_still_count(
    pool: AttestationPool, honest: Checkpoint, liar: int
) -> None:
    first = [
        badly_signed(honest, signer) if signer == liar else attest(honest, signer)
        for signer in range(3)
    ]
    assert add_all(pool, first) == [InvalidAttestation(FAST_ID, BlockNumber(4), index(liar))]
    (event,) = add_all(pool, [attest(honest, 3)])
    assert isinstance(event, CheckpointCertified)
    assert liar not in VALIDATORS.verify_checkpoint(event.certificate)


@pytest.mark.parametrize(
    "garbage",
    [BlsSignature(bytes(96)), BlsSignature(b"\xc0" + bytes(95)), BlsSignature(b"\xff" * 96)],
)
def test_a_signature_that_is_no_point_or_the_identity_is_named(
    pool: AttestationPool, honest: Checkpoint, garbage: BlsSignature
) -> None:
    bad = replace(attest(honest, 1), signature=garbage)
    events = add_all(pool, [attest(honest, 0), bad, attest(honest, 2)])
    assert events == [InvalidAttestation(FAST_ID, BlockNumber(4), index(1))]


def test_all_wrong_signatures_are_found(pool: AttestationPool, honest: Checkpoint) -> None:
    bad = [badly_signed(honest, 0), badly_signed(honest, 1), attest(honest, 2)]
    named = [event.signer for event in add_all(pool, bad) if isinstance(event, InvalidAttestation)]
    assert named == [0, 1]


def test_a_liar_among_an_honest_quorum_is_named(
    pool: AttestationPool, honest: Checkpoint, lie: Checkpoint
) -> None:
    events = add_all(pool, [attest(honest, signer) for signer in range(3)] + [attest(lie, 3)])
    divergence = events[-1]
    assert isinstance(divergence, Divergence)
    assert divergence.certified == honest
    assert divergence.groups == ((honest, (0, 1, 2)), (lie, (3,)))
    assert divergence.dissenters == (3,)


def test_an_early_liar_is_named_as_soon_as_a_quorum_has_spoken(
    pool: AttestationPool, honest: Checkpoint, lie: Checkpoint
) -> None:
    assert add_all(pool, [attest(lie, 3), attest(honest, 0)]) == []
    (divergence,) = add_all(pool, [attest(honest, 1)])
    assert isinstance(divergence, Divergence)
    assert divergence.certified is None
    assert divergence.dissenters == ()
    certified, named = add_all(pool, [attest(honest, 2)])
    assert isinstance(certified, CheckpointCertified)
    assert isinstance(named, Divergence)
    assert named.dissenters == (3,)


def test_an_even_split_is_divergence_without_a_certificate(
    pool: AttestationPool, honest: Checkpoint, lie: Checkpoint
) -> None:
    events = add_all(pool, [attest(honest, 0), attest(honest, 1), attest(lie, 2), attest(lie, 3)])
    assert all(isinstance(event, Divergence) for event in events)
    last = events[-1]
    assert isinstance(last, Divergence)
    assert (last.certified, last.groups) == (None, ((honest, (0, 1)), (lie, (2, 3))))


def test_a_wrongly_signed_value_makes_no_divergence(
    pool: AttestationPool, honest: Checkpoint, lie: Checkpoint
) -> None:
    """Else anybody could have a validator named by writing its name under a lie."""
    events = add_all(pool, [attest(honest, signer) for signer in range(3)] + [badly_signed(lie, 3)])
    assert [type(event) for event in events] == [CheckpointCertified, InvalidAttestation]


def test_only_the_signer_itself_brings_its_attestation(
    pool: AttestationPool, honest: Checkpoint
) -> None:
    with pytest.raises(NotTheSigner):
        pool.add(attest(honest, 0), index(1))
    beyond = replace(attest(honest, 0), signer=index(4))
    with pytest.raises(NotTheSigner):
        pool.add(beyond, index(4))
    pool.add(attest(honest, 0), index(0))


def test_a_signer_has_one_attestation_per_block(
    pool: AttestationPool, honest: Checkpoint, lie: Checkpoint
) -> None:
    add_all(pool, [badly_signed(honest, 0), attest(honest, 1), attest(honest, 2)])
    for again in (attest(honest, 0), attest(lie, 0), attest(honest, 1)):
        with pytest.raises(DuplicateAttestation):
            pool.add(again, again.signer)


def test_the_window_follows_the_ledger(pool: AttestationPool, honest: Checkpoint) -> None:
    pool.advance(FAST_ID, BlockNumber(1000))
    too_old, too_far = 1000 - WINDOW_BEHIND, 1001 + WINDOW_AHEAD
    for number in (0, too_old, too_far):
        with pytest.raises(OutsideWindow):
            add_all(pool, [attest(replace(honest, number=BlockNumber(number)), 0)])
    for number in (too_old + 1, too_far - 1):
        add_all(pool, [attest(replace(honest, number=BlockNumber(number)), 0)])
    with pytest.raises(OutsideWindow):
        add_all(pool, [attest(replace(honest, chain_id=ChainId(5)), 0)])


def test_memory_is_bounded_by_the_window(pool: AttestationPool, honest: Checkpoint) -> None:
    signature = attest(honest, 0).signature
    for number in range(1, 2 * WINDOW_AHEAD):
        value = replace(honest, number=BlockNumber(number))
        try:
            pool.add(Attestation(value, index(0), signature), index(0))
        except OutsideWindow:
            assert number > WINDOW_AHEAD
    assert pool.attestation_count() == WINDOW_AHEAD
    pool.advance(FAST_ID, BlockNumber(WINDOW_AHEAD))
    assert pool.attestation_count() == WINDOW_BEHIND


def test_chains_do_not_mix(pool: AttestationPool, honest: Checkpoint) -> None:
    other = replace(honest, chain_id=GENESIS.chain(ZK).chain_id)
    assert add_all(pool, [attest(honest, 0), attest(honest, 1), attest(other, 2)]) == []


def test_a_replay_starts_with_an_empty_pool(pool: AttestationPool, honest: Checkpoint) -> None:
    add_all(pool, [attest(honest, 0), attest(honest, 1)])
    pool.restart_after(FAST_ID, BlockNumber(2))
    replayed = replace(honest, ledger_digest=root("replayed"))
    events = add_all(pool, [attest(replayed, signer) for signer in range(3)])
    assert [type(event) for event in events] == [CheckpointCertified]


def test_an_attestation_binds_the_network(pool: AttestationPool, honest: Checkpoint) -> None:
    foreign = KEYS[1].checkpoint.sign(b"another network" + bytes(32))
    wrong = replace(attest(honest, 1), signature=foreign)
    events = add_all(pool, [attest(honest, 0), wrong, attest(honest, 2)])
    assert events == [InvalidAttestation(FAST_ID, BlockNumber(4), index(1))]
