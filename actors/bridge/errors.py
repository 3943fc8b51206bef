"""Errors of the node's bridge.

OtherEpoch      the caller is in another epoch: it tells the set of its own first
"""


class OtherEpoch(Exception):
    """The bridge judges by the set of another epoch than the caller's."""

    def __init__(self, got: int, expected: int) -> None:
        super().__init__(got, expected)
        self.got = got
        self.expected = expected

    def __str__(self) -> str:
        return f"asked in epoch {self.got}, this bridge is in epoch {self.expected}"
