"""Every `braid` command that somebody is told to run, here or in a manifest, is one that exists."""

import pytest

from tests.deploy.commands import (
    UsageError,
    commands_in,
    commands_of_cluster_file,
    commands_of_manifests,
    commands_of_readme,
    parse,
)
from tests.deploy.rendering import KUSTOMIZATIONS


def test_the_jobs_run_commands_that_exist(rendered):
    found = {
        name: [parse(each) for each in commands_of_manifests(rendered[name])]
        for name in KUSTOMIZATIONS
    }
    assert {name: commands for name, commands in found.items() if commands} == {
        "jobs/up": ["up"],
        "jobs/node": ["node start"],
        "jobs/prove": ["prove"],
    }


def test_the_readme_names_commands_that_exist():
    found = {parse(each) for each in commands_of_readme()}
    assert found == {
        *("keys new", "keys public"),
        *("genesis template", "genesis assemble", "genesis verify"),
        *("node join", "node start", "node status"),
    }


@pytest.mark.parametrize(
    ("name", "commands"),
    [("local", {"up", "keys new", "node join"}), ("aws", {"node start", "node join"})],
)
def test_the_cluster_files_run_commands_that_exist(name, commands):
    assert {parse(each) for each in commands_of_cluster_file(name)} == commands


@pytest.mark.parametrize(
    "line",
    [
        "braid nodes start 0",
        "/opt/braid/bin/braid node start --dir x",
        "braid up --addres auto",
        "braid node start 0 --rpc 8545",
        "test -e x || braid genesis assemble --out net",
    ],
)
def test_a_command_that_is_mistyped_is_found(line):
    (arguments,) = commands_in(line)
    with pytest.raises(UsageError):
        parse(arguments)


def test_a_job_of_an_operator_listens_where_the_policies_let_peers_in(rendered):
    (arguments,) = commands_of_manifests(rendered["jobs/node"])
    assert arguments[arguments.index("--listen") + 1] == "0.0.0.0:9645"
    assert arguments[arguments.index("--rpc") + 1] == "0.0.0.0:8545"


@pytest.mark.parametrize("overlay", ["overlays/dev", "overlays/operator"])
def test_jobs_find_the_network_on_the_head(rendered, overlay):
    (cluster,) = [each for each in rendered[overlay] if each["kind"] == "RayCluster"]
    (head,) = cluster["spec"]["headGroupSpec"]["template"]["spec"]["containers"]
    mounted = {mount["mountPath"] for mount in head["volumeMounts"]}
    assert {
        "/var/lib/braid",
        "/var/lib/braid/genesis.bin",
        "/var/lib/braid/network.json",
    } <= mounted
