"""The report is one file that loads nothing, and shows what is told to it as text."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from cluster.chaos.plot import plot
from cluster.chaos.report import write_report
from cluster.chaos.scenario import Outcome
from cluster.chaos.svg import union
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


def test_the_plot_is_well_formed() -> None:
    assert ElementTree.fromstring(plot(timeline())).tag == "svg"


def test_a_run_that_nobody_saw_has_no_plot() -> None:
    assert plot(Timeline()) == ""


def test_marks_are_numbered_in_the_picture_as_in_the_list(tmp_path: Path) -> None:
    words = [entry.text for entry in ElementTree.fromstring(plot(timeline())).findall("text")]
    assert ("1", "2") in pairwise(words)
    write_report(tmp_path / "report.html", [outcome(True, timeline())])
    cell = '<td class="figure faint">2</td><td class="figure">3.0 s</td><td class="heal">'
    assert cell in (tmp_path / "report.html").read_text()


def test_a_small_loss_is_seen_below_a_large_bound() -> None:
    """On a linear axis a thousandth of the bound would lie on the line of zero."""
    filled = timeline()
    filled.losses = [LossSample(0.5, 0, 10**21), LossSample(2.5, 10**18, 10**21)]
    loss = next(
        line
        for line in ElementTree.fromstring(plot(filled)).findall("polyline")
        if line.findtext("title") == "loss"
    )
    first, last = (float(point.split(",")[1]) for point in loss.attrib["points"].split())
    assert first - last > 40


def test_a_quarantine_that_several_nodes_tell_of_is_one_bar() -> None:
    """However far apart the samples are: each node's counts until its next one."""
    filled = timeline()
    filled.nodes = [
        NodeSample(second + node / 10, node, 1, is_quarantined=3 <= second < 9)
        for second in (0, 3, 6, 9, 12)
        for node in range(4)
    ]
    bars = ElementTree.fromstring(plot(filled)).findall("rect")
    assert [entry.findtext("title") for entry in bars].count("quarantine") == 1


def test_stretches_that_touch_are_one() -> None:
    assert union([(5.0, 6.0), (1.0, 2.0), (2.0, 3.0), (1.5, 1.7)]) == [(1.0, 3.0), (5.0, 6.0)]


def test_amounts_are_told_in_ether(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    told = replace(outcome(True, timeline()), loss_wei=13 * 10**17, bound_wei=64_001 * 10**18 + 1)
    write_report(file, [told])
    assert '<td class="figure">1.3</td><td class="figure">64,001</td>' in file.read_text()


def test_a_node_that_did_not_answer_leaves_a_gap_in_its_line() -> None:
    lines = ElementTree.fromstring(plot(timeline())).findall("polyline")
    assert [line.findtext("title") for line in lines].count("node 0") == 2


def test_an_outcome_is_plain_for_programs() -> None:
    plain = outcome(True, Timeline()).to_json()
    assert plain["held"] is True
    assert (plain["loss_wei"], plain["bound_wei"], plain["nfts_lost_to_cap"]) == ("5", "7", 2)
    assert "timeline" not in plain
