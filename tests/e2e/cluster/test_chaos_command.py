"""`braid chaos` on real Ray and libp2p: a quick scenario by default, all behind the marker."""

import json
from pathlib import Path
from typing import Any

import pytest
from braid_command import BraidCommand

BROKEN = """
from cluster.chaos.errors import InvariantBroken
from cluster.chaos.scenario import Finding, Scenario


def run(arena):
    arena.fault("a promise that nobody can keep")
    raise InvariantBroken("the sun has set")


SCENARIOS = (Scenario("broken", "the sun does not set", "time passes", run),)
"""
FIELDS = {
    "name",
    "invariant",
    "held",
    "faults_injected",
    "loss_wei",
    "bound_wei",
    "nfts_lost_to_cap",
    "recovery_seconds",
    "seed",
}


def test_a_killed_validator_votes_again_and_nothing_is_left_behind(
    braid: BraidCommand, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    answer = braid.json("chaos", "run", "kill-validator", "--seed", "5", "--report", str(report))
    (found,) = answer["scenarios"]
    assert set(found) >= FIELDS
    assert found["held"] is True
    assert found["seed"] == 5
    assert found["faults_injected"] == 1
    assert found["recovery_seconds"] > 0
    assert "<svg" in report.read_text()
    assert braid.processes() == set()
    assert braid.temporary_files() == []


def test_a_list_needs_no_network(braid: BraidCommand) -> None:
    listed = braid.json("chaos", "list")["scenarios"]
    assert {"name", "invariant", "description", "seed"} == set(listed[0])


@pytest.mark.chaos
def test_a_broken_promise_ends_with_exit_code_1_and_says_how_to_see_it_again(
    braid: BraidCommand, tmp_path: Path
) -> None:
    file = tmp_path / "own.py"
    file.write_text(BROKEN)
    done = braid.run("chaos", "run", "broken", "--scenarios", str(file), "--json")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)["scenarios"]
    assert found["held"] is False
    assert "the sun has set" in found["reason"]
    assert "braid chaos run broken --seed 1" in done.stderr
    assert braid.processes() == set()


def _names() -> list[str]:
    from cluster.chaos.catalogue import known_scenarios

    return list(known_scenarios())


@pytest.mark.chaos
@pytest.mark.parametrize("name", _names())
def test_every_scenario_holds(braid: BraidCommand, name: str) -> None:
    found: dict[str, Any] = braid.json("chaos", "run", name)["scenarios"][0]
    if found["held"] is None:
        pytest.skip(found["reason"])
    assert found["held"], found["reason"]
    assert int(found["loss_wei"]) <= int(found["bound_wei"])
    assert braid.processes() == set()
