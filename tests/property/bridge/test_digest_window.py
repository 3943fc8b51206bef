"""The window of digests against a plain list."""

from bridge_world import root
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.digests import (
    CHUNK_DIGESTS,
    EMPTY_WINDOW,
    WINDOW_BLOCKS,
    WINDOW_CHUNKS,
    DigestWindow,
    replay_digest,
)
from ledger.types import BlockNumber, Digest

DIGESTS = [Digest(root(str(number))) for number in range(CHUNK_DIGESTS * (WINDOW_CHUNKS + 2))]


def window_of(count: int) -> DigestWindow:
    window = EMPTY_WINDOW
    for digest in DIGESTS[:count]:
        window = window.append(digest)
    return window


def test_the_latest_blocks_are_always_found_and_memory_is_bounded() -> None:
    window = EMPTY_WINDOW
    for number, digest in enumerate(DIGESTS, start=1):
        window = window.append(digest)
        assert window.next_number == number + 1
        assert window.find(BlockNumber(number)) == digest
        oldest = max(1, number - WINDOW_BLOCKS + 1)
        assert window.find(BlockNumber(oldest)) == DIGESTS[oldest - 1]
        assert len(window.chunks) <= WINDOW_CHUNKS
    assert window.first_number > 1
    assert window.find(BlockNumber(window.first_number - 1)) is None
    assert window.find(window.next_number) is None
    assert window.find(BlockNumber(0)) is None


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 700), st.integers(0, 800))
def test_only_blocks_after_the_anchor_point_are_anchored(count: int, number: int) -> None:
    anchor = Digest(root("anchor"))
    window = window_of(count)
    anchored = window.anchor_after(BlockNumber(number), anchor)
    assert anchored.next_number == window.next_number
    for place in range(1, count + 1):
        bare = DIGESTS[place - 1]
        expected = bare if place <= number else replay_digest(anchor, bare)
        assert anchored.find(BlockNumber(place)) == expected
