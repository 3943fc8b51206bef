"""Errors of a node's settlement.

SettlementUnavailable
└── NotWatching     L1 has not been read yet, or contradicts itself
"""


class SettlementUnavailable(Exception):
    """Base of what settlement raises to the node's other parts."""


class NotWatching(SettlementUnavailable):
    """L1 has not been read yet: its contracts are not there, or it does not answer."""
