"""What a deployed verifier says about itself, what binds it, and the same session on py-evm."""

from __future__ import annotations

import pytest
from eth_abi.abi import decode
from evm_harness import Chain, account_address

from contracts.verifier.calls import cut
from contracts.verifier.deployment import data_contract, plan_deployment
from contracts.verifier.description import describe
from contracts.verifier.errors import SessionError, UnsplittableProofError, UnsupportedMachineError
from contracts.verifier.progress import read_progress
from contracts.verifier.rehearsal import RehearsalChain, RehearsedVerifier, deploy
from execution.types import Address
from ledger.hashing import keccak
from proving.parameters import Parameters
from tests.support.toy_machine import TESTING, TESTING_SETTLEMENT, toy_key
from tests.support.toy_settlement import settled_claim, settled_key


def view(verifier: RehearsedVerifier, signature: str, types: list[str]) -> tuple[object, ...]:
    return decode(types, verifier.view(keccak(signature.encode())[:4]))


@pytest.mark.parametrize("parameters", [TESTING, TESTING_SETTLEMENT], ids=lambda p: p.name)
def test_a_verifier_names_its_key_and_its_parameters(parameters: Parameters) -> None:
    key = settled_key(parameters).verifying_key
    verifier = deploy(RehearsalChain(), key)
    own = key.proof_parameters
    assert view(verifier, "verifyingKeyDigest()", ["bytes32"]) == (key.digest,)
    assert view(verifier, "preprocessedRoot()", ["bytes32"]) == (key.preprocessed_root,)
    assert view(verifier, "descriptionHash()", ["bytes32"]) == (keccak(describe(key)),)
    assert view(verifier, "parameters()", ["uint256"] * 7) == (
        own.log_blowup,
        own.query_count,
        own.lookup_grinding_bits,
        own.batching_grinding_bits,
        own.query_grinding_bits,
        own.log_final_length,
        own.max_log_arity,
    )


def test_programs_other_than_the_description_s_are_refused() -> None:
    plan = plan_deployment(settled_key().verifying_key)
    chain = RehearsalChain()
    (code,) = plan.programs
    honest = chain.create(code).receipt.contract_address
    other = chain.create(code[:-3] + b"\1" + code[-2:]).receipt.contract_address
    shorter = chain.create(data_contract(b"\1")).receipt.contract_address
    assert honest
    assert other
    assert shorter
    assert chain.send(None, plan.verifier([honest])).receipt.is_success
    # its bytes are right, but it could run, and so end itself and come again as another
    runnable = chain.create(code.replace(b"\x39\x5f\xf3\x00", b"\x39\x5f\xf3\x33", 1))
    assert runnable.receipt.contract_address
    lasting = runnable.receipt.contract_address
    for wrong in ([other], [shorter], [lasting], [Address(bytes(20))], []):
        assert not chain.send(None, plan.verifier(wrong)).receipt.is_success


def test_a_verifier_accepts_no_proof_of_another_key() -> None:
    claim = settled_claim(TESTING_SETTLEMENT)
    session = cut(claim.key, claim.encoded, claim.public_values)
    verifier = deploy(RehearsalChain(), settled_key(TESTING).verifying_key)
    assert not verifier.accepts(session)
    assert deploy(RehearsalChain(), claim.key).accepts(session)


def test_a_machine_with_other_public_values_is_refused() -> None:
    with pytest.raises(UnsupportedMachineError):
        describe(toy_key().verifying_key)


def test_a_proof_with_too_long_a_part_is_not_cut() -> None:
    claim = settled_claim()
    with pytest.raises(UnsplittableProofError, match="opened values"):
        cut(claim.key, claim.encoded, claim.public_values, 2000)


def test_an_answer_that_is_no_session_is_refused() -> None:
    with pytest.raises(SessionError):
        read_progress(b"\1" * 31)
    nothing = read_progress(bytes(128))
    assert (nothing.is_begun, nothing.tables, nothing.is_evaluated, nothing.queries) == (
        False,
        0,
        False,
        0,
    )


def test_py_evm_accepts_the_same_session_for_the_same_gas() -> None:
    """And refuses a changed one in the same place."""
    claim = settled_claim(TESTING_SETTLEMENT)
    session = cut(claim.key, claim.encoded, claim.public_values)
    verifier = deploy(RehearsalChain(), claim.key)
    gas = [sent.receipt.gas_used for sent in verifier.send_all(session.calls)]

    sender = account_address("poster")
    chain = Chain(1, {})
    chain.fund(sender)
    plan = plan_deployment(claim.key)
    programs = [_created(chain, code, sender) for code in plan.programs]
    address = _created(chain, plan.verifier(programs), sender)
    outcomes = [chain.execute(address, call.data, sender=sender) for call in session.calls[:-1]]
    last = session.calls[-1].data
    changed = last[:-40] + bytes([last[-40] ^ 1]) + last[-39:]
    assert not chain.execute(address, changed, sender=sender).is_success
    outcomes.append(chain.execute(address, last, sender=sender))
    assert all(outcome.is_success for outcome in outcomes)
    assert [outcome.gas_used for outcome in outcomes] == gas
    asked = keccak(b"isVerified(bytes32)")[:4] + session.statement_digest
    assert int.from_bytes(chain.execute(address, asked, sender=sender).output, "big") == 1


def _created(chain: Chain, code: bytes, sender: Address) -> Address:
    outcome = chain.execute(None, code, sender=sender)
    assert outcome.created is not None, outcome.reason
    return outcome.created
