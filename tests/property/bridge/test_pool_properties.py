"""Attestations in any order from any mix of honest, lying and garbling validators."""

from dataclasses import replace
from functools import lru_cache

from bridge_world import FAST, GENESIS, VALIDATORS, LedgerWorld, attest, checkpoint_of, index, root
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.attestations import (
    AttestationPool,
    CheckpointCertified,
    Divergence,
    InvalidAttestation,
)
from ledger.crossing import Attestation, Checkpoint


@lru_cache
def checkpoint(version: int) -> Checkpoint:
    """The honest result (0) or one of two lies."""
    world = LedgerWorld()
    world.push(FAST)
    honest = checkpoint_of(world.state, FAST, 1)
    return honest if version == 0 else replace(honest, state_root=root(f"lie {version}"))


@lru_cache
def attestation(signer: int, version: int, is_signed: bool) -> Attestation:
    signed = attest(checkpoint(version), signer)
    if is_signed:
        return signed
    return replace(signed, signature=attest(checkpoint(version), (signer + 1) % 4).signature)


behaviours = st.tuples(st.integers(0, 2), st.booleans())


@settings(max_examples=80, deadline=None)
@given(st.permutations(range(4)), st.lists(behaviours, min_size=4, max_size=4))
def test_certificates_need_a_quorum_and_names_are_deserved(
    order: list[int], behaviour: list[tuple[int, bool]]
) -> None:
    pool = AttestationPool(VALIDATORS, [chain.chain_id for chain in GENESIS.chains])
    certified: list[Checkpoint] = []
    for signer in order:
        for event in pool.add(attestation(signer, *behaviour[signer]), index(signer)):
            if isinstance(event, CheckpointCertified):
                signers = VALIDATORS.verify_checkpoint(event.certificate)
                assert len(signers) >= VALIDATORS.quorum
                certified.append(event.certificate.checkpoint)
                for named in signers:
                    assert behaviour[named] == (versions(event.certificate.checkpoint), True)
            elif isinstance(event, InvalidAttestation):
                assert not behaviour[event.signer][1]
            elif isinstance(event, Divergence):
                assert len(event.groups) >= 2
                for value, signers in event.groups:
                    assert all(behaviour[named] == (versions(value), True) for named in signers)
    # What a quorum signed is certified, once, and nothing else is.
    honest_counts = [behaviour.count((version, True)) for version in range(3)]
    expected = [
        checkpoint(version)
        for version, count in enumerate(honest_counts)
        if count >= VALIDATORS.quorum
    ]
    assert certified == expected


def versions(value: Checkpoint) -> int:
    return next(version for version in range(3) if checkpoint(version) == value)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(4)), st.sampled_from(range(4)), behaviours)
def test_one_faulty_validator_neither_stops_nor_bends_the_checkpoint(
    order: list[int], faulty: int, behaviour: tuple[int, bool]
) -> None:
    pool = AttestationPool(VALIDATORS, [chain.chain_id for chain in GENESIS.chains])
    events = []
    for signer in order:
        entry = attestation(signer, *(behaviour if signer == faulty else (0, True)))
        events.extend(pool.add(entry, index(signer)))
    certificates = [entry for entry in events if isinstance(entry, CheckpointCertified)]
    assert [entry.certificate.checkpoint for entry in certificates] == [checkpoint(0)]
    named = {entry.signer for entry in events if isinstance(entry, InvalidAttestation)}
    for entry in events:
        if isinstance(entry, Divergence):
            named.update(entry.dissenters)
    assert named <= {faulty}
    is_lie_seen = behaviour[0] != 0 and behaviour[1]
    if is_lie_seen:
        assert named == {faulty}
