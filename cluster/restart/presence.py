"""Which validators take part now, and whether one more may be away: no Ray in here."""

from collections.abc import Collection, Mapping
from typing import Any

from cluster.errors import RestartRefused
from ledger.types import max_faulty

Status = Mapping[str, Any]
"""What a validator's node says of itself, as ``braid status --json`` has it."""


def absent_validators(statuses: Collection[Status]) -> frozenset[int]:
    """Numbers of the validators that do not take part, as far as some nodes can tell.

    Parameters
    ----------
    statuses
        Of the nodes that answer; at least one.

    Returns
    -------
    frozenset
        Validators that may not vote, or that neither answer nor are connected with one who does.
    """
    own = {found["validator"]: found for found in statuses if found["validator"] is not None}
    count = max(int(found["validators"]) for found in statuses)
    return frozenset(
        number
        for number in range(count)
        if not (_may_vote(own[number]) if number in own else _is_seen(statuses, number))
    )


def require_spare(node: int, validator: int | None, statuses: Collection[Status]) -> None:
    """Refuse to take a node down if the ledger would stand still without it.

    Parameters
    ----------
    validator
        The node's number among the validators; None if it is none, or does not answer.
    statuses
        Of the nodes that answer.

    Raises
    ------
    RestartRefused
        Naming the validators that are away already.
    """
    if not statuses:
        raise RestartRefused(
            "no node answers: see the logs, or `braid down` and `braid up`; --force restarts one "
            "all the same"
        )
    count = max(int(found["validators"]) for found in statuses)
    bearable = max_faulty(count)
    absent = absent_validators(statuses)
    gone = absent if validator is None else absent | {validator}
    if len(gone) <= bearable:
        return
    others = ", ".join(map(str, sorted(absent - {validator})))
    away = f"validator {others} is away already" if others else "nobody else is away"
    raise RestartRefused(
        f"node {node} stays up: {away}, and with {count} validators the ledger bears the "
        f"absence of {bearable}. Bring the others back first, or use --force if it may stand still"
    )


def _may_vote(status: Status) -> bool:
    first_view = status["voting"]["from_view"]
    return first_view is not None and status["view"] >= first_view


def _is_seen(statuses: Collection[Status], number: int) -> bool:
    peers = (found["peers"].get(str(number)) for found in statuses)
    return any(peer is not None and peer["state"] == "connected" for peer in peers)
