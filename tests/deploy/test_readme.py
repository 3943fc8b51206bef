"""The commands of deploy/README.md make what the manifests ask for."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy.pod_policies import CONFIGURATION_BY_HAND, SECRETS_BY_HAND
from tests.deploy.pods import all_pods
from tests.deploy.rendering import ROOT

README = (ROOT / "deploy" / "README.md").read_text()


@pytest.fixture(scope="module")
def made(kubectl, tmp_path_factory):
    """Objects that the README's commands make, of a network's files: by kind and name."""
    folder = tmp_path_factory.mktemp("readme")
    shim = folder / "bin" / "kubectl"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\n{kubectl} "$@" --dry-run=client -o yaml >> {folder}/made.yaml\n'
        f"echo --- >> {folder}/made.yaml\n"
    )
    shim.chmod(0o755)
    (commands,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    subprocess.run(
        ["bash", "-euc", commands],
        cwd=folder,
        check=True,
        env=os.environ
        | {
            "PATH": f"{shim.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "KUBECONFIG": os.devnull,
        },
    )
    objects = yaml.safe_load_all((folder / "made.yaml").read_text())
    return {(each["kind"], each["metadata"]["name"]): each for each in objects if each}


def test_the_commands_make_every_secret_and_configuration_with_its_keys(made, deployments):
    wanted = set()
    for pod in all_pods(deployments["dev with its start and the smoke test"]):
        for volume in pod.volumes.values():
            secret = volume.get("secret", {})
            wanted |= {
                ("Secret", secret["secretName"], item["key"]) for item in secret.get("items", [])
            }
    wanted |= {
        ("Secret", "redis", "password"),
        ("ConfigMap", "genesis", "genesis.bin"),
        ("ConfigMap", "genesis", "network.json"),
    }
    given = {
        (kind, name, key)
        for (kind, name), each in made.items()
        for key in (each.get("data") or {}) | (each.get("binaryData") or {})
    }
    assert given == wanted
    assert {name for kind, name in made if kind == "Secret"} == SECRETS_BY_HAND
    assert {name for kind, name in made if kind == "ConfigMap"} == CONFIGURATION_BY_HAND


def test_no_two_validators_get_one_seed(made):
    seeds = {made["Secret", f"validator-{index}"]["data"]["seed"] for index in range(4)}
    assert len(seeds) == 4


def test_the_nodes_of_the_commands_listen_to_each_other_and_to_the_probes(made):
    network = json.loads(made["ConfigMap", "genesis"]["data"]["network.json"])
    assert network["nodes"] == [
        {"address": f"/dns4/validator-{index}/tcp/9645", "rpc": "0.0.0.0:8545"}
        for index in range(4)
    ]


def test_every_path_that_it_names_exists():
    named = set(re.findall(r"`((?:k8s|ray)/[\w./-]+)`", README))
    named |= {
        path.removeprefix("deploy/") for path in re.findall(r"(?<!tests/)deploy/[\w./-]+\w", README)
    }
    assert len(named) > 5
    assert [path for path in named if not (ROOT / "deploy" / path).exists()] == []
