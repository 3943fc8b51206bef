"""Scenarios are found, those of a user too, and a file that has none is refused."""

from pathlib import Path

import pytest

from cluster.chaos.catalogue import chosen_scenarios, known_scenarios
from cluster.chaos.errors import BadScenarioFile, UnknownScenario
from cluster.chaos.observer import participants
from cluster.chaos.scenario import replacing

OWN = """
from cluster.chaos.scenario import Finding, Scenario

SCENARIOS = (Scenario("{name}", "it holds", "nothing is done", lambda arena: Finding()),)
"""


def write(directory: Path, content: str) -> Path:
    file = directory / "own.py"
    file.write_text(content)
    return file


def test_every_scenario_says_what_it_does_and_what_has_to_hold() -> None:
    known = known_scenarios()
    assert {"kill-validator", "torn-journal", "partition-halves", "l1-outage"} <= set(known)
    for name, scenario in known.items():
        assert scenario.name == name
        assert scenario.invariant
        assert scenario.description


def test_every_traitor_has_a_scenario() -> None:
    assert {
        "equivocating-leader",
        "flooder",
        "invalid-payloads",
        "prover-death",
        "replayer",
        "twins",
        "vote-forger",
        "withholding-leader",
    } <= set(known_scenarios())


def test_all_are_chosen_by_that_word_and_one_by_its_name() -> None:
    assert chosen_scenarios("all") == list(known_scenarios().values())
    assert [scenario.name for scenario in chosen_scenarios("kill-node")] == ["kill-node"]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownScenario, match="braid chaos list"):
        chosen_scenarios("kill-nobody")


def test_a_user_s_scenario_is_found(tmp_path: Path) -> None:
    (scenario,) = chosen_scenarios("mine", write(tmp_path, OWN.format(name="mine")))
    assert scenario.invariant == "it holds"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("SCENARIOS = []", "no tuple"),
        ("", "no tuple"),
        ("SCENARIOS = (1,)", "no tuple"),
        ("import nothing_of_that_name", "cannot be loaded"),
        ("def", "cannot be loaded"),
        (OWN.format(name="kill-node"), "taken"),
        (OWN.format(name="all"), "taken"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(BadScenarioFile, match=reason):
        known_scenarios(write(tmp_path, content))


def test_a_class_is_replaced_on_the_named_nodes_and_for_the_named_part_only() -> None:
    choose = replacing("executor-fast", "forged", 1, 2)
    assert choose(1, "executor-fast", "standard") == "forged"
    assert choose(0, "executor-fast", "standard") == "standard"
    assert choose(1, "executor-zk", "standard") == "standard"
    assert replacing("bridge", "forged")(3, "bridge", "standard") == "forged"


def test_who_took_part_in_a_block_is_its_proposer_and_its_signers() -> None:
    block = {"header": {"proposer": 3}, "finalization": {"signers": "0x07"}}
    assert participants(block) == {0, 1, 2, 3}
    assert participants({"header": {"proposer": 1}, "finalization": None}) == {1}
