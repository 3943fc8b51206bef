"""The report is one file that loads nothing, and shows what is told to it as text."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cluster.chaos.plot import plot
from cluster.chaos.report import write_report
from cluster.chaos.scenario import Outcome
from cluster.chaos.timeline import Block, LossSample, Mark, MarkKind, NodeSample, Timeline


def timeline() -> Timeline:
    filled = Timeline()
    filled.marks += [Mark(1.0, MarkKind.FAULT, "<script>kill</script>"), Mark(3, MarkKind.HEAL, "")]
    filled.blocks += [Block(0.5, 1, "fast"), Block(0.9, 2, "zk")]
    filled.nodes += [
        NodeSample(0.4, 0, 1),
        NodeSample(1.2, 0, None),
        NodeSample(2.2, 0, 9, is_quarantined=True),
    ]
    filled.losses += [LossSample(0.5, 0, 10**18), LossSample(2.5, 10**17, 10**18)]
    return filled


def outcome(held: bool | None, filled: Timeline, reason: str | None = None) -> Outcome:
    return Outcome("a-scenario", "nothing is lost", held, 1, 5, 7, 2, 1.25, 9, filled, 4.0, reason)


def test_the_report_names_what_held_and_what_broke(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    outcomes = [outcome(True, timeline()), outcome(False, timeline(), "a & b")]
    write_report(file, outcomes)
    html = file.read_text()
    assert "1 of 2 scenarios held" in html
    assert "a &amp; b" in html
    assert "nothing is lost" in html


def test_the_report_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(file, [outcome(None, timeline(), "not here")])
    html = file.read_text()
    assert re.search(r"https?:|src=|@import|<script|url\(", html) is None
    assert "&lt;script&gt;kill" in html


@pytest.mark.parametrize("filled", [timeline(), Timeline()], ids=["filled", "empty"])
def test_the_plot_is_well_formed(filled: Timeline) -> None:
    svg = ElementTree.fromstring(plot(filled))
    assert svg.tag == "svg"


def test_a_node_that_did_not_answer_leaves_a_gap_in_its_line() -> None:
    lines = ElementTree.fromstring(plot(timeline())).findall("polyline")
    assert [line.findtext("title") for line in lines].count("node 0") == 2


def test_an_outcome_is_plain_for_programs() -> None:
    plain = outcome(True, Timeline()).to_json()
    assert plain["held"] is True
    assert (plain["loss_wei"], plain["bound_wei"], plain["nfts_lost_to_cap"]) == ("5", "7", 2)
    assert "timeline" not in plain
