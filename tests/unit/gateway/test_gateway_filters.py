import pytest

from gateway import filters
from gateway.errors import LimitExceeded
from gateway.filters import Filter, FilterRegistry


class Clock:
    def __init__(self) -> None:
        self.now_seconds = 0.0

    def monotonic(self) -> float:
        return self.now_seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(filters, "time", clock)
    return clock


def test_a_filter_is_found_by_its_id_until_it_is_removed(clock: Clock) -> None:
    registry = FilterRegistry(capacity=2, idle_seconds=10)
    installed = Filter(pattern=None)
    filter_id = int(registry.add(installed), 16)
    assert registry.get(filter_id) is installed
    assert registry.remove(filter_id)
    assert registry.get(filter_id) is None
    assert not registry.remove(filter_id)


def test_ids_are_not_guessable_from_each_other(clock: Clock) -> None:
    registry = FilterRegistry(capacity=2, idle_seconds=10)
    first, second = (int(registry.add(Filter(pattern=None)), 16) for _ in range(2))
    assert abs(first - second) > 2**64


def test_more_filters_than_the_capacity_are_refused_while_all_are_in_use(clock: Clock) -> None:
    registry = FilterRegistry(capacity=1, idle_seconds=10)
    registry.add(Filter(pattern=None))
    with pytest.raises(LimitExceeded):
        registry.add(Filter(pattern=None))


def test_a_filter_that_nobody_polls_gives_up_its_place(clock: Clock) -> None:
    registry = FilterRegistry(capacity=2, idle_seconds=10)
    polled = int(registry.add(Filter(pattern=None)), 16)
    forgotten = int(registry.add(Filter(pattern=None)), 16)
    clock.now_seconds = 6
    registry.get(polled)
    clock.now_seconds = 12
    assert registry.get(forgotten) is None
    assert registry.get(polled) is not None
    registry.add(Filter(pattern=None))
    assert len(registry) == 2
