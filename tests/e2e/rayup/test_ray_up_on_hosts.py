"""`ray up deploy/ray/local.yaml` on four hosts, four validators on three of them; one host dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))
sys.path.insert(0, str(Path(__file__).parent))

from braid_command import wait_until
from json_rpc import Rpc
from mini_hosts import ROOT, MiniHost, ip, require_mini_hosts

from cluster.chain_client import Call, ChainClient
from cluster.dev_genesis import dev_account

pytestmark = [pytest.mark.rayup, pytest.mark.e2e, pytest.mark.timeout(900)]

RECEIVER = "0x" + "83" * 20
BRAID = "/opt/braid/bin/braid"
RAY = "RAY_UP_enable_autoscaler_v2=0 /opt/braid/bin/ray"
HOME = "/var/lib/braid"
VALIDATORS = {"one": (0, 1), "two": (2,), "three": (3,)}
"""Which validators are on which worker."""


class Hosts:
    """The operator's own machine, a head, and the workers."""

    def __init__(self, folder: Path) -> None:
        self._bridge = f"b{os.getpid() % 100_000}"
        secrets = folder / "secrets"
        secrets.mkdir()
        key = secrets / "key"
        generate = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
        subprocess.run(generate, check=True)
        ip(f"link add {self._bridge} type bridge")
        ip(f"addr add 10.79.0.1/24 dev {self._bridge}")
        ip(f"link set {self._bridge} up")
        addresses = {"me": 2, "head": 10, "one": 20, "two": 21, "three": 22}
        self.all: dict[str, MiniHost] = {}
        for name, number in addresses.items():
            self.all[name] = MiniHost(name, f"10.79.0.{number}", self._bridge, secrets)
        for host in self.all.values():
            host.wait_until_up()
        self.me, self.head = self.all["me"], self.all["head"]
        self.workers = [self.all[name] for name in VALIDATORS]

    def remove(self) -> None:
        for host in self.all.values():
            host.remove()
        ip(f"link del {self._bridge}")

    def host_of(self, validator: int) -> MiniHost:
        (name,) = [name for name, validators in VALIDATORS.items() if validator in validators]
        return self.all[name]

    def rpc_port(self, validator: int) -> int:
        """The second validator of a host has the second port."""
        (validators,) = [found for found in VALIDATORS.values() if validator in found]
        return 8545 + validators.index(validator)

    def url(self, validator: int) -> str:
        return f"http://{self.host_of(validator).address}:{self.rpc_port(validator)}/zk"

    def make_keys(self) -> None:
        """Each validator's keys on its host, and the genesis on the operator's machine."""
        entries = []
        for validator in range(4):
            host = self.host_of(validator)
            seed = HOME if self.rpc_port(validator) == 8545 else "/home/root/second"
            p2p = f"/ip4/{host.address}/tcp/{self.rpc_port(validator) + 1100}"
            host.must(f"{BRAID} keys new --dir {seed}")
            host.must(
                f"{BRAID} keys public --dir {seed} --name v{validator} --p2p {p2p} --out /tmp/entry"
            )
            entries.append(f"/home/root/{validator}.json")
            self.me.write(entries[-1], host.must("cat /tmp/entry"))
        self.me.must(
            f"{BRAID} genesis assemble {' '.join(entries)} --development --rpc 0.0.0.0:8545 "
            "--out /home/root/net"
        )
        network = json.loads(self.me.must("cat /home/root/net/network.json"))
        for validator, node in enumerate(network["nodes"]):
            node["rpc"] = f"0.0.0.0:{self.rpc_port(validator)}"
        self.me.write("/home/root/net/network.json", json.dumps(network))
        for name, (_, *more) in VALIDATORS.items():
            for validator in more:
                place = f"{HOME}/node-{validator}"
                self.all[name].must(f"mkdir {place} && mv /home/root/second/* {place}/")

    def give_roles(self) -> None:
        """What /etc/braid/role says on each worker, as the head of local.yaml wants it."""
        for name, validators in VALIDATORS.items():
            have = json.dumps({f"validator-{index}": 1 for index in validators})
            role = f"--num-cpus=0 --resources={have}".replace(" ", "").replace("0--", "0 --")
            self.all[name].write("/etc/braid/role", role)

    def write_cluster_file(self) -> None:
        """deploy/ray/local.yaml with these hosts' addresses; all else as it is."""
        text = (ROOT / "deploy" / "ray" / "local.yaml").read_text()
        config = yaml.safe_load(text.replace("192.0.2.10", self.head.address))
        config["provider"]["worker_ips"] = [worker.address for worker in self.workers]
        config["min_workers"] = config["max_workers"] = len(self.workers)
        config["auth"]["ssh_user"] = "root"
        self.me.write("/home/root/cluster.yaml", yaml.safe_dump(config))

    def ray(self, command: str) -> str:
        return self.me.must(f"cd /home/root && {RAY} {command}")

    def braid(self, command: str) -> str:
        """Run a command on the head, where Ray is."""
        return self.ray(f"""exec cluster.yaml '{BRAID} {command} --dir {HOME}'""")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Hosts on which `ray up` has run, and the nodes with it."""
    require_mini_hosts()
    found = Hosts(tmp_path_factory.mktemp("hosts"))
    try:
        found.make_keys()
        found.give_roles()
        found.write_cluster_file()
        found.ray("get-auth-token --generate")
        found.ray("up --yes cluster.yaml")
        found.braid("up --address auto --wait 180")
        yield found
    finally:
        found.remove()


def pay(hosts: Hosts, validator: int, amount_wei: int) -> None:
    call = Call(dev_account(validator), RECEIVER, value_wei=amount_wei, gas_limit=21_000)
    ChainClient(f"validator {validator}", hosts.url(validator)).send(call)


def wait_until_all_have(hosts: Hosts, wei: int, *validators: int) -> None:
    for validator in validators:
        rpc = Rpc(hosts.url(validator))
        wait_until(
            lambda asked=rpc: int(asked.result("eth_getBalance", RECEIVER, "safe"), 16) == wei,
            f"{wei} wei at validator {validator}",
        )


def test_a_transaction_sent_to_one_host_is_final_on_all(hosts: Hosts) -> None:
    pay(hosts, 0, 3)
    wait_until_all_have(hosts, 3, 0, 1, 2, 3)


def test_each_validator_runs_on_its_host_with_keys_that_never_left_it(hosts: Hosts) -> None:
    for worker in hosts.workers:
        titles = worker.must("ps -eo args=")
        assert titles.count("ray::ValidatorActor") == len(VALIDATORS[worker.name])
        seeds = worker.must(f"ls -d {HOME}/node-*/seed").split()
        assert seeds == [f"{HOME}/node-{index}/seed" for index in VALIDATORS[worker.name]]
    for host in (hosts.head, hosts.me):
        assert "ValidatorActor" not in host.must("ps -eo args=")
        assert host.must(f"find {HOME} /home/root -name seed") == ""


def test_when_a_host_dies_the_others_go_on(hosts: Hosts) -> None:
    hosts.all["three"].cut_power()
    pay(hosts, 2, 4)
    wait_until_all_have(hosts, 7, 0, 1, 2)
    assert Rpc(hosts.url(0)).status()["convicted"] == []


def test_taken_down_it_leaves_nothing_running(hosts: Hosts) -> None:
    hosts.braid("down")
    hosts.ray("down --yes cluster.yaml")
    for host in (hosts.head, hosts.all["one"], hosts.all["two"]):
        # `ray down` stops the head alone; deploy/README.md asks for the rest.
        if host is not hosts.head:
            host.must("/opt/braid/bin/ray stop")
        try:
            wait_until(lambda asked=host: asked.processes() == [], f"an idle {host.name}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {host.must('ps -eo pid,args=')}") from None
