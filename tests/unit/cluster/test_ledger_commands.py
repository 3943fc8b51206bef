"""`braid ledger`: heights are bounded and checked, and files are written whole or not at all."""

import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from local_network import LocalNetwork
from long_ledger import write_long_ledger

from cluster.cli import app
from cluster.errors import LedgerRefused
from cluster.network import describe_network
from cluster.node_entries import NodeEntry
from ledger.types import ChainRole
from storage.store import Store

BLOCKS = 70


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network's directory, in which node 0 has 70 blocks."""
    directory = tmp_path_factory.mktemp("network")
    local = LocalNetwork(directory)
    write_long_ledger(local, BLOCKS, 0)
    entries = [NodeEntry.on_this_machine(9001 + index, 8001 + index) for index in range(4)]
    describe_network(directory, local.genesis, entries)
    for role in ChainRole:
        Store(directory / "node-0" / role.name.lower()).close()
    return directory


@pytest.fixture
def directory(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "network"))


def run(directory: Path, command: str, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["ledger", command, "--dir", str(directory), *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(directory: Path, command: str, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["ledger", command, "--dir", str(directory), *arguments])
    assert done.exit_code != 0
    return str(done.exception) + done.output


def test_a_ledger_is_verified_to_its_head(directory):
    answer = json.loads(run(directory, "verify", "--json"))
    assert answer["is_valid"] is True
    assert answer["height"] == BLOCKS


def test_a_block_is_shown_with_who_made_it_final(directory):
    answer = json.loads(run(directory, "inspect", "64", "--json"))
    assert int(answer["header"]["height"]) == 64
    assert len(answer["finalization"]["signatures"]) == 3


def test_people_see_a_table(directory):
    done = CliRunner().invoke(app, ["ledger", "inspect", "2", "--dir", str(directory)])
    assert done.exit_code == 0, done.output


def test_a_block_that_is_not_there_is_said(directory):
    assert f"ends at block {BLOCKS}" in refused(directory, "inspect", str(BLOCKS + 1))
    assert f"ends at block {BLOCKS}" in refused(directory, "export", f"1..{BLOCKS + 1}")


def test_a_node_without_a_ledger_is_said(directory):
    assert "holds no ledger" in refused(directory, "verify", "--node", "1")
    assert "there are nodes 0 to 3" in refused(directory, "verify", "--node", "4")


def test_blocks_are_exported_one_a_line(directory, tmp_path):
    out = tmp_path / "blocks.jsonl"
    run(directory, "export", "3..6", "--out", str(out))
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["height"] for line in lines] == [3, 4, 5, 6]
    for earlier, later in pairwise(lines):
        assert later["header"]["parent"] == earlier["digest"]
    assert [json.loads(line) for line in run(directory, "export", "3..6").splitlines()] == lines


def test_an_export_that_fails_leaves_no_file(directory, tmp_path):
    shutil.rmtree(directory / "node-0" / "zk")
    out = tmp_path / "blocks.jsonl"
    refused(directory, "export", "1..5", "--out", str(out))
    assert list(tmp_path.glob("blocks*")) == []


@pytest.mark.parametrize("heights", ["0..5", "5..4", "5", "..", "a..b", "-1..5", "1..2..3", "٣..٤"])
def test_heights_that_are_none_are_refused(directory, heights):
    said = refused(directory, "export", "--", heights)
    assert "FROM..TO" in said or "holds no block" in said


def test_a_ledger_of_another_network_is_refused(directory, tmp_path):
    other = LocalNetwork(tmp_path / "other", validators=5)
    entries = [NodeEntry.on_this_machine(9001 + index, 8001 + index) for index in range(5)]
    describe_network(directory, other.genesis, entries)
    with pytest.raises(LedgerRefused, match="belongs to the network"):
        run(directory, "verify")
