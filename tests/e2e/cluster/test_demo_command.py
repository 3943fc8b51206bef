"""`braid demo --json`: one JSON object with every figure, and nothing left behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from braid_command import BraidCommand

from actors.prover.stf import load_guest
from cluster.demo.run import broken_invariants
from execution.statement import public_values
from execution.witness import run_batch
from proving.machine.executor import run_only

KEYS = {
    "validators",
    "ledger_height",
    "zk_blocks",
    "fast_blocks",
    "switches_between_chains",
    "soft_ms_p50",
    "finality_ms_p50",
    "finality_ms_p99",
    "zk_to_fast_ms_p50",
    "fast_to_zk_ms_p50",
    "moves",
    "trophies_minted",
    "round_cap",
    "over_cap_rejected",
    "loss_bound_wei_before",
    "loss_bound_wei_after",
    "sale_ok",
    "roots_agree",
    "batch_status",
    "batches_posted",
    "batches_proven",
    "l1_gas_total",
    "l1_gas_largest_tx",
}
MAX_TRANSACTION_GAS = 16_777_216
"""EIP-7825."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo's network is kept."""
    return tmp_path_factory.mktemp("demo") / "network"


@pytest.fixture(scope="module")
def figures(directory: Path) -> dict[str, Any]:
    """What the demo measured."""
    with BraidCommand() as command:
        done = command.run("demo", "--json", "--keep", str(directory))
        assert done.returncode == 0, done.stderr
        assert command.processes() == set()
        assert command.temporary_files() == []
        (line,) = done.stdout.splitlines()
    answer: dict[str, Any] = json.loads(line)
    return answer


def test_the_demo_prints_one_object_with_every_figure(figures):
    assert set(figures) >= KEYS
    assert all(figures[key] is not None for key in KEYS)


def test_the_demo_keeps_its_promises(figures):
    assert broken_invariants(figures) == []
    assert figures["validators"] == 4
    assert figures["trophies_minted"] == figures["round_cap"] == 3
    assert figures["over_cap_rejected"] == 49
    assert figures["moves"] >= 200
    assert figures["sale_ok"] is True
    assert figures["roots_agree"] is True


def test_the_demo_s_figures_fit_together(figures):
    assert figures["zk_blocks"] + figures["fast_blocks"] == figures["ledger_height"]
    assert 0 < figures["switches_between_chains"] < figures["ledger_height"]
    assert 0 < figures["soft_ms_p50"] <= figures["finality_ms_p50"] <= figures["finality_ms_p99"]
    assert figures["zk_to_fast_ms_p50"] > 0
    assert figures["fast_to_zk_ms_p50"] > 0
    assert figures["loss_bound_wei_after"] <= figures["loss_bound_wei_before"]


def test_the_demo_says_truthfully_how_far_its_batch_is(figures):
    assert figures["batch_status"] == "posted, proof pending"
    assert figures["batches_posted"] >= 1
    assert figures["batches_proven"] == 0
    assert 0 < figures["l1_gas_largest_tx"] <= MAX_TRANSACTION_GAS
    assert figures["l1_gas_largest_tx"] <= figures["l1_gas_total"]


@pytest.mark.slow
@pytest.mark.settlement
@pytest.mark.timeout(3600)
def test_with_prove_the_batch_is_final_on_l1_and_the_assets_are_taken_out_there():
    with BraidCommand() as command:
        process = command.start("demo", "--prove", "--json")
        done = command.finish(process, seconds=3500.0)
        assert done.returncode == 0, done.stderr
        assert command.processes() == set()
        assert command.temporary_files() == []
    figures = json.loads(done.stdout)
    assert set(figures) >= KEYS | {"proof_seconds", "withdrawal_ok", "zk_finalized_block"}
    assert figures["batch_status"] == "final"
    assert figures["batches_proven"] >= 1
    assert figures["withdrawal_ok"] is True
    assert figures["zk_finalized_block"] == figures["zk_proven_block"]
    assert figures["l1_gas_largest_tx"] <= MAX_TRANSACTION_GAS
    assert broken_invariants(figures) == []


def test_the_guest_of_the_zkvm_executes_the_demo_s_zk_chain(figures, directory, tmp_path):
    out = tmp_path / "demo.witness"
    blocks = ("--from", "1", "--to", str(figures["zk_blocks"]))
    with BraidCommand() as command:
        done = command.run("witness", "--dir", str(directory), *blocks, "--out", str(out))
        assert done.returncode == 0, done.stderr
    statement = run_batch(out.read_bytes())
    assert run_only(load_guest(), out.read_bytes()).public_values == public_values(statement)
    assert sum(totals.mints for totals in statement.rounds.values()) == 3
    assert statement.after.certificates != statement.before.certificates
