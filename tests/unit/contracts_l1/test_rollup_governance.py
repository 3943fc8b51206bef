"""What can be changed is announced first; nobody is faster than the escape hatch."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.l1 import (
    BatchStatus,
    created_address,
    encode_key,
    encode_signature,
    l1_artifact,
)
from contracts.l1.deployment import rollup_init_code
from execution.types import Address
from ledger.bls import BlsSigner
from ledger.hashing import keccak
from tests.support.engine_chain import Key
from tests.support.rollup_world import (
    ALICE,
    DEPLOYER,
    ESCAPE_SECONDS,
    GENESIS_DIGEST,
    GUARDIAN,
    MALLORY,
    OWNER,
    POSTER,
    TIMELOCK_SECONDS,
    RollupWorld,
    prove_arguments,
)

VERIFIER, REGISTRY, INFLOW_CAP, MINT_CAP, NEW_OWNER, NEW_GUARDIAN = range(1, 7)
ETH = Address(bytes(20))
ANOTHER = Address(keccak(b"another verifier")[12:])
DAY = 86_400


def change(world: RollupWorld, kind: int, target: Address, first: int = 0, second: int = 0) -> None:
    """Propose a change, wait, and execute it."""
    world.rollup.must(OWNER, "propose", kind, target, first, second)
    world.l1.pass_time(TIMELOCK_SECONDS)
    world.rollup.must(OWNER, "execute", kind, target, first, second)


# ---- THE TIMELOCK ----


def test_a_change_holds_after_the_timelock(world: RollupWorld) -> None:
    outcome = world.rollup.must(OWNER, "propose", VERIFIER, ANOTHER, 0, 0)
    (event,) = world.rollup.events(outcome, "ChangeProposed")
    assert event["executable_at"] == world.l1.now_seconds + TIMELOCK_SECONDS
    world.l1.pass_time(TIMELOCK_SECONDS - 1)
    assert world.rollup.refusal(OWNER, "execute", VERIFIER, ANOTHER, 0, 0) == (
        "governance: the timelock runs"
    )
    world.l1.pass_time(1)
    world.rollup.must(OWNER, "execute", VERIFIER, ANOTHER, 0, 0)
    assert world.rollup.view("verifier") == "0x" + ANOTHER.hex()
    assert world.rollup.view("generation") == 1


@pytest.mark.parametrize(
    "proposal",
    [
        (VERIFIER, MALLORY.address, 0, 0),
        (INFLOW_CAP, ETH, 10**30, 10**30),
        (MINT_CAP, ETH, 10**9, 0),
        (NEW_OWNER, MALLORY.address, 0, 0),
        (NEW_GUARDIAN, MALLORY.address, 0, 0),
    ],
)
def test_a_malicious_owner_cannot_bypass_the_timelock(
    world: RollupWorld, proposal: tuple[Any, ...]
) -> None:
    not_proposed = "governance: not proposed"
    assert world.rollup.refusal(OWNER, "execute", *proposal) == not_proposed
    world.rollup.must(OWNER, "propose", *proposal)
    assert world.rollup.refusal(OWNER, "execute", *proposal) == "governance: the timelock runs"
    # What was announced for long cannot be exchanged for something else.
    world.l1.pass_time(TIMELOCK_SECONDS)
    kind, target, first, second = proposal
    for other in (
        (kind, ANOTHER, first, second),
        (kind, target, first + 1, second),
        (kind, target, first, second + 1),
        (kind % 6 + 1, target, first, second),
    ):
        assert world.rollup.refusal(OWNER, "execute", *other) == not_proposed
    world.rollup.must(OWNER, "execute", *proposal)
    assert world.rollup.refusal(world_owner(world), "execute", *proposal) == not_proposed


def world_owner(world: RollupWorld) -> Key:
    """Whoever owns the Rollup now."""
    return MALLORY if world.rollup.view("owner") == "0x" + MALLORY.address.hex() else OWNER


@pytest.mark.parametrize("key", [ALICE, MALLORY, GUARDIAN, POSTER])
def test_only_the_owner_proposes_and_executes(world: RollupWorld, key: Key) -> None:
    refused = "governance: caller is not the owner"
    proposal = (NEW_OWNER, key.address, 0, 0)
    assert world.rollup.refusal(key, "propose", *proposal) == refused
    world.rollup.must(OWNER, "propose", *proposal)
    world.l1.pass_time(TIMELOCK_SECONDS)
    assert world.rollup.refusal(key, "execute", *proposal) == refused


def test_a_change_lapses(world: RollupWorld) -> None:
    world.rollup.must(OWNER, "propose", VERIFIER, ANOTHER, 0, 0)
    assert world.rollup.refusal(OWNER, "propose", VERIFIER, ANOTHER, 0, 0) == (
        "governance: already proposed"
    )
    world.l1.pass_time(2 * TIMELOCK_SECONDS + 1)
    assert world.rollup.refusal(OWNER, "execute", VERIFIER, ANOTHER, 0, 0) == (
        "governance: the proposal has lapsed"
    )
    change(world, VERIFIER, ANOTHER)


def test_owner_and_guardian_take_a_change_back(world: RollupWorld) -> None:
    for key in (OWNER, GUARDIAN):
        outcome = world.rollup.must(OWNER, "propose", VERIFIER, ANOTHER, 0, 0)
        (event,) = world.rollup.events(outcome, "ChangeProposed")
        assert world.rollup.refusal(MALLORY, "cancel", event["change"]) == (
            "governance: caller is neither owner nor guardian"
        )
        world.rollup.must(key, "cancel", event["change"])
        world.l1.pass_time(TIMELOCK_SECONDS)
        assert world.rollup.refusal(OWNER, "execute", VERIFIER, ANOTHER, 0, 0) == (
            "governance: not proposed"
        )


@pytest.mark.parametrize("kind", [0, 7, 2**255])
def test_there_are_six_kinds_of_change(world: RollupWorld, kind: int) -> None:
    assert world.rollup.refusal(OWNER, "propose", kind, ANOTHER, 0, 0) == (
        "governance: unknown kind"
    )


def test_users_are_faster_than_a_malicious_verifier(world: RollupWorld) -> None:
    """Owner and validators together: whoever sees the proposal is out before it holds."""
    world.rollup.must(OWNER, "propose", VERIFIER, MALLORY.address, 0, 0)
    world.enqueue(world.rollup.must(ALICE, "force_transaction", b"let me out"))
    world.l1.pass_time(ESCAPE_SECONDS + 1)
    world.rollup.must(ALICE, "open_escape_hatch")
    assert world.rollup.refusal(OWNER, "execute", VERIFIER, MALLORY.address, 0, 0) == (
        "governance: the timelock runs"
    )
    account_proof, _ = world.proof(ALICE.address)
    world.exits.must(ALICE, "escape_balance", ALICE.address, ALICE.address, account_proof, b"")


@pytest.mark.parametrize(
    ("inclusion", "escape", "timelock"), [(10, 10, 20), (10, 20, 20), (20, 10, 30), (10, 30, 20)]
)
def test_deadlines_in_another_order_are_refused(
    world: RollupWorld, inclusion: int, escape: int, timelock: int
) -> None:
    wrong = replace(
        world.settings,
        inclusion_deadline_seconds=inclusion,
        escape_deadline_seconds=escape,
        timelock_seconds=timelock,
    )
    outcome = world.l1.transact(DEPLOYER, None, rollup_init_code(wrong))
    assert outcome.reason == "rollup: inclusion < escape < timelock is violated"


def test_zero_addresses_are_refused(world: RollupWorld) -> None:
    for kind in (VERIFIER, NEW_OWNER):
        world.rollup.must(OWNER, "propose", kind, ETH, 0, 0)
        world.l1.pass_time(TIMELOCK_SECONDS)
        assert world.rollup.refusal(OWNER, "execute", kind, ETH, 0, 0) == (
            "governance: zero address"
        )


@pytest.mark.parametrize("name", ["owner", "verifier", "registry"])
def test_no_rollup_is_deployed_for_nobody(name: str) -> None:
    """Deployed at the right nonce, so that nothing but the zero address is wrong."""
    world = RollupWorld(validator_count=1)
    nonce = world.l1.next_nonce(DEPLOYER)
    rollup = created_address(DEPLOYER.address, nonce + 1)
    exits = world.l1.deploy(DEPLOYER, l1_artifact("Exits"), rollup)
    wrong = replace(world.settings, exits=exits.address, **{name: ETH})
    outcome = world.l1.transact(DEPLOYER, None, rollup_init_code(wrong))
    assert outcome.reason == "governance: zero address"


# ---- CHANGES OF VERIFIER AND REGISTRY ----


def test_what_an_old_verifier_knew_does_not_count_any_more(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    world.commit(batch)
    world.prove(batch)
    change(world, VERIFIER, ANOTHER)
    stale = "batches: verifier or registry changed, commit anew"
    assert world.rollup.refusal(POSTER, "finalize_batch", batch.id, 0) == stale
    assert world.rollup.refusal(POSTER, "prove_batch", *prove_arguments(batch)) == stale
    world.rollup.must(POSTER, "commit_batch", *world.commit_arguments(batch))
    assert world.rollup.view("batch", batch.id)[0] == BatchStatus.COMMITTED
    change(world, VERIFIER, world.verifier)
    world.rollup.must(POSTER, "commit_batch", *world.commit_arguments(batch))
    world.prove(batch)
    world.finalize(batch)


def test_what_is_final_stays_final(world: RollupWorld) -> None:
    world.zk.block()
    first = world.settle()
    root = world.rollup.view("final_state_root")
    change(world, VERIFIER, ANOTHER)
    assert world.rollup.view("final_state_root") == root
    again = world.commit_arguments(first)
    assert world.rollup.refusal(POSTER, "commit_batch", *again) == "batches: already committed"
    change(world, VERIFIER, world.verifier)
    world.zk.block()
    world.settle()


def test_another_registry_takes_over_through_the_timelock(world: RollupWorld) -> None:
    newcomers = [BlsSigner(50_000 + index) for index in range(7)]
    registry = world.deploy_registry(newcomers, GENESIS_DIGEST)
    world.zk.block()
    batch = world.batch()
    world.commit(batch)
    change(world, REGISTRY, registry.address)
    old = world.commit_arguments(batch)
    assert world.rollup.refusal(POSTER, "commit_batch", *old) == "registry: no quorum"
    world.signers = newcomers
    certificate = world.certificate(batch.checkpoint, signers=range(5))
    world.rollup.must(POSTER, "commit_batch", old[0], old[1], *certificate, old[4])


def test_a_registry_that_counts_no_signer_certifies_nothing(world: RollupWorld) -> None:
    """A registry may answer instead of reverting: 1 to `is_sealed()`, 0 to all else."""
    code = bytes.fromhex("3660041460005260206000f3")
    raw = bytes.fromhex("6b") + code + bytes.fromhex("600052600c6014f3")
    created = world.l1.transact(DEPLOYER, None, raw)
    assert created.created is not None
    change(world, REGISTRY, created.created)
    world.zk.block()
    batch = world.batch()
    world.post(batch)
    commit = world.commit_arguments(batch)
    assert world.rollup.refusal(POSTER, "commit_batch", *commit) == "batches: no certificate"


def test_a_registry_that_is_not_sealed_is_refused(world: RollupWorld) -> None:
    registry = world.l1.deploy(DEPLOYER, l1_artifact("ValidatorRegistry"), GENESIS_DIGEST)
    signer = BlsSigner(9)
    key, possession = encode_key(signer.public_key), encode_signature(signer.prove_possession())
    registry.must(DEPLOYER, "register", key, possession)
    world.rollup.must(OWNER, "propose", REGISTRY, registry.address, 0, 0)
    world.l1.pass_time(TIMELOCK_SECONDS)
    assert world.rollup.refusal(OWNER, "execute", REGISTRY, registry.address, 0, 0) == (
        "governance: the registry is not sealed"
    )


def test_owner_and_guardian_change(world: RollupWorld) -> None:
    change(world, NEW_GUARDIAN, ALICE.address)
    assert world.rollup.refusal(GUARDIAN, "pause", 1) == "governance: caller is not the guardian"
    world.rollup.must(ALICE, "pause", 1)
    change(world, NEW_OWNER, ALICE.address)
    assert world.rollup.refusal(OWNER, "propose", MINT_CAP, ETH, 1, 0) == (
        "governance: caller is not the owner"
    )
    world.rollup.must(ALICE, "propose", MINT_CAP, ETH, 1, 0)


# ---- PAUSES ----


def test_a_pause_stops_batches_and_ends_by_itself(world: RollupWorld) -> None:
    world.zk.block()
    batch = world.batch()
    world.post(batch)
    world.rollup.must(GUARDIAN, "pause", DAY)
    for function, arguments in (
        ("commit_batch", world.commit_arguments(batch)),
        ("prove_batch", prove_arguments(batch)),
        ("finalize_batch", (batch.id, 0)),
    ):
        assert world.rollup.refusal(POSTER, function, *arguments) == "rollup: paused"
    world.l1.pass_time(DAY)
    world.settle(batch)


def test_only_the_guardian_pauses_and_not_for_long(world: RollupWorld) -> None:
    for key in (OWNER, MALLORY):
        assert world.rollup.refusal(key, "pause", 1) == "governance: caller is not the guardian"
    assert world.rollup.refusal(GUARDIAN, "pause", DAY + 1) == "governance: pause longer than a day"


def test_pauses_cannot_be_strung_together(world: RollupWorld) -> None:
    world.rollup.must(GUARDIAN, "pause", DAY)
    too_soon = "governance: the last pause was less than four days ago"
    assert world.rollup.refusal(GUARDIAN, "pause", DAY) == too_soon
    world.l1.pass_time(5 * DAY - 1)
    assert not world.rollup.view("is_paused")
    assert world.rollup.refusal(GUARDIAN, "pause", DAY) == too_soon
    world.l1.pass_time(1)
    world.rollup.must(GUARDIAN, "pause", DAY)


def test_owner_and_guardian_end_a_pause(world: RollupWorld) -> None:
    world.rollup.must(GUARDIAN, "pause", DAY)
    assert world.rollup.refusal(MALLORY, "unpause") == (
        "governance: caller is neither owner nor guardian"
    )
    world.rollup.must(OWNER, "unpause")
    world.deposit_eth(ALICE, 1)
    assert world.rollup.refusal(OWNER, "unpause") == "governance: not paused"
