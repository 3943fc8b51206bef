"""The transcript: every byte and label counts, challenges are in range, grinding is checked."""

import hashlib
from collections.abc import Callable

import pytest

from proving.errors import GrindingFailed, NonCanonicalElement, OutOfRange
from proving.field.extension import Extension
from proving.field.koalabear import P
from proving.transcript import Transcript

GRINDING_BITS = 8


def challenge_after(say: Callable[[Transcript], None], protocol: str = "test") -> Extension:
    transcript = Transcript(protocol)
    say(transcript)
    return transcript.sample_extension("challenge")


def test_equal_transcripts_give_equal_challenges() -> None:
    def say(transcript: Transcript) -> None:
        transcript.observe("root", b"abc")

    assert challenge_after(say) == challenge_after(say)


@pytest.mark.parametrize("position", range(8))
def test_every_observed_byte_changes_later_challenges(position: int) -> None:
    honest = bytes(range(8))
    changed = bytearray(honest)
    changed[position] ^= 1
    assert challenge_after(lambda t: t.observe("root", honest)) != challenge_after(
        lambda t: t.observe("root", bytes(changed))
    )


def test_the_label_of_an_observation_changes_later_challenges() -> None:
    assert challenge_after(lambda t: t.observe("main root", b"abc")) != challenge_after(
        lambda t: t.observe("quotient root", b"abc")
    )


def test_the_label_of_a_challenge_changes_it() -> None:
    first, second = Transcript("test"), Transcript("test")
    assert first.sample_extension("alpha") != second.sample_extension("beta")


def test_the_protocol_changes_all_challenges() -> None:
    def nothing(_: Transcript) -> None:
        return

    assert challenge_after(nothing, "one") != challenge_after(nothing, "other")


def test_moving_a_byte_from_data_to_label_changes_later_challenges() -> None:
    assert challenge_after(lambda t: t.observe("roota", b"bc")) != challenge_after(
        lambda t: t.observe("root", b"abc")
    )


def test_one_observation_is_not_two() -> None:
    def in_two(transcript: Transcript) -> None:
        transcript.observe("root", b"a")
        transcript.observe("root", b"b")

    assert challenge_after(in_two) != challenge_after(lambda t: t.observe("root", b"ab"))


def test_the_order_of_observations_changes_later_challenges() -> None:
    def in_order(first: bytes, second: bytes) -> Callable[[Transcript], None]:
        def say(transcript: Transcript) -> None:
            transcript.observe("root", first)
            transcript.observe("root", second)

        return say

    assert challenge_after(in_order(b"a", b"b")) != challenge_after(in_order(b"b", b"a"))


@pytest.mark.parametrize("coordinate", range(4))
def test_every_coordinate_of_an_observed_value_changes_later_challenges(coordinate: int) -> None:
    honest = [1, 2, 3, 4]
    changed = list(honest)
    changed[coordinate] = P - 1
    assert challenge_after(
        lambda t: t.observe_extension("opened", [Extension(honest)])
    ) != challenge_after(lambda t: t.observe_extension("opened", [Extension(changed)]))


def test_challenges_that_follow_each_other_differ() -> None:
    transcript = Transcript("test")
    assert transcript.sample_extension("alpha") != transcript.sample_extension("alpha")


def test_a_sampled_challenge_changes_the_ones_after_it() -> None:
    first, second = Transcript("test"), Transcript("test")
    first.sample_extension("alpha")
    assert first.sample_extension("beta") != second.sample_extension("beta")


def test_the_states_follow_the_written_rule() -> None:
    """Computed from the words of the module, byte by byte."""
    start = b"\x00\x00\x00\x04" + bytes(32) + b"\x00\x00\x00\x08protocol"
    start += b"\x00\x00\x00\x00\x00\x00\x00\x04test"
    state = hashlib.sha256(start).digest()
    digest = hashlib.sha256(b"\x00\x00\x00\x05" + state + b"\x00\x00\x00\x05alpha").digest()
    expected = [int.from_bytes(digest[8 * i : 8 * i + 8], "big") % P for i in range(4)]
    transcript = Transcript("test")
    assert transcript.sample_extension("alpha").coefficients == tuple(expected)
    state = hashlib.sha256(b"\x00\x00\x00\x06" + digest).digest()
    digest = hashlib.sha256(b"\x00\x00\x00\x05" + state + b"\x00\x00\x00\x05query").digest()
    assert transcript.sample_index("query", 20) == int.from_bytes(digest[:8], "big") % 2**20


@pytest.mark.parametrize("bits", [0, 1, 7, 23, 64])
def test_indices_stay_below_their_bound(bits: int) -> None:
    transcript = Transcript("test")
    indices = [transcript.sample_index("query", bits) for _ in range(64)]
    assert all(0 <= index < 1 << bits for index in indices)
    assert bits == 0 or len(set(indices)) > 1


def test_an_index_of_more_bits_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="bits"):
        Transcript("test").sample_index("query", 65)


@pytest.mark.parametrize("value", [-1, P])
def test_an_element_that_is_not_canonical_is_refused(value: int) -> None:
    with pytest.raises(NonCanonicalElement):
        Transcript("test").observe_elements("values", [value])


def test_the_largest_element_is_accepted() -> None:
    Transcript("test").observe_elements("values", [P - 1])


def test_a_ground_nonce_is_accepted_and_leaves_both_sides_alike() -> None:
    prover, verifier = Transcript("test"), Transcript("test")
    nonce = prover.grind("work", GRINDING_BITS)
    verifier.check_grinding("work", GRINDING_BITS, nonce)
    assert prover.sample_extension("alpha") == verifier.sample_extension("alpha")


def test_a_nonce_without_its_work_is_rejected() -> None:
    nonce = Transcript("test").grind("work", GRINDING_BITS)
    idle = next(n for n in range(nonce, nonce + 100) if not carries_work("test", n))
    with pytest.raises(GrindingFailed):
        Transcript("test").check_grinding("work", GRINDING_BITS, idle)


def carries_work(protocol: str, nonce: int) -> bool:
    try:
        Transcript(protocol).check_grinding("work", GRINDING_BITS, nonce)
    except GrindingFailed:
        return False
    return True


def test_grinding_finds_the_smallest_nonce() -> None:
    nonce = Transcript("test").grind("work", GRINDING_BITS)
    assert not any(carries_work("test", smaller) for smaller in range(nonce))


def test_a_nonce_ground_for_another_transcript_carries_no_work() -> None:
    nonces = [Transcript(f"test {n}").grind("work", GRINDING_BITS) for n in range(20)]
    accepted = sum(carries_work("other", nonce) for nonce in nonces)
    assert accepted < len(nonces) // 4


def test_the_nonce_changes_later_challenges() -> None:
    assert challenge_after(lambda t: t.check_grinding("work", 0, 1)) != challenge_after(
        lambda t: t.check_grinding("work", 0, 2)
    )


@pytest.mark.parametrize("nonce", [-1, 1 << 64])
def test_a_nonce_that_does_not_fit_is_malformed(nonce: int) -> None:
    with pytest.raises(OutOfRange):
        Transcript("test").check_grinding("work", 0, nonce)
