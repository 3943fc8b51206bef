"""Which validators take part now, and whether one more may be away: no Ray in here."""

from collections.abc import Mapping
from typing import Any

from cluster.errors import RestartRefused
from ledger.types import max_faulty

Status = Mapping[str, Any]


def absent_validators(statuses: Mapping[int, Status | None], validators: int) -> frozenset[int]:
    """Validators that do not take part, as far as the nodes that were asked can tell.

    Parameters
    ----------
    statuses
        Of the operator's nodes; None for one that does not answer.

    Returns
    -------
    frozenset
        Nodes that do not answer or may not vote, and validators elsewhere with which no node
        that answers is connected.
    """
    answering = {index: found for index, found in statuses.items() if found is not None}
    absent = set(statuses.keys() - answering.keys())
    absent |= {index for index, found in answering.items() if not _may_vote(found)}
    for other in range(validators):
        if other in statuses:
            continue
        seen = (found["peers"].get(str(other)) for found in answering.values())
        if not any(peer is not None and peer["state"] == "connected" for peer in seen):
            absent.add(other)
    return frozenset(absent)


def require_spare(node: int, absent: frozenset[int], validators: int) -> None:
    """Refuse to take a node down if the ledger would stand still without it.

    Raises
    ------
    RestartRefused
        Naming the validators that are away already.
    """
    bearable = max_faulty(validators)
    others = sorted(absent - {node})
    if len(others) + 1 <= bearable:
        return
    names = ", ".join(map(str, others))
    away = f"validator {names} is away already" if others else "nobody else is away"
    raise RestartRefused(
        f"node {node} stays up: {away}, and with {validators} validators the ledger bears the "
        f"absence of {bearable}. Bring the others back first, or use --force if it may stand still"
    )


def _may_vote(status: Status) -> bool:
    first_view = status["voting"]["from_view"]
    return first_view is not None and status["view"] >= first_view
