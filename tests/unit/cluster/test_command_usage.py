"""The command line without a network: help, wrong use, and errors of ours as one line."""

import json

import pytest
from typer.testing import CliRunner

from cluster.cli import app
from cluster.dev_genesis import PortPlan, create_dev_network
from cluster.output import print_json, rounded
from cluster.ports import free_ports
from cluster.ray_instance import RayAddress
from cluster.run_record import save_run
from tests.support.braid_main import BraidMain

COMMANDS = (
    "up", "status", "down", "quarantine", "resume", "demo", "prove", "witness", "verify", "prover",
    "bench", "node", "keys", "genesis",
)  # fmt: skip


@pytest.fixture
def run_main(monkeypatch, capfd):
    return BraidMain(monkeypatch, capfd)


def test_help_names_every_command():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in COMMANDS:
        assert command in result.stdout


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        "bench consensus",
        "bench throughput",
        "bench prove",
        "prover status",
        "prover retry",
        "node start",
        "node status",
        "node stop",
        "node join",
        "keys new",
        "keys public",
        "genesis template",
        "genesis assemble",
        "genesis show",
        "genesis verify",
    ],
)
def test_every_command_has_help(command):
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["up", "--nothing"],
        ["up", "--validators", "1"],
        ["up", "--validators", "17"],
        ["up", "--validators", "four"],
        ["up", "--rpc-port", "x"],
        ["up", "--rpc-port", "70000"],
        ["up", "--p2p-port", "0"],
        ["demo", "--validators", "1"],
        ["quarantine"],
        ["quarantine", "0"],
        ["quarantine", "one", "--reason", "x"],
        ["resume"],
        ["resume", "0", "--checkpoint", "x"],
        ["prove"],
        ["prove", "--from", "1"],
        ["prove", "--from", "0", "--to", "1"],
        ["prove", "--from", "3", "--to", "2"],
        ["prove", "--elf", "x", "--parameters", "quick"],
        ["prove", "--from", "1", "--to", "2", "--elf", "x"],
        ["prove", "--witness", "x", "--elf", "y"],
        ["witness", "--from", "1"],
        ["witness", "--from", "3", "--to", "2"],
        ["verify"],
        ["node", "start"],
        ["node", "start", "-1"],
        ["node", "start", "x"],
        ["node", "start", "0", "--rpc", "8545"],
        ["node", "start", "0", "--listen", "node.example.org:9645"],
        ["node", "join"],
        ["node", "join", "x", "--digest", "66"],
        ["keys", "public", "--name", "a", "--out", "x"],
        ["keys", "public", "--name", "a", "--p2p", "node:9645", "--out", "x"],
        ["keys", "public", "--name", "a", "--p2p", "/dns/a/tcp/1", "--out", "x", "--coinbase", "1"],
        ["genesis", "assemble", "--out", "x", "--development"],
        ["genesis", "assemble", "a.json", "--out", "x"],
        ["genesis", "assemble", "a.json", "--out", "x", "--development", "--chain-config", "y"],
        ["genesis", "verify", "x", "--digest", "zz"],
        ["bench", "nothing"],
        ["bench", "prove", "--parameters", "quick"],
        ["bench", "throughput", "--transactions", "1"],
    ],
)
def test_wrong_use_is_explained_and_exits_with_2(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "Error" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("status", "--json"),
        ("down",),
        ("down", "--json"),
        ("quarantine", "0", "--reason", "x"),
        ("resume", "0"),
        ("node", "start", "0"),
        ("node", "status", "0"),
        ("node", "stop", "0"),
    ],
)
def test_a_directory_without_a_network_is_one_line_on_stderr(run_main, tmp_path, command):
    code, stdout, stderr = run_main(*command, "--dir", str(tmp_path))
    assert code == 1
    assert stdout == ""
    assert stderr.startswith("error: ")
    assert "holds no network" in stderr


@pytest.mark.parametrize("command", ["status", "down", "quarantine", "resume"])
def test_a_network_that_is_down_is_said_to_be_with_what_to_do(run_main, tmp_path, command):
    create_dev_network(tmp_path, 4, PortPlan(None, None))
    more = {"quarantine": ("0", "--reason", "x"), "resume": ("0",)}.get(command, ())
    code, stdout, stderr = run_main(command, *more, "--dir", str(tmp_path))
    assert (code, stdout) == (1, "")
    assert "start it with `braid up`" in stderr


