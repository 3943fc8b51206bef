"""One of four validators breaks the protocol; it is turned from outside, and turned back."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from actors.validator.node import ValidatorNode
from cluster.chaos.arena import Arena
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.memory import MemoryWatch
from cluster.chaos.processes import run_inside
from cluster.chaos.scenario import Finding, Run, Scenario, Setup
from cluster.chaos.traitors import (
    Corrupter,
    Equivocator,
    Forger,
    Replayer,
    Traitor,
    Withholder,
    arrest,
    turn,
)
from cluster.chaos.traitors.corrupter import CORRUPTIONS
from cluster.chaos.traitors.withholder import Withholding
from consensus.effects import Fault
from ledger.types import ChainRole

TRAITOR: Final = 3
HONEST: Final = (0, 1, 2)
BLOCKS: Final = 12
"""Three turns of each leader."""
REPLAYS: Final = 2_000
MISDEED_SECONDS: Final = 120.0


def equivocating_leader(arena: Arena) -> Finding:
    """Have a leader show two faces, until the ledger convicts it."""
    began = _turn(arena, Equivocator(arena.random.randrange(2**32)))
    for node in HONEST:
        arena.wait_until(partial(_convicts, arena, node), f"a conviction at node {node}")
    convicted = arena.now()
    arena.note("convicted on all honest nodes")
    arena.wait_for_growth(BLOCKS, *HONEST)
    _require_evidence(arena)
    _arrest(arena)
    return Finding(recovery_seconds=convicted - began)


def withholding_leader(arena: Arena) -> Finding:
    """Have a leader keep its payloads from all, from all but one, and until it is late."""
    began = arena.now()
    for mode in Withholding:
        _turn(arena, Withholder(mode, arena.random.randrange(2**32)))
        _wait_for_deeds(arena, lambda deeds: sum(deeds.values()) >= 2 * len(HONEST))
        arena.wait_for_growth(BLOCKS, *HONEST)
        _arrest(arena)
    return Finding(recovery_seconds=arena.now() - began)


def vote_forger(arena: Arena) -> Finding:
    """Have a validator send what nobody signed, until all honest nodes have named it for that."""
    began = _turn(arena, Forger(arena.random.randrange(2**32), is_loud=True))
    faults = (Fault.FOREIGN_VOTE, Fault.BAD_SIGNATURE, Fault.BAD_CERTIFICATE)
    for node in HONEST:
        for fault in faults:
            arena.wait_until(
                partial(_has_counted, arena, node, fault), f"node {node}: {fault.value}"
            )
        arena.wait_until(partial(_has_seen_violation, arena, node), f"a violation at node {node}")
    named = arena.now()
    arena.wait_for_growth(BLOCKS, *HONEST)
    _arrest(arena)
    return Finding(recovery_seconds=named - began)


def replayer(arena: Arena) -> Finding:
    """Have a validator repeat old messages of every channel, and its votes elsewhere."""
    _turn(arena, Replayer(arena.random.randrange(2**32)))
    _wait_for_deeds(arena, lambda deeds: sum(deeds.values()) >= REPLAYS)
    arena.wait_for_growth(BLOCKS, *HONEST)
    for node in HONEST:
        arena.wait_until(
            partial(_has_counted, arena, node, Fault.FOREIGN_VOTE), f"a replay at node {node}"
        )
    _arrest(arena)
    return Finding()


def invalid_payloads(arena: Arena) -> Finding:
    """Have a leader break each rule for payloads in turn."""
    _turn(arena, Corrupter(seed=arena.random.randrange(2**32)))
    _wait_for_deeds(arena, lambda deeds: set(deeds) == set(CORRUPTIONS))
    arena.wait_for_growth(BLOCKS, *HONEST)
    made = _inside(arena, _digests_made)
    _arrest(arena)
    for height in range(1, arena.head(*HONEST) + 1):
        block = arena.ask(0, "validator", "ledger_block", height)
        if block is not None and block["digest"] in made:
            raise InvariantBroken(f"an invalid payload is final at height {height}")
    return Finding()


# THE TRAITOR


def _turn(arena: Arena, traitor: Traitor) -> float:
    _inside(arena, _become, traitor)
    return arena.fault(f"node {TRAITOR} is a traitor: {type(traitor).__name__.lower()}")


def _arrest(arena: Arena) -> dict[str, int]:
    deeds: dict[str, int] = _inside(arena, _give_up)
    arena.heal("the traitor gives up: " + ", ".join(f"{n} × {what}" for what, n in deeds.items()))
    return deeds


def _wait_for_deeds(arena: Arena, is_enough: Callable[[dict[str, int]], bool]) -> None:
    """Wait for misdeeds, and note each kind as a fault when it is seen first."""
    seen: dict[str, int] = {}

    def is_over() -> bool:
        deeds = _inside(arena, _deeds)
        for kind in deeds.keys() - seen.keys():
            arena.fault(kind)
        seen.update(deeds)
        return is_enough(deeds)

    arena.wait_until(is_over, "enough misdeeds", MISDEED_SECONDS)


def _inside(arena: Arena, function: Any, *arguments: Any) -> Any:
    return run_inside(arena.actor(TRAITOR, "validator"), function, *arguments)


def _become(actor: Any, traitor: Traitor) -> None:
    turn(_node_of(actor), traitor)


def _give_up(actor: Any) -> dict[str, int]:
    return dict(arrest(_node_of(actor)).deeds)


def _deeds(actor: Any) -> dict[str, int]:
    return dict(_traitor_of(actor).deeds)


def _digests_made(actor: Any) -> set[str]:
    traitor = _traitor_of(actor)
    assert isinstance(traitor, Corrupter)
    return {"0x" + digest.hex() for digest in traitor.made}


def _traitor_of(actor: Any) -> Traitor:
    traitor: Traitor = _node_of(actor).transport.traitor  # type: ignore[attr-defined]  # twisted
    return traitor


def _node_of(actor: Any) -> ValidatorNode:
    node: ValidatorNode = actor._node
    return node


# WHAT THE HONEST SEE


def _convicts(arena: Arena, node: int) -> bool:
    status = arena.status(node)
    return status is not None and status["convicted"] == [TRAITOR]


def _has_counted(arena: Arena, node: int, fault: Fault) -> bool:
    status = arena.status(node)
    return status is not None and status["rejected"]["consensus"].get(fault.value, 0) > 0


def _has_seen_violation(arena: Arena, node: int) -> bool:
    status = arena.status(node)
    return status is not None and status["peers"][str(TRAITOR)]["violations"] > 0


def _require_evidence(arena: Arena) -> None:
    """Each honest node's own JSON-RPC names the traitor, and nobody else."""
    for node in HONEST:
        found = arena.client(node, ChainRole.ZK).rpc("braid_evidence", 10)
        culprits = [entry["culprit"] for entry in found]
        if culprits != [TRAITOR]:
            raise InvariantBroken(f"the evidence at node {node} names {culprits}")


