"""``kill -9`` of every kind of process, and of many at once."""

from functools import partial

from cluster.chaos.arena import CORE_PARTS, Arena
from cluster.chaos.scenario import Finding, Scenario

VICTIM = 3
EXECUTION_SECONDS = 40.0


def kill_validator(arena: Arena) -> Finding:
    """Kill a validator; it has to vote again."""
    head = arena.head()
    began = arena.kill(VICTIM, "validator")
    voted = arena.wait_until_voting([VICTIM], above=head)
    arena.heal(f"node {VICTIM} votes again")
    return Finding(recovery_seconds=voted - began)


def kill_executors(arena: Arena) -> Finding:
    """Kill both executors of a node; they have to reach the head again."""
    began = arena.kill(VICTIM, "executor-zk", "executor-fast")
    _wait_for_execution(arena, VICTIM)
    arena.heal(f"node {VICTIM} has executed what is final")
    return Finding(recovery_seconds=arena.now() - began)


def kill_bridge(arena: Arena) -> Finding:
    """Kill the bridges of two nodes, so that a checkpoint needs one of the new ones."""
    victims = (2, 3)
    began = arena.kill_all((node, "bridge") for node in victims)
    certified = _certified(arena, 0)
    arena.wait_until(lambda: _certified(arena, 0) > certified + 1, "a new checkpoint")
    arena.heal("checkpoints are certified again")
    recovered = arena.now() - began
    for node in victims:
        arena.wait_until(
            partial(_has_certified, arena, node), f"a checkpoint of node {node}'s new bridge"
        )
    return Finding(recovery_seconds=recovered)


def kill_gateway(arena: Arena) -> Finding:
    """Kill a gateway; it has to answer on the same port again."""
    began = arena.kill(VICTIM, "gateway")
    answered = arena.wait_until(lambda: arena.gateway_answers(VICTIM), "an answer of the gateway")
    assert answered
    arena.heal(f"node {VICTIM}'s gateway answers")
    return Finding(recovery_seconds=arena.now() - began)


def kill_node(arena: Arena) -> Finding:
    """Kill every process of a node at once."""
    head = arena.head()
    began = arena.kill(VICTIM, *CORE_PARTS)
    voted = arena.wait_until_voting([VICTIM], above=head)
    arena.heal(f"node {VICTIM} votes again")
    _wait_for_execution(arena, VICTIM)
    arena.wait_until(lambda: arena.gateway_answers(VICTIM), "an answer of the gateway")
    return Finding(recovery_seconds=voted - began)


def kill_all(arena: Arena, parts: tuple[str, ...]) -> Finding:
    """Kill parts of all nodes at once; nothing final may be lost and the ledger has to go on."""
    head = arena.head()
    began = arena.kill_all((node, part) for node in range(arena.count) for part in parts)
    grown = arena.wait_for_height(head + 3)
    arena.heal("the ledger grows again")
    return Finding(recovery_seconds=grown - began)


def power_cut(arena: Arena) -> Finding:
    """Kill every process of the machine and start the network from its disks."""
    head = arena.head()
    with arena.ray_lock:
        arena.power_off()
        began = arena.heal("the network is started again")
        arena.power_on()
    grown = arena.wait_for_height(head + 3)
    return Finding(recovery_seconds=grown - began)


def _wait_for_execution(arena: Arena, node: int) -> None:
    status = arena.wait_until(lambda: arena.status(0), "an answer of node 0")
    for role in ("zk", "fast"):
        number = status["chains"][role]["final_number"]
        arena.wait_for_execution(node, role, number, EXECUTION_SECONDS)


def _has_certified(arena: Arena, node: int) -> bool:
    status = arena.ask(node, "bridge", "status")
    return status is not None and status["certified"] > 0


def _certified(arena: Arena, node: int) -> int:
    status = arena.status(node)
    return -1 if status is None else int(status["chains"]["zk"]["certified_number"])


SCENARIOS = (
    Scenario(
        "kill-validator",
        "a killed validator votes again and never contradicts itself",
        "kill -9 of one validator",
        kill_validator,
    ),
    Scenario(
        "kill-executors",
        "a killed executor repeats no block and misses none",
        "kill -9 of both executors of a node",
        kill_executors,
    ),
    Scenario(
        "kill-bridges",
        "checkpoints go on to be certified after bridges have died",
        "kill -9 of the bridges of two of four nodes",
        kill_bridge,
    ),
    Scenario(
        "kill-gateway",
        "a killed gateway answers again, and consensus notices nothing",
        "kill -9 of one gateway",
        kill_gateway,
    ),
    Scenario(
        "kill-node",
        "a node that loses all its processes comes back from its disk",
        "kill -9 of every process of a node",
        kill_node,
    ),
    Scenario(
        "kill-all-validators",
        "no final block is lost when all validators die at once",
        "kill -9 of all validators at once",
        partial(kill_all, parts=("validator",)),
    ),
    Scenario(
        "kill-all-nodes",
        "no final block is lost when every process of every node dies at once",
        "kill -9 of every process of all nodes",
        partial(kill_all, parts=CORE_PARTS),
    ),
    Scenario(
        "power-cut",
        "no final block is lost when the machine stops, Ray included, and starts again",
        "kill -9 of every process, Ray's own included, then a new start",
        power_cut,
    ),
)
