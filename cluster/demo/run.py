"""Runs the demo: tells the story, measures, checks every invariant, and prints the figures."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from actors.validator.latency import percentile
from cluster.chain_client import ChainClient
from cluster.demo.asset import AssetLife
from cluster.demo.game import FORGED_COUNT, PLAYER_COUNT, ROUND_CAP, Game
from cluster.demo.settling import DemoSettlement, take_out_when_final
from cluster.errors import DemoFailed
from cluster.l1_choice import temporary_l1
from cluster.output import console, print_json, print_table, rounded, say, say_progress
from cluster.session import Session, temporary_network
from ledger.types import ChainRole

COMPARED_BLOCKS: Final = 20
MINIMUM_MOVES: Final = 200


def run_demo(
    validators: int, keep: Path | None, as_json: bool, is_proved: bool = False, provers: int = 1
) -> None:
    """Play the game on a fresh network, and settle it.

    Parameters
    ----------
    is_proved
        Whether to wait for the validity proof, which takes minutes.
    provers
        Workers that make it.

    Raises
    ------
    DemoFailed
        If a step or an invariant fails.
    """
    began = time.monotonic()
    say(f"[bold]Braid[/]: one ledger, two chains, {validators} BFT validators on this machine\n")
    l1 = temporary_l1(provers if is_proved else 0)
    with temporary_network(validators, say_progress, keep, l1) as session:
        _done(began, f"{validators} validators (Ray actors) talk over libp2p and agree on blocks")
        figures = _play(session, is_proved)
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
        "the batch was not posted": figures["batches_posted"] < 1,
    }
    if figures["batch_status"] == "final":
        checks |= {
            "the batch was not proven": figures["batches_proven"] < 1,
            "the withdrawal on L1 failed": not figures["withdrawal_ok"],
            "the finalized tag is not the proven block": figures["zk_finalized_block"]
            != figures["zk_proven_block"],
        }
    return [text for text, is_broken in checks.items() if is_broken]


def _play(session: Session, is_proved: bool) -> dict[str, Any]:
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
    settled = _settle(session, is_proved)
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
        **settled,
    }


def _settle(session: Session, is_proved: bool) -> dict[str, Any]:
    """Take an asset from L1 over both chains and back, and settle the ZK chain."""
    settlement = DemoSettlement(session)
    with _step("Rollup, validator registry and proof verifier are deployed on L1"):
        deployment = settlement.deployment()
    life = AssetLife(
        ChainClient("L1", session.l1_url),
        session.client(0, ChainRole.ZK),
        session.client(0, ChainRole.FAST),
        deployment,
    )
    with _step("ETH and an ERC-721 token were deposited on L1 and are on the ZK chain"):
        life.deposit()
    with _step("both went to the fast chain and came back"):
        life.visit_fast_chain()
    with _step("both were withdrawn on the ZK chain"):
        withdrawals = life.withdraw()
    with _step("the ZK chain is posted to L1 and committed with the validators' certificate"):
        last_block = settlement.post(max(entry.zk_block for entry in withdrawals))
        # Under the root that the batch ends in, while the nodes still hold that state.
        proofs = [life.prove(entry, last_block) for entry in withdrawals]
    if not is_proved:
        say("    [dim]posted, proof pending: `braid demo --prove` waits for it[/]")
        return {"batch_status": "posted, proof pending", **settlement.figures()}
    with _step(
        "the validity proof was verified by L1, and the assets were taken out there"
    ) as tell:
        return take_out_when_final(settlement, life, proofs, last_block, tell)


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
def _step(text: str) -> Iterator[Callable[[str], None]]:
    """Show a step while it runs; gives what tells how far it is."""
    began = time.monotonic()
    with console.status(text) as spinner:
        yield lambda detail: spinner.update(f"{text}: {detail}")
    _done(began, text)


def _done(began: float, text: str) -> None:
    say(f"[green]✓[/] {text} [dim]({time.monotonic() - began:.1f} s)[/]")