def _bounded(run: Run) -> Run:
    """The same, and the honest validators' memory is looked at afterwards."""

    def bounded(arena: Arena) -> Finding:
        memory = MemoryWatch(arena, HONEST)
        finding = run(arena)
        arena.note(
            f"memory of an honest validator: {memory.require_bounded('the traitor'):+.0f} MiB"
        )
        return finding

    return bounded


SCENARIOS = (
    Scenario(
        "equivocating-leader",
        "two proposals in one view harm nobody, and convict the leader on the ledger of all",
        "one of four leaders proposes one payload to some validators and another to the rest",
        _bounded(equivocating_leader),
        setup=Setup(convicted=(TRAITOR,)),
    ),
    Scenario(
        "withholding-leader",
        "a payload that is kept back costs its view at most",
        "one of four leaders keeps its payloads from all, from all but one, and until it is late",
        _bounded(withholding_leader),
    ),
    Scenario(
        "vote-forger",
        "forged votes and certificates decide nothing, convict nobody, and are counted",
        "one of four validators sends wrong signatures, others' votes, false and huge certificates",
        _bounded(vote_forger),
    ),
    Scenario(
        "replayer",
        "what was said before, or in another network, changes nothing and convicts nobody",
        "one of four validators repeats old messages of every channel, its own and others'",
        _bounded(replayer),
    ),
    Scenario(
        "invalid-payloads",
        "no payload that breaks a rule becomes final",
        "one of four leaders breaks one rule after the other: parent, date, size, deliveries …",
        _bounded(invalid_payloads),
    ),
)
