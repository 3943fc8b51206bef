"""Recovery by the accelerators: the guest finds the signers that libsecp256k1 finds, or none.

A contract hands each signature of its call data to the ecrecover precompile and logs the answer.
The wasm engine's logs are compared with coincurve's answers, and what the guest proves with the
wasm engine's block, whose hash covers the logs.
"""

from collections.abc import Iterator, Sequence
from random import Random

import pytest
from coincurve import PrivateKey, PublicKey

from execution.types import Address, GenesisAccount, SystemTransaction
from execution.witness import encode_witness
from ledger.hashing import keccak
from tests.differential.assembler import assemble, push
from tests.differential.guest.growing_chain import GrowingChain
from tests.differential.guest.machine import run_guest

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
FIELD = 2**256 - 2**32 - 977
SIGNATURES = 40
SLOW_SIGNATURES = 5_000
PER_CALL = 50

CONTRACT = Address(b"\xc0" * 20)

Signature = tuple[int, int, int, int]
"""Message hash, v, r and s."""


def recovering_code() -> bytes:
    """For each 128 bytes of call data: call ecrecover on them and log 32 bytes of answer."""
    start = len(push(0))
    is_at_end = assemble("JUMPDEST", "CALLDATASIZE", "DUP2", "LT", "ISZERO")
    work = (
        assemble(0, 128, "MSTORE", 128, "DUP2", 0, "CALLDATACOPY")
        + assemble(32, 128, 128, 0, 1, "GAS", "STATICCALL", "POP")
        + assemble(32, 128, "LOG0")
        + assemble(128, "ADD", start, "JUMP")
    )
    jump_bytes = len(assemble(b"\0", "JUMPI"))
    end = start + len(is_at_end) + jump_bytes + len(work)
    leave = assemble(bytes([end]), "JUMPI")
    return push(0) + is_at_end + leave + work + assemble("JUMPDEST", "STOP")


def expected_answer(signature: Signature) -> bytes:
    """What ecrecover answers, by libsecp256k1: a padded address, or zeros."""
    message_hash, v, r, s = signature
    is_in_range = v in (27, 28) and 0 < r < ORDER and 0 < s < ORDER
    if not is_in_range:
        return bytes(32)
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v - 27])
    try:
        key = PublicKey.from_signature_and_message(
            compact, message_hash.to_bytes(32, "big"), hasher=None
        )
    except ValueError:
        return bytes(32)
    return bytes(12) + keccak(key.format(compressed=False)[1:])[12:]


def point_x(secret: int) -> tuple[int, int]:
    """x and y of a multiple of the generator."""
    return PrivateKey(secret.to_bytes(32, "big")).public_key.point()


def from_nonce(nonce: int, u1: int, u2: int) -> Signature:
    """A signature whose recovery computes ``u1 G + u2 R`` with R = nonce G."""
    x, y = point_x(nonce)
    r = x % ORDER
    return (-u1 * r % ORDER, 27 + y % 2, r, u2 * r % ORDER)


def signatures_at_ranges() -> Iterator[Signature]:
    """Each value at the ends of its range, and points off the curve."""
    x, y = point_x(5)
    valid = (77, 27 + y % 2, x, 9)
    yield valid
    for v in (0, 1, 26, 29, 27 + 256, 2**255):
        yield (77, v, x, 9)
    for r in (0, 1, 2, 3, 4, 5, 6, ORDER - 1, ORDER, ORDER + 1, FIELD - 1, FIELD, 2**256 - 1):
        yield (77, 27, r, 9)
        yield (77, 28, r, 9)
    for s in (0, 1, 2, ORDER // 2, ORDER // 2 + 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1):
        yield (77, 27, x, s)
    for message_hash in (0, 1, ORDER - 1, ORDER, ORDER + 1, FIELD, 2**256 - 1):
        yield (message_hash, 27, x, 9)
        yield (message_hash, 28, x, 9)


def signatures_at_infinity(nonces: Sequence[int]) -> Iterator[Signature]:
    """Sums ``u1 G + u2 R`` that are infinity, or G away from it."""
    for nonce in nonces:
        for u2 in (1, 3, 16, 2**128 + 1):
            yield from_nonce(nonce, -u2 * nonce % ORDER, u2)
            yield from_nonce(nonce, (1 - u2 * nonce) % ORDER, u2)


def signatures_of_small_sums(nonces: Sequence[int]) -> Iterator[Signature]:
    """Sums in which what is added meets what is there: P = Q and P = -Q."""
    for nonce in nonces:
        for u1 in (0, 1, 2, 15, 16, ORDER - 1):
            for u2 in (1, 2, 15, 16, ORDER - 1):
                yield from_nonce(nonce, u1, u2)


def random_signatures(random: Random, count: int) -> Iterator[Signature]:
    """Mostly signatures of random keys; some with a random r, half of which are off the curve."""
    for _ in range(count):
        message_hash = random.getrandbits(256)
        if random.random() < 0.2:
            yield (
                message_hash,
                random.choice((27, 28)),
                random.getrandbits(256),
                random.getrandbits(256),
            )
            continue
        secret = PrivateKey(random.randrange(1, ORDER).to_bytes(32, "big"))
        signed = secret.sign_recoverable(message_hash.to_bytes(32, "big"), hasher=None)
        r, s = int.from_bytes(signed[:32], "big"), int.from_bytes(signed[32:64], "big")
        is_high = random.random() < 0.3
        v = 27 + (signed[64] ^ is_high)
        yield (message_hash, v, r, ORDER - s if is_high else s)


def check(signatures: list[Signature]) -> None:
    chain = GrowingChain(7, {CONTRACT: GenesisAccount(nonce=1, code=recovering_code())})
    calls = [signatures[at : at + PER_CALL] for at in range(0, len(signatures), PER_CALL)]
    output = chain.execute(
        system=[
            SystemTransaction(
                number,
                CONTRACT,
                50_000_000,
                b"".join(word.to_bytes(32, "big") for signature in call for word in signature),
            )
            for number, call in enumerate(calls)
        ]
    )
    answers = [log.data for receipt in output.receipts for log in receipt.logs]
    assert answers == [expected_answer(signature) for signature in signatures]

    batch = chain.batch(1, 1)
    assert run_guest(encode_witness(batch.witness())).proves(batch.statement())


def test_signatures_at_the_ends_of_ranges_are_recovered_alike() -> None:
    check(list(signatures_at_ranges()))


def test_sums_that_meet_infinity_or_themselves_are_recovered_alike() -> None:
    check([*signatures_at_infinity((1, 16)), *signatures_of_small_sums((1,))])


@pytest.mark.slow
def test_more_sums_that_meet_infinity_or_themselves_are_recovered_alike() -> None:
    nonces = (1, 2, 3, 15, 16, 17, ORDER - 1, ORDER - 2, ORDER - 15)
    check([*signatures_at_infinity(nonces), *signatures_of_small_sums(nonces)])


def test_some_edge_signature_is_refused_for_infinity_and_some_is_not() -> None:
    assert expected_answer(from_nonce(3, -3 % ORDER, 1)) == bytes(32)
    assert expected_answer(from_nonce(3, -2 % ORDER, 1)) != bytes(32)


def test_random_signatures_are_recovered_alike() -> None:
    check(list(random_signatures(Random(1), SIGNATURES)))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_thousands_of_random_signatures_are_recovered_alike() -> None:
    check(list(random_signatures(Random(2), SLOW_SIGNATURES)))
