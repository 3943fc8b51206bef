"""Ctrl-C and SIGTERM at any moment: the command fails and leaves nothing behind."""

import signal
import subprocess

import pytest
from braid_command import BraidCommand, free_port_options, wait_until, wait_until_gone

PLAYING = "agree on blocks"


def _up(braid: BraidCommand) -> "subprocess.Popen[str]":
    return braid.start("up", *free_port_options())


def _wait_until_ray_starts(braid: BraidCommand) -> None:
    wait_until(
        lambda: any("gcs_server" in process.name() for process in braid.processes()),
        "the start of Ray",
    )


def _wait_until_nodes_start(braid: BraidCommand) -> None:
    run = braid.directory / "run.json"
    wait_until(
        lambda: run.exists() and len(braid.processes()) > 14, "the start of the nodes' actors"
    )


def _assert_interrupted(
    braid: BraidCommand, process: "subprocess.Popen[str]", number: signal.Signals
) -> None:
    running = braid.processes()
    assert len(running) > 1
    braid.interrupt(process, number)
    done = braid.finish(process)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    wait_until_gone(running)
    assert braid.processes() == set()
    assert braid.temporary_files() == []


def test_ctrl_c_while_ray_starts_leaves_a_network_that_is_down(braid):
    process = _up(braid)
    _wait_until_ray_starts(braid)
    _assert_interrupted(braid, process, signal.SIGINT)
    assert not (braid.directory / "run.json").exists()
    assert "start it with `braid up`" in " ".join(braid.run("status").stderr.split())


def test_sigterm_while_the_nodes_start_leaves_a_network_that_is_down(braid):
    process = _up(braid)
    _wait_until_nodes_start(braid)
    _assert_interrupted(braid, process, signal.SIGTERM)
    assert not (braid.directory / "run.json").exists()


def test_ctrl_c_during_the_demo_leaves_nothing(braid):
    process = braid.start("demo", "--json", "--validators", "2")
    lines = iter(process.stderr)
    assert any(PLAYING in line for line in lines)
    _assert_interrupted(braid, process, signal.SIGINT)


def test_sigterm_while_the_demo_starts_leaves_nothing(braid):
    process = braid.start("demo", "--json")
    _wait_until_ray_starts(braid)
    _assert_interrupted(braid, process, signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_impatient_second_signal_changes_nothing(braid, number):
    process = _up(braid)
    _wait_until_ray_starts(braid)
    braid.interrupt(process, number)
    _assert_interrupted(braid, process, number)
