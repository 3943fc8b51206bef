import pytest
from eth_bloom import BloomFilter

from execution.types import Address, Hash32, Log
from gateway.log_query import LogQuery, bloom_mask

TOKEN = Address(b"\x01" * 20)
OTHER = Address(b"\x02" * 20)
TRANSFER = Hash32(b"\xaa" * 32)
APPROVAL = Hash32(b"\xbb" * 32)
ALICE = Hash32(b"\xcc" * 32)

LOG = Log(TOKEN, (TRANSFER, ALICE), b"")


def query(*topics: frozenset[Hash32], addresses: frozenset[Address] = frozenset()) -> LogQuery:
    return LogQuery(0, 10, addresses, topics)


ANY: frozenset[Hash32] = frozenset()


@pytest.mark.parametrize(
    "wanted",
    [
        query(),
        query(ANY),
        query(ANY, ANY),
        query(frozenset({TRANSFER})),
        query(frozenset({APPROVAL, TRANSFER})),
        query(ANY, frozenset({ALICE})),
        query(addresses=frozenset({TOKEN, OTHER})),
    ],
)
def test_a_log_matches_its_address_and_topics(wanted: LogQuery) -> None:
    assert wanted.matches(LOG)


@pytest.mark.parametrize(
    "wanted",
    [
        query(frozenset({APPROVAL})),
        query(frozenset({ALICE})),
        query(ANY, ANY, ANY),
        query(frozenset({TRANSFER}), frozenset({TRANSFER})),
        query(addresses=frozenset({OTHER})),
    ],
)
def test_a_log_does_not_match_other_addresses_topics_or_more_topics(wanted: LogQuery) -> None:
    assert not wanted.matches(LOG)


def test_the_bloom_mask_is_that_of_the_reference_bloom() -> None:
    reference = BloomFilter()
    reference.add(TOKEN)
    assert bloom_mask(TOKEN) == int(reference)


def test_a_bloom_lets_through_what_it_holds_and_stops_the_rest() -> None:
    bloom = BloomFilter()
    for item in (TOKEN, TRANSFER, ALICE):
        bloom.add(item)
    raw = int(bloom).to_bytes(256, "big")
    assert query(frozenset({TRANSFER}), addresses=frozenset({TOKEN})).may_match(raw)
    assert query(ANY, frozenset({APPROVAL, ALICE})).may_match(raw)
    assert not query(frozenset({APPROVAL})).may_match(raw)
    assert not query(addresses=frozenset({OTHER})).may_match(raw)
