"""Runs the demo: tells the story, measures, checks every invariant, and prints the figures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from actors.validator.latency import percentile
from cluster.demo.game import FORGED_COUNT, PLAYER_COUNT, ROUND_CAP, Game
from cluster.errors import DemoFailed
from cluster.output import console, print_json, print_table, rounded, say, say_progress
from cluster.session import Session, temporary_network
from ledger.types import ChainRole

COMPARED_BLOCKS: Final = 20
MINIMUM_MOVES: Final = 200


def run_demo(validators: int, keep: Path | None, as_json: bool) -> None:
    """Play the game on a fresh network.

    Raises
    ------
    DemoFailed
        If a step or an invariant fails.
    """
    began = time.monotonic()
    say(f"[bold]Braid[/]: one ledger, two chains, {validators} BFT validators on this machine\n")
    with temporary_network(validators, say_progress, keep) as session:
        _done(began, f"{validators} validators (Ray actors) talk over libp2p and agree on blocks")
        figures = _play(session)
    failures = broken_invariants(figures)
    if as_json:
        print_json(figures)
    else:
        print_table("Measured", ("figure", "value"), figures.items())
    if failures:
        raise DemoFailed("; ".join(failures))
    say(f"[green]all invariants hold[/] ({time.monotonic() - began:.0f} s)")


def broken_invariants(figures: dict[str, Any]) -> list[str]:
    """What the demo promises and these figures break, in words."""
    checks = {
        "the nodes' roots and digests differ": not figures["roots_agree"],
        "more trophies than the round's cap": figures["trophies_minted"] > figures["round_cap"],
        "the forged report minted nothing over the cap": figures["over_cap_rejected"] <= 0,
        "the sale did not go through": not figures["sale_ok"],
        "too few moves": figures["moves"] < MINIMUM_MOVES,
        "the loss exceeds the bound": figures["loss_bound_wei_after"]
        > figures["loss_bound_wei_before"],
    }
    return [text for text, is_broken in checks.items() if is_broken]


def _play(session: Session) -> dict[str, Any]:
    game = Game(session.client(0, ChainRole.ZK), session.client(0, ChainRole.FAST))
    with _step("the game's contracts are deployed on both chains"):
        game.deploy()
    with _step(f"{PLAYER_COUNT} players hold an access pass on the ZK chain"):
        minted_in_block = game.mint_passes()
    with _step(f"a round is open on the ZK chain, with a cap of {ROUND_CAP} trophies"):
        game.open_round()
    bound_before = game.loss_bound_wei()
    with _step("every player has proved the pass to the fast chain, with no third party"):
        zk_block = game.join(minted_in_block)
    say(f"    [dim]by eth_getProof against the certified root of ZK block {zk_block}[/]")
    with _step("all moves are played on the fast chain"):
        game.play()
    say(f"    [dim]{game.moves} moves[/]")
    with _step("the honest report crossed to the ZK chain and minted trophies"):
        honest = game.finish()
    say(f"    [dim]{honest} trophies[/]")
    with _step(f"a forged report asked for {FORGED_COUNT} trophies more"):
        refused = game.forge()
    minted = game.trophies_minted()
    say(f"    [dim]the cap left {minted - honest} of them and refused {refused}[/]")
    bound_after = game.loss_bound_wei()
    with _step("a trophy was listed and bought on the ZK chain's market"):
        is_sold = game.sell_trophy()
    with _step("all nodes have the same roots and the same ledger at the same heights"):
        agreement = _compare_nodes(session)
    return {
        "validators": len(session.nodes),
        "ledger_height": agreement["ledger_height"],
        "zk_blocks": agreement["zk_blocks"],
        "fast_blocks": agreement["fast_blocks"],
        "switches_between_chains": agreement["switches"],
        **_latencies(session),
        "moves": game.moves,
        "trophies_minted": minted,
        "round_cap": ROUND_CAP,
        "over_cap_rejected": refused,
        "loss_bound_wei_before": bound_before,
        "loss_bound_wei_after": bound_after,
        "sale_ok": is_sold,
        "roots_agree": agreement["roots_agree"],
    }


def _latencies(session: Session) -> dict[str, float | None]:
    samples = session.latency_samples()
    return {
        "soft_ms_p50": rounded(percentile(samples["soft"], 0.5)),
        "finality_ms_p50": rounded(percentile(samples["final"], 0.5)),
        "finality_ms_p99": rounded(percentile(samples["final"], 0.99)),
        "zk_to_fast_ms_p50": rounded(percentile(samples["zk_to_fast"], 0.5)),
        "fast_to_zk_ms_p50": rounded(percentile(samples["fast_to_zk"], 0.5)),
    }


def _compare_nodes(session: Session) -> dict[str, Any]:
    """Ask every node, through its own JSON-RPC, for the same final blocks of both chains."""
    height = min(session.ask_all("ledger_height"))
    compared = range(max(1, height - COMPARED_BLOCKS + 1), height + 1)
    digests = []
    roots = []
    for node in range(len(session.nodes)):
        zk, fast = session.client(node, ChainRole.ZK), session.client(node, ChainRole.FAST)
        digests.append([zk.rpc("braid_getLedgerBlock", number)["digest"] for number in compared])
        roots.append({ChainRole.ZK: zk, ChainRole.FAST: fast})
    answers = []
    numbers = {
        role: min(clients[role].web3.eth.get_block("safe")["number"] for clients in roots)
        for role in ChainRole
    }
    for clients in roots:
        answers.append(
            [
                _root_of(clients[role], number)
                for role in ChainRole
                for number in range(max(0, numbers[role] - COMPARED_BLOCKS), numbers[role] + 1)
            ]
        )
    order = session.ask_all("interleaving", 1, height)
    switches = sum(left != right for left, right in zip(order[0], order[0][1:], strict=False))
    is_same = all(
        listed[0] == other for listed in (digests, answers, order) for other in listed[1:]
    )
    return {
        "ledger_height": height,
        "zk_blocks": order[0].count(ChainRole.ZK),
        "fast_blocks": order[0].count(ChainRole.FAST),
        "switches": switches,
        "roots_agree": is_same,
    }


def _root_of(client: Any, number: int) -> tuple[int, str, str]:
    block = client.web3.eth.get_block(number)
    return number, block["hash"].hex(), block["stateRoot"].hex()


@contextmanager
def _step(text: str) -> Iterator[None]:
    began = time.monotonic()
    with console.status(text):
        yield
    _done(began, text)


def _done(began: float, text: str) -> None:
    say(f"[green]✓[/] {text} [dim]({time.monotonic() - began:.1f} s)[/]")
