"""What people are told of the fast chain's standing: quarantine, votes for one, tightened caps."""

from collections.abc import Sequence
from typing import Any


def fast_chain_lines(statuses: Sequence[dict[str, Any]]) -> list[str]:
    """Sentences for ``braid status``; none while all is well.

    Parameters
    ----------
    statuses
        Of nodes, as their validators tell them. The one that is furthest counts: the others
        will say the same when they are there.
    """
    answered = [entry for entry in statuses if "error" not in entry]
    if not answered:
        return []
    newest = max(answered, key=lambda entry: int(entry["final_height"]))
    quarantine, caps = newest["quarantine"], newest["caps"]
    lines = []
    if quarantine["is_active"]:
        lines.append(
            f"the fast chain is quarantined ({quarantine['reason']}): `braid resume NODE` votes "
            "for its way back"
        )
    elif quarantine["votes"]:
        voters = ", ".join(map(str, quarantine["votes"]))
        lines.append(f"validators that vote to quarantine the fast chain: {voters}")
    if caps["halvings"]:
        lines.append(
            f"caps of rounds are divided by {caps['divided_by']}; the next halving is taken back "
            f"{caps['clean_blocks_to_relax']} certified fast blocks after block "
            f"{caps['clean_from']}"
        )
    return lines
