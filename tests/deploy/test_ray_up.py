"""Files for `ray up`: Ray's own checks accept them, and so do ours."""

import copy
import json
import re
import subprocess

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.deploy.rendering import ROOT

FILES = ("local", "aws")
PORTS = (
    "dashboard-agent-listen-port",
    "dashboard-agent-grpc-port",
    "runtime-env-agent-port",
    "metrics-export-port",
    "node-manager-port",
    "object-manager-port",
    "min-worker-port",
    "max-worker-port",
)
# Ray gives workers' ports from this range if it is not told otherwise, whatever else listens there.
RAYS_OWN_WORKER_PORTS = range(10_002, 20_000)


def load(name):
    return yaml.safe_load((ROOT / "deploy" / "ray" / f"{name}.yaml").read_text())


def accepted_by_ray(config):
    """Ray's checks, with its defaults filled in as `ray up` does; nothing is asked of a cloud."""
    prepared = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    return prepared


def starts(config):
    """The commands that start Ray."""
    for key in ("head_start_ray_commands", "worker_start_ray_commands"):
        for command in config[key]:
            if "ray start" in command:
                yield key.partition("_")[0], command


def violations(config):
    """What is wrong with a cluster file, each as a sentence."""
    nodes = [node for node, _ in starts(config)]
    if nodes != ["head", "worker"]:
        yield "Ray is not started once on the head and once on workers"
        return
    for node, command in starts(config):
        options = dict(re.findall(r"--([a-z-]+)=(\S+)", command))
        if "RAY_AUTH_MODE=token " not in command:
            yield f"the {node} asks for no token"
        if "RAY_AUTH_TOKEN=" in command:
            yield f"the {node} has its token in a command"
        if "node-ip-address" not in options:
            yield f"the {node} guesses its address"
        wanted = (*PORTS, "port", "dashboard-port") if node == "head" else PORTS
        for option in wanted:
            if not options.get(option, "").isdigit():
                yield f"the {node} leaves {option} to Ray"
        if int(options.get("metrics-export-port", 0)) in RAYS_OWN_WORKER_PORTS:
            yield f"the {node} has its metrics where Ray puts workers"
        if node == "head" and options.get("dashboard-host") != "127.0.0.1":
            yield "the dashboard listens to others"
        if node == "head" and "--autoscaling-config=" not in command:
            yield "the head starts no workers"
    if "~/.ray/auth_token" not in config.get("file_mounts", {}):
        yield "the machines get no token"
    if config["provider"]["type"] == "local":
        yield from _local_violations(config)
    else:
        yield from _cloud_violations(config)


def _local_violations(config):
    machines = [config["provider"]["head_ip"], *config["provider"]["worker_ips"]]
    if len(set(machines)) != len(machines):
        yield "a machine is named twice"
    if config["min_workers"] != len(machines) - 1:
        yield "not every machine is started"
    (head,) = [command for node, command in starts(config) if node == "head"]
    if "--num-cpus=0" not in head:
        yield "the head runs work"
    (worker,) = [command for node, command in starts(config) if node == "worker"]
    if "$(cat /etc/braid/role)" not in worker:
        yield "no machine has a role"


def _cloud_violations(config):
    types = config["available_node_types"]
    if types[config["head_node_type"]]["resources"] != {"CPU": 0}:
        yield "the head runs work"
    if config["provider"].get("cache_stopped_nodes") is not True:
        yield "a machine that stops loses its votes"
    for name, each in types.items():
        if name.startswith("validator"):
            if (each.get("min_workers"), each.get("max_workers")) != (1, 1):
                yield f"{name} is not exactly one machine"
            if each["resources"] != {"CPU": 0, name: 1}:
                yield f"{name} shares its processors with other work"
        if name.startswith("prover") and (each["min_workers"] or not each["max_workers"]):
            yield f"{name} does not scale from none"
        machine = each["node_config"]
        if machine.get("MetadataOptions", {}).get("HttpTokens") != "required":
            yield f"{name} gives its role away"
        if not all(disk["Ebs"].get("Encrypted") for disk in machine["BlockDeviceMappings"]):
            yield f"{name} has a disk in the clear"
    if not any(each["resources"].get("GPU") for each in types.values()):
        yield "there are no provers with GPUs"
    for rule in config["provider"]["security_group"]["IpPermissions"]:
        if any(each["CidrIp"].endswith("/0") for each in rule["IpRanges"]):
            yield "the whole Internet is let in"


@pytest.mark.parametrize("name", FILES)
def test_ray_accepts_the_file(name):
    prepared = accepted_by_ray(load(name))
    assert prepared["head_node_type"] in prepared["available_node_types"]


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_sound(name):
    assert list(violations(load(name))) == []