@pytest.mark.parametrize("node", ["4", "-1", "99999999999999999999"])
@pytest.mark.parametrize("command", ["quarantine", "resume"])
def test_a_node_that_does_not_exist_is_an_error(run_main, tmp_path, command, node):
    create_dev_network(tmp_path, 4, PortPlan(None, None))
    more = ("--reason", "x") if command == "quarantine" else ()
    code, _, stderr = run_main(command, *more, "--dir", str(tmp_path), "--", node)
    assert code == 1
    assert "there are nodes 0 to 3" in stderr


@pytest.mark.parametrize("command", ["start", "status", "stop"])
def test_a_single_node_that_does_not_exist_is_an_error(run_main, tmp_path, command):
    create_dev_network(tmp_path, 4, PortPlan(None, None))
    code, _, stderr = run_main("node", command, "4", "--dir", str(tmp_path))
    assert code == 1
    assert "there are nodes 0 to 3" in stderr


@pytest.mark.parametrize("scheme", ["", "ray://"])
@pytest.mark.parametrize(
    "command", [("node", "start", "0"), ("node", "status", "0"), ("node", "stop", "0"), ("up",)]
)
def test_a_ray_that_is_not_there_is_said_at_once(run_main, tmp_path, command, scheme):
    create_dev_network(tmp_path, 4, PortPlan(None, None))
    (nobody,) = free_ports(1)
    address = f"{scheme}127.0.0.1:{nobody}"
    code, stdout, stderr = run_main(*command, "--dir", str(tmp_path), "--address", address)
    assert (code, stdout) == (1, "")
    assert f"nothing answers at {address}" in stderr
    assert not (tmp_path / "run.json").exists()


def test_a_ray_elsewhere_that_is_gone_does_not_keep_a_directory_for_ever(run_main, tmp_path):
    network = create_dev_network(tmp_path, 4, PortPlan(None, None))
    (nobody,) = free_ports(1)
    save_run(network, RayAddress(f"127.0.0.1:{nobody}"))
    code, _, stderr = run_main("down", "--dir", str(tmp_path))
    assert code == 1
    advice = f"If that Ray is gone for good, remove {tmp_path / 'run.json'}"
    assert "".join(advice.split()) in "".join(stderr.split())


def test_a_directory_with_one_operator_s_node_does_not_start_all(run_main, tmp_path):
    network = create_dev_network(tmp_path, 4, PortPlan(None, None))
    for node in (0, 2):
        network.nodes[node].seed_file.unlink()
    code, stdout, stderr = run_main("up", "--dir", str(tmp_path))
    assert (code, stdout) == (1, "")
    assert "the seeds of nodes 0, 2 are not in" in stderr
    assert "braid node start" in stderr


def test_a_node_with_another_s_seed_does_not_start_and_nothing_else_does(run_main, tmp_path):
    network = create_dev_network(tmp_path, 4, PortPlan(None, None))
    network.nodes[1].seed_file.write_bytes(network.nodes[2].seed_file.read_bytes())
    code, stdout, stderr = run_main("node", "start", "1", "--dir", str(tmp_path))
    assert (code, stdout) == (1, "")
    assert "is not the seed of validator 1 of the genesis" in " ".join(stderr.split())
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize(
    ("reason", "text"), [("x" * 65, "at most 64 bytes"), ("ä" * 33, "at most 64 bytes")]
)
def test_a_reason_that_does_not_fit_the_ledger_is_refused(run_main, tmp_path, reason, text):
    create_dev_network(tmp_path, 4, PortPlan(None, None))
    code, _, stderr = run_main("quarantine", "0", "--reason", reason, "--dir", str(tmp_path))
    assert code == 1
    assert text in stderr


def test_the_directory_may_come_from_the_environment(run_main, tmp_path, monkeypatch):
    create_dev_network(tmp_path / "there", 4, PortPlan(None, None))
    monkeypatch.setenv("BRAID_DIR", str(tmp_path / "there"))
    code, _, stderr = run_main("status")
    assert code == 1
    assert "no network runs from" in stderr


def test_a_directory_that_is_a_file_is_an_error_of_ours(run_main, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    for command in ("up", "status"):
        code, _, stderr = run_main(command, "--dir", str(file))
        assert code == 1
        assert stderr.startswith("error: ")


def test_a_demo_is_not_kept_where_a_network_is(run_main, tmp_path):
    create_dev_network(tmp_path, 4, PortPlan(None, None))
    code, _, stderr = run_main("demo", "--keep", str(tmp_path))
    assert code == 1
    assert "holds a network already" in stderr


def test_json_is_one_line(capsys):
    print_json({"a": 1, "b": [None, "ü"]})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"a": 1, "b": [None, "ü"]}


def test_a_figure_is_rounded_and_nothing_stays_nothing():
    assert rounded(1.2345) == 1.2
    assert rounded(None) is None
