"""One node's bridge: what it signs, collects, matches, and gives again."""

from dataclasses import replace

import pytest

from actors.bridge.desk import BridgeDesk
from actors.execution_messages import BridgeAnswer, ExecutedBlock, FinalBlock
from cluster.dev_genesis import dev_genesis
from ledger.crossing import Attestation, Message
from ledger.errors import SignatureError
from ledger.keys import ValidatorKeys
from ledger.membership import Member
from ledger.types import (
    BlockNumber,
    ChainRole,
    Digest,
    Epoch,
    EvmAddress,
    EvmHash,
    TimestampMs,
    ValidatorIndex,
)
from ledger.validators import ValidatorSet

KEYS = [ValidatorKeys(bytes([index + 1]) * 32) for index in range(4)]
GENESIS = dev_genesis(KEYS, TimestampMs(1_700_000_000_000))
ZK = GENESIS.chain(ChainRole.ZK).chain_id


def message(nonce: int) -> Message:
    target = EvmAddress(b"\x12" * 20)
    return Message(ZK, nonce, EvmAddress(bytes(20)), target, 1, 50_000, b"")


def final_block(
    number: int, *, root: bytes = b"\x01", ledger: bytes = b"\x02", messages: int = 0
) -> FinalBlock:
    executed = ExecutedBlock(
        role=ChainRole.ZK,
        number=BlockNumber(number),
        digest=Digest(ledger * 32),
        block_hash=EvmHash(b"\x03" * 32),
        state_root=EvmHash(root * 32),
        receipts_root=EvmHash(b"\x04" * 32),
        messages=tuple(message(nonce) for nonce in range(messages)),
        next_message_nonce=messages,
        account_nonces={},
    )
    return FinalBlock(executed, Digest(ledger * 32))


@pytest.fixture
def desks() -> list[BridgeDesk]:
    return [BridgeDesk(GENESIS, KEYS[index]) for index in range(4)]


def attestation_of(desk: BridgeDesk, block: FinalBlock) -> Attestation:
    (attestation,) = desk.attest([block]).attestations
    return attestation


def collect(desk: BridgeDesk, *attestations: Attestation) -> BridgeAnswer:
    return desk.collect([(attestation.signer, attestation) for attestation in attestations])


def test_a_quorum_of_equal_attestations_is_a_valid_certificate(desks: list[BridgeDesk]) -> None:
    block = final_block(1, messages=2)
    desks[0].attest([block])
    answer = collect(desks[0], *(attestation_of(desk, block) for desk in desks[1:3]))
    (certified,) = answer.certified
    assert certified.messages == block.executed.messages
    assert desks[3].verify([certified.certificate])


def test_two_attestations_of_four_are_no_certificate(desks: list[BridgeDesk]) -> None:
    block = final_block(1)
    desks[0].attest([block])
    assert collect(desks[0], attestation_of(desks[1], block)).certified == ()


def test_a_certificate_with_another_signature_is_not_valid(desks: list[BridgeDesk]) -> None:
    block = final_block(1)
    desks[0].attest([block])
    answer = collect(desks[0], *(attestation_of(desk, block) for desk in desks[1:3]))
    other = attestation_of(desks[3], block)
    forged = replace(answer.certified[0].certificate, signature=other.signature)
    assert not desks[3].verify([forged])


def test_a_wrong_signature_is_named_and_the_rest_certifies(desks: list[BridgeDesk]) -> None:
    block = final_block(1)
    desks[0].attest([block])
    wrong = replace(
        attestation_of(desks[1], block), signature=attestation_of(desks[2], block).signature
    )
    assert collect(desks[0], wrong).rejected == ()
    answer = collect(desks[0], attestation_of(desks[2], block))
    assert answer.certified == ()
    assert answer.rejected == ("wrong signature",)
    assert len(collect(desks[0], attestation_of(desks[3], block)).certified) == 1


def test_an_executor_that_lies_is_reported_and_outvoted(desks: list[BridgeDesk]) -> None:
    honest, lie = final_block(1), final_block(1, root=b"\x66")
    desks[0].attest([honest])
    collect(desks[0], attestation_of(desks[1], lie))
    answer = collect(desks[0], *(attestation_of(desk, honest) for desk in desks[2:]))
    assert len(answer.certified) == 1
    assert answer.rejected == ("another result than the quorum's",)
    assert desks[0].divergences[-1].dissenters == (1,)