@pytest.mark.parametrize("name", FILES)
def test_a_shell_can_read_every_command(name):
    config = load(name)
    for key in ("setup_commands", "head_start_ray_commands", "worker_start_ray_commands"):
        for command in config[key]:
            subprocess.run(["bash", "-n", "-c", command], check=True)


def test_a_role_with_a_resource_reaches_ray_in_one_piece(tmp_path):
    (tmp_path / "role").write_text('--num-cpus=0 --resources={"validator-2":1}\n')
    shell = f"""printf '[%s]' $(cat {tmp_path}/role)"""
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stdout == '[--num-cpus=0][--resources={"validator-2":1}]'


def test_the_workers_of_the_local_file_are_all_started():
    (workers,) = accepted_by_ray(load("local"))["available_node_types"].values()
    assert (workers["min_workers"], workers["max_workers"]) == (5, 5)


def test_the_provers_of_the_cloud_file_scale_from_none():
    types = accepted_by_ray(load("aws"))["available_node_types"]
    assert types["prover-gpu"]["resources"]["GPU"] == 1
    assert (types["prover-gpu"]["min_workers"], types["prover-gpu"]["max_workers"]) == (0, 4)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda config: config.update(max_worker=3), "'max_worker' was unexpected"),
        (lambda config: config.pop("cluster_name"), "'cluster_name' is a required property"),
        (lambda config: config["provider"].pop("type"), "'type' is a required property"),
        (lambda config: config.update(head_node_type="heads"), "head_node_type"),
        (lambda config: config.update(max_workers=0), "max_workers"),
        (lambda config: config.update(setup_commands="true"), "not of type 'array'"),
    ],
)
def test_ray_rejects_a_file_that_is_mistyped(change, error):
    config = load("aws")
    change(config)
    with pytest.raises((jsonschema.ValidationError, ValueError, KeyError), match=error):
        validate_config(config | {"cluster_synced_files": []})


def replace(old, new):
    """Change the text of both start commands."""

    def change(config):
        for key in ("head_start_ray_commands", "worker_start_ray_commands"):
            config[key] = [command.replace(old, new) for command in config[key]]

    return change


def node_type(name, **fields):
    return lambda config: config["available_node_types"][name].update(fields)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("local", replace("RAY_AUTH_MODE=token ", ""), "the head asks for no token"),
        ("aws", replace("RAY_AUTH_MODE=token ", ""), "the worker asks for no token"),
        ("local", replace("--head", "--head RAY_AUTH_TOKEN=x"), "has its token in a command"),
        ("local", replace("--node-ip-address", "--ip"), "guesses its address"),
        ("local", replace("--node-manager-port=6380", ""), "leaves node-manager-port to Ray"),
        ("local", replace("--port=6379", ""), "the head leaves port to Ray"),
        ("local", replace("=8080", "=18080"), "metrics where Ray puts workers"),
        ("local", replace("=127.0.0.1", "=0.0.0.0"), "the dashboard listens to others"),
        ("local", replace("--autoscaling-config", "--x"), "the head starts no workers"),
        ("local", replace("--num-cpus=0", ""), "the head runs work"),
        ("local", replace("$(cat /etc/braid/role)", ""), "no machine has a role"),
        ("local", lambda config: config["head_start_ray_commands"].pop(), "is not started once"),
        ("local", lambda config: config.pop("file_mounts"), "the machines get no token"),
        ("local", lambda config: config.update(min_workers=4), "not every machine is started"),
        (
            "local",
            lambda config: config["provider"]["worker_ips"].append("192.0.2.10"),
            "a machine is named twice",
        ),
        ("aws", node_type("head", resources={}), "the head runs work"),
        ("aws", node_type("validator-0", max_workers=2), "is not exactly one machine"),
        ("aws", node_type("validator-0", resources={"CPU": 8}), "shares its processors"),
        ("aws", node_type("prover-gpu", min_workers=1), "does not scale from none"),
        (
            "aws",
            node_type("prover-gpu", resources={"CPU": 8}),
            "there are no provers with GPUs",
        ),
        (
            "aws",
            lambda config: config["provider"].pop("cache_stopped_nodes"),
            "loses its votes",
        ),
        (
            "aws",
            lambda config: config["available_node_types"]["head"]["node_config"].pop(
                "MetadataOptions"
            ),
            "gives its role away",
        ),
        (
            "aws",
            lambda config: config["available_node_types"]["validator-0"]["node_config"][
                "BlockDeviceMappings"
            ][0]["Ebs"].pop("Encrypted"),
            "has a disk in the clear",
        ),
        (
            "aws",
            lambda config: config["provider"]["security_group"]["IpPermissions"][0].update(
                IpRanges=[{"CidrIp": "0.0.0.0/0"}]
            ),
            "the whole Internet is let in",
        ),
    ],
)
def test_it_is_refused_that(name, change, message):
    config = json.loads(json.dumps(load(name)))
    change(config)
    found = list(violations(config))
    assert any(message in each for each in found), found
