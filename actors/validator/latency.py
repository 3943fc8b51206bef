"""Latencies that a node sees, in milliseconds, over the latest samples."""

from collections import deque


class Samples:
    """The newest values of one quantity."""

    def __init__(self, size: int = 4096) -> None:
        self._values: deque[float] = deque(maxlen=size)
        self.count = 0

    def add(self, value: float) -> None:
        """Note one value."""
        self._values.append(value)
        self.count += 1

    def clear(self) -> None:
        """Begin a new measurement."""
        self._values.clear()
        self.count = 0

    def values(self) -> list[float]:
        """The values, oldest first."""
        return list(self._values)


def percentile(values: list[float], fraction: float) -> float | None:
    """The value below which a fraction of all values lies; None if there are none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


class NodeLatencies:
    """Soft and final confirmation of own proposals, and crossings between the chains.

    ``soft`` and ``final`` run from the moment a proposal leaves this leader to its
    notarization and finalization here; ``crossing`` from the finalization of the
    block with a message to the execution of its delivery, by the message's source.
    """

    def __init__(self) -> None:
        self.soft_ms = Samples()
        self.final_ms = Samples()
        self.zk_to_fast_ms = Samples()
        self.fast_to_zk_ms = Samples()

    def clear(self) -> None:
        """Begin a new measurement."""
        for samples in (self.soft_ms, self.final_ms, self.zk_to_fast_ms, self.fast_to_zk_ms):
            samples.clear()
