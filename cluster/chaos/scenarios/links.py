"""Partitions, slow links and lossy ones, between real libp2p hosts."""

from typing import Final

from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.proxy import LinkFault
from cluster.chaos.scenario import Finding, Scenario, Setup

LINKED: Final = Setup(has_links=True)
BLOCKS: Final = 12
STANDSTILL_SECONDS: Final = 4.0
"""Longer than the transport takes to give a silent peer up."""

IN_FLIGHT_BLOCKS: Final = 3
"""What may become final by votes that had arrived, while the partition was being made."""

SLOW: Final = LinkFault(delay_seconds=0.08, jitter_seconds=0.04)
LOSSY: Final = LinkFault(stall_probability=0.1, stall_seconds=0.2)
CUTS: Final = 5


def minority(arena: Arena) -> Finding:
    """Part one node from the other three; they go on, and it catches up."""
    arena.links.partition([0, 1, 2], [3])
    arena.fault("node 3 is parted from the others")
    arena.wait_for_growth(3 * BLOCKS, 0, 1, 2)
    return _heal(arena)


def halves(arena: Arena) -> Finding:
    """Part two nodes from two; nothing may become final, and everything after the heal."""
    head = arena.head()
    arena.links.partition([0, 1], [2, 3])
    arena.fault("nodes 0 and 1 are parted from nodes 2 and 3")
    until = arena.now() + STANDSTILL_SECONDS
    arena.wait_until(lambda: arena.now() > until, "the time of the partition")
    highest = arena.head()
    if highest > head + IN_FLIGHT_BLOCKS:
        raise InvariantBroken(f"half of the nodes made blocks {head} to {highest} final")
    return _heal(arena)


def one_way(arena: Arena) -> Finding:
    """Swallow what one node sends, to everyone, and nothing of what is sent to it."""
    arena.links.swallow((3, 0), (3, 1), (3, 2))
    arena.fault("nothing that node 3 sends arrives")
    arena.wait_for_growth(2 * BLOCKS, 0, 1, 2)
    return _heal(arena)


def slow(arena: Arena) -> Finding:
    """Make every link as slow as one around the world."""
    arena.links.set_fault(SLOW)
    arena.fault("every link takes 80 to 120 ms each way")
    arena.wait_for_growth(BLOCKS)
    return _heal(arena)


def lossy(arena: Arena) -> Finding:
    """Have a tenth of the packets wait for a retransmission, and cut connections."""
    arena.links.set_fault(LOSSY)
    arena.fault("a tenth of what is sent waits for a retransmission")
    pairs = [(one, other) for one in range(arena.count) for other in range(one)]
    for _ in range(CUTS):
        one, other = arena.random.choice(pairs)
        if arena.links.cut([(one, other), (other, one)]):
            arena.fault(f"the connection between nodes {one} and {other} is cut")
        arena.wait_for_growth(2)
    if not arena.links.stalls():
        raise InvariantBroken("no packet was lost: the scenario tests nothing")
    return _heal(arena)


def _heal(arena: Arena) -> Finding:
    head = arena.head()
    arena.links.heal()
    began = arena.heal("every link is whole again")
    voted = arena.wait_until_voting(range(arena.count), above=head)
    return Finding(recovery_seconds=voted - began)


SCENARIOS = (
    Scenario(
        "partition-minority",
        "three of four go on, and the fourth catches up and votes again",
        "one node is parted from the other three",
        minority,
        setup=LINKED,
    ),
    Scenario(
        "partition-halves",
        "no half makes anything final, and all go on after the heal",
        "two nodes are parted from the other two",
        halves,
        setup=LINKED,
    ),
    Scenario(
        "partition-one-way",
        "a node that hears all and is heard by nobody harms nobody",
        "everything that one node sends is swallowed",
        one_way,
        setup=LINKED,
    ),
    Scenario(
        "slow-links",
        "the ledger grows at the pace of the network",
        "every link takes 80 to 120 ms each way",
        slow,
        setup=LINKED,
    ),
    Scenario(
        "lossy-links",
        "lost packets and cut connections cost time and nothing else",
        "a tenth of the packets is lost and connections are cut",
        lossy,
        setup=LINKED,
    ),
)