def test_what_is_not_settled_is_given_again_to_a_validator_that_restarted(
    desks: list[BridgeDesk],
) -> None:
    block = final_block(1, messages=1)
    desks[0].attest([block])
    first = collect(desks[0], *(attestation_of(desk, block) for desk in desks[1:3]))
    again = desks[0].attest([block])
    assert again.certified == first.certified
    assert len(again.attestations) == 1


def test_what_is_settled_is_forgotten(desks: list[BridgeDesk]) -> None:
    block = final_block(1, messages=1)
    desks[0].attest([block])
    collect(desks[0], *(attestation_of(desk, block) for desk in desks[1:3]))
    desks[0].settled({ChainRole.ZK: BlockNumber(1)})
    assert desks[0].attest([block]).certified == ()


def test_a_fresh_desk_certifies_what_is_offered_again(desks: list[BridgeDesk]) -> None:
    block = final_block(3000)
    fresh = BridgeDesk(GENESIS, KEYS[0])
    assert fresh.attest([block]).attestations == ()  # Far outside the window of a new one.
    for desk in (fresh, *desks):
        desk.settled({ChainRole.ZK: BlockNumber(2999)})
    fresh.attest([block])
    answer = collect(fresh, *(attestation_of(desk, block) for desk in desks[1:3]))
    assert len(answer.certified) == 1


def test_after_a_replay_a_block_is_attested_anew_and_the_old_word_counts_no_more(
    desks: list[BridgeDesk],
) -> None:
    old, new = final_block(2, root=b"\x66"), final_block(2, ledger=b"\x07")
    desks[0].attest([old])
    collect(desks[0], attestation_of(desks[1], old))
    for desk in desks:
        desk.restart_after(ChainRole.ZK, BlockNumber(1))
    assert desks[0].attest([new]).certified == ()
    answer = collect(desks[0], *(attestation_of(desk, new) for desk in desks[1:3]))
    (certified,) = answer.certified
    assert certified.certificate.checkpoint.ledger_digest == new.attested_digest


def test_an_attestation_from_another_than_its_signer_is_refused(desks: list[BridgeDesk]) -> None:
    attestation = attestation_of(desks[1], final_block(1))
    answer = desks[0].collect([(ValidatorIndex(2), attestation)])
    assert answer.rejected == ("NotTheSigner",)


def test_a_block_between_two_intervals_without_messages_is_not_attested() -> None:
    desk = BridgeDesk(GENESIS, KEYS[0])
    block = final_block(1)
    fast = replace(block, executed=replace(block.executed, role=ChainRole.FAST))
    assert desk.attest([fast]).attestations == ()


def next_epoch() -> tuple[ValidatorSet, ValidatorKeys]:
    """The set after validator 3 has got new keys, and those."""
    keys = ValidatorKeys(bytes([60]) * 32)
    first = ValidatorSet(GENESIS)
    member = Member(keys.genesis_entry("new"), "new.example:4000")
    return ValidatorSet.of_epoch(first.digest, Epoch(1), (*first.members[:3], member)), keys


def test_in_the_next_epoch_its_set_signs_what_the_old_one_has_signed(
    desks: list[BridgeDesk],
) -> None:
    block = final_block(1)
    old = collect(desks[0], *(attestation_of(desk, block) for desk in (desks[1], desks[3])))
    desks[0].attest([block])
    validators, keys = next_epoch()
    desks[0].begin_epoch(validators, KEYS[0])
    desks[3].begin_epoch(validators, KEYS[3], keys)
    desks[1].begin_epoch(validators, KEYS[1])
    assert old.certified == ()
    desks[0].attest([block])
    answer = collect(desks[0], *(attestation_of(desk, block) for desk in (desks[1], desks[3])))
    (certified,) = answer.certified
    validators.verify_checkpoint(certified.certificate)
    with pytest.raises(SignatureError):
        ValidatorSet(GENESIS).verify_checkpoint(certified.certificate)
    assert not desks[2].verify([certified.certificate])


def test_a_desk_without_a_validator_in_the_epoch_attests_nothing(desks: list[BridgeDesk]) -> None:
    validators, _ = next_epoch()
    desks[3].begin_epoch(validators, KEYS[3])
    assert desks[3].attest([final_block(1)]).attestations == ()


def test_the_window_of_attestations_outlives_the_epoch(desks: list[BridgeDesk]) -> None:
    desks[0].settled({ChainRole.ZK: BlockNumber(5_000), ChainRole.FAST: BlockNumber(0)})
    validators, _ = next_epoch()
    desks[0].begin_epoch(validators, KEYS[0])
    assert len(desks[0].attest([final_block(5_008, messages=1)]).attestations) == 1
