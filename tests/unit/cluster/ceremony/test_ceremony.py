"""Four operators make a network through the command line; whoever cheats is found out."""

import json
import shutil
import stat
from pathlib import Path

import pytest

from actors.boot import load_keys
from cluster.network import load_network
from ledger.genesis import genesis_digest
from tests.support.braid_main import BraidMain

NAMES = ("alice", "bob", "carol", "dave")
RICH_ZK = {"chain_id": 271_801, "gas_limit": 60_000_000, "balances_wei": {"0x" + "66" * 20: "1"}}


class Founders:
    """Operators with keys and entries, and the folder in which the network is put together."""

    def __init__(self, braid: BraidMain, home: Path) -> None:
        self.braid = braid
        self.home = home
        self.terms = home / "terms.json"
        self.net = home / "net"

    def begin(self) -> None:
        """Make everyone's keys and entries, and terms."""
        for name in NAMES:
            self.must("keys", "new", "--dir", str(self.home / name))
            self.hand_over(name)
        self.terms.write_text(self.must("genesis", "template"))

    def must(self, *arguments: str) -> str:
        ended = self.braid(*arguments)
        assert ended.code == 0, ended.stderr
        return ended.stdout

    def refused(self, *arguments: str) -> str:
        ended = self.braid(*arguments)
        assert ended.code == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith("error: ")
        return ended.stderr

    def hand_over(self, name: str, host: str | None = None) -> None:
        address = f"/dns4/{host or name}.example.org/tcp/9645"
        named = ("--name", name, "--p2p", address, "--out", str(self.entry(name)))
        self.must("keys", "public", "--dir", str(self.home / name), *named)

    def entry(self, name: str) -> Path:
        return self.home / f"{name}.json"

    def assembling(self, *names: str) -> tuple[str, ...]:
        entries = [str(self.entry(name)) for name in names]
        return (
            *("genesis", "assemble", *entries),
            *("--chain-config", str(self.terms), "--timestamp-ms", "1700000000000"),
            *("--out", str(self.net)),
        )

    def assemble(self, *names: str) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.must(*self.assembling(*names), "--json"))
        return answer

    def change_terms(self, **changes: object) -> None:
        self.terms.write_text(json.dumps(json.loads(self.terms.read_text()) | changes))


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    """Where the founders' first steps are kept, for each test to go on from."""
    return tmp_path_factory.mktemp("begun")


@pytest.fixture
def founders(monkeypatch, capfd, tmp_path, begun) -> Founders:
    braid = BraidMain(monkeypatch, capfd)
    if not any(begun.iterdir()):
        Founders(braid, begun).begin()
    return Founders(braid, Path(shutil.copytree(begun, tmp_path, dirs_exist_ok=True)))


def test_the_network_has_the_operators_in_order_with_their_addresses(founders):
    answer = founders.assemble(*NAMES)
    network = load_network(founders.net)
    assert [entry.name for entry in network.genesis.validators] == list(NAMES)
    assert answer["digest"] == genesis_digest(network.genesis).hex()
    assert [peer.host for peer in network.nodes[0].peers] == [
        "bob.example.org",
        "carol.example.org",
        "dave.example.org",
    ]
    assert network.nodes[0].listen.host == "0.0.0.0"
    assert not network.token_file.exists()


def test_where_json_rpc_listens_is_no_part_of_what_is_agreed_on(founders):
    digest = founders.assemble(*NAMES)["digest"]
    founders.net = founders.home / "inside-containers"
    answer = json.loads(
        founders.must(*founders.assembling(*NAMES), "--rpc", "0.0.0.0:8545", "--json")
    )
    assert answer["digest"] == digest
    assert {node.rpc_host for node in load_network(founders.net).nodes} == {"0.0.0.0"}


def test_everyone_who_puts_it_together_gets_the_same_genesis(founders):
    first = founders.assemble(*NAMES)
    founders.net = founders.home / "again"
    assert founders.assemble(*NAMES) == first


def test_every_operator_joins_as_its_own_validator_and_may_repeat_it(founders):
    digest = str(founders.assemble(*NAMES)["digest"])
    for index, name in enumerate(NAMES):
        home = str(founders.home / name)
        for _ in range(2):
            answer = founders.must(
                *("node", "join", str(founders.net), "--dir", home, "--digest", digest, "--json")
            )
            assert json.loads(answer) == {"node": index, "genesis": digest}
        network = load_network(founders.home / name)
        load_keys(network.nodes[index], network.genesis)
        seed = network.nodes[index].seed_file
        assert stat.S_IMODE(seed.stat().st_mode) == 0o600
        assert not (founders.home / name / "seed").exists()
        assert network.nodes[index].journal_directory.is_dir(), "new keys have signed nothing"
        assert not (founders.home / name / "journal").exists()


def test_an_operator_that_has_joined_can_still_write_its_entry(founders):
    founders.assemble(*NAMES)
    before = founders.entry("bob").read_bytes()
    founders.must("node", "join", str(founders.net), "--dir", str(founders.home / "bob"))
    founders.hand_over("bob")
    assert founders.entry("bob").read_bytes() == before


def test_a_seed_is_for_its_owner_only_and_is_never_overwritten(founders):
    seed = founders.home / "alice" / "seed"
    before = seed.read_bytes()
    assert stat.S_IMODE(seed.stat().st_mode) == 0o600
    assert "is there already" in founders.refused("keys", "new", "--dir", str(seed.parent))
    assert seed.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\x01" * 31, b"\x01" * 33])
def test_a_seed_of_another_length_is_refused(founders, content):
    (founders.home / "alice" / "seed").write_bytes(content)
    named = ("--name", "a", "--p2p", "/ip4/192.0.2.1/tcp/1", "--out", str(founders.entry("alice")))
    assert "expected 32" in founders.refused(
        "keys", "public", "--dir", str(founders.home / "alice"), *named
    )


def test_without_keys_there_is_nothing_to_hand_over_or_to_join_with(founders):
    founders.assemble(*NAMES)
    nobody = str(founders.home / "nobody")
    named = ("--name", "x", "--p2p", "/ip4/192.0.2.1/tcp/1", "--out", nobody + ".json")
    for command in (("keys", "public", *named), ("node", "join", str(founders.net))):
        assert "make keys with `braid keys new`" in founders.refused(*command, "--dir", nobody)


def test_what_all_agree_on_verifies(founders):
    answer = founders.assemble(*NAMES)
    verified = founders.must(
        *("genesis", "verify", str(founders.net), "--digest", str(answer["digest"])),
        *("--entry", str(founders.entry("carol")), "--chain-config", str(founders.terms)),
        "--json",
    )
    assert json.loads(verified) == answer
    assert json.loads(founders.must("genesis", "show", str(founders.net), "--json")) == answer


def test_a_genesis_without_an_operator_is_found_by_it(founders):
    founders.assemble("alice", "bob", "carol")
    entry = ("--entry", str(founders.entry("dave")))
    error = founders.refused("genesis", "verify", str(founders.net), *entry)
    assert "no validator of the genesis has the keys of dave" in error
    error = founders.refused(
        "node", "join", str(founders.net), "--dir", str(founders.home / "dave")
    )
    assert "no validator of the genesis has the keys of" in error
    assert (founders.home / "dave" / "seed").exists()


def test_a_genesis_with_an_older_entry_of_an_operator_is_found_by_it(founders):
    founders.assemble(*NAMES)
    home = str(founders.home / "dave")
    named = (
        "--name",
        "dave",
        "--p2p",
        "/ip4/192.0.2.1/tcp/1",
        "--out",
        str(founders.entry("dave")),
    )
    founders.must("keys", "public", "--dir", home, *named, "--coinbase", "0x" + "77" * 20)
    entry = ("--entry", str(founders.entry("dave")))
    error = founders.refused("genesis", "verify", str(founders.net), *entry)
    assert "validator 3 has the consensus key of dave, and other data" in error


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"network": "another"}, "network"),
        ({"max_total_exposure_wei": "7"}, "chains"),
        ({"zk": RICH_ZK}, "chains"),
    ],
)
def test_a_genesis_with_other_terms_is_found(founders, changes, name):
    agreed = founders.terms.read_text()
    founders.change_terms(**changes)
    founders.assemble(*NAMES)
    founders.terms.write_text(agreed)
    terms = ("--chain-config", str(founders.terms))
    error = founders.refused("genesis", "verify", str(founders.net), *terms)
    assert "the genesis has other terms" in error
    assert name in error


def test_a_genesis_with_another_digest_is_found_and_not_joined(founders):
    founders.assemble(*NAMES)
    digest = ("--digest", "66" * 32)
    assert "expected " + "66" * 32 in founders.refused(
        "genesis", "verify", str(founders.net), *digest
    )
    home = founders.home / "alice"
    founders.refused("node", "join", str(founders.net), "--dir", str(home), *digest)
    assert sorted(file.name for file in home.iterdir()) == ["journal", "seed"]


def test_a_directory_that_has_joined_one_network_does_not_join_another(founders):
    founders.assemble(*NAMES)
    home = str(founders.home / "alice")
    founders.must("node", "join", str(founders.net), "--dir", home)
    founders.net = founders.home / "other"
    founders.change_terms(network="other")
    founders.assemble(*NAMES)
    error = founders.refused("node", "join", str(founders.net), "--dir", home)
    assert "holds another network already" in error


def test_a_seed_in_another_validator_s_place_is_said(founders):
    founders.assemble(*NAMES)
    home = founders.home / "alice"
    (home / "node-2").mkdir()
    (home / "seed").rename(home / "node-2" / "seed")
    error = founders.refused("node", "join", str(founders.net), "--dir", str(home))
    assert "is the seed of validator 0: move it to" in error


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("alice",), "1 operators: a network has 2 to"),
        (("alice", "bob", "alice"), "two operators have the name alice"),
    ],
)
def test_operators_that_make_no_network_are_refused(founders, names, message):
    assert message in founders.refused(*founders.assembling(*names))
    assert not founders.net.exists()


def test_two_entries_of_one_operator_are_refused(founders):
    copy = founders.home / "eve"
    copy.mkdir()
    (copy / "seed").write_bytes((founders.home / "alice" / "seed").read_bytes())
    (copy / "seed").chmod(0o600)
    founders.hand_over("eve")
    error = founders.refused(*founders.assembling("alice", "bob", "eve"))
    assert "two validators share one consensus_key" in error


def test_two_operators_at_one_address_are_refused(founders):
    founders.hand_over("bob", "alice")
    error = founders.refused(*founders.assembling(*NAMES))
    assert "two operators have the address /dns4/alice.example.org/tcp/9645" in error


def test_a_folder_that_holds_a_network_is_not_written_over(founders):
    founders.assemble(*NAMES)
    assert "holds a network already" in founders.refused(*founders.assembling(*NAMES))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": ""}, "network is no name"),
        ({"network": "x" * 65}, "start no network"),
        ({"more": 1}, "has to have exactly"),
        ({"timing": {}}, "timing has to have exactly"),
        ({"max_total_exposure_wei": 5}, "is no amount of wei"),
        ({"max_total_exposure_wei": "-5"}, "is no amount of wei"),
        ({"zk": {"chain_id": 1, "gas_limit": 1, "balances_wei": {}}}, "gas limit below"),
        ({"zk": {"chain_id": 271_802, "gas_limit": 60_000_000, "balances_wei": {}}}, "both chains"),
        ({"zk": {"chain_id": True, "gas_limit": 1, "balances_wei": {}}}, "zk.chain_id is no"),
        ({"zk": {"chain_id": 1, "gas_limit": 1, "balances_wei": []}}, "is no object"),
        ({"zk": {"chain_id": 1, "gas_limit": 1, "balances_wei": {"0x66": "1"}}}, "is no address"),
        (
            {"fast": {"chain_id": 1, "gas_limit": 1, "balances_wei": {"0x" + "6" * 40: 1}}},
            "is no amount of wei",
        ),
    ],
)
def test_terms_that_start_no_network_are_refused(founders, changes, message):
    founders.change_terms(**changes)
    assert message in founders.refused(*founders.assembling(*NAMES))
    assert not founders.net.exists()


def test_balances_of_the_terms_are_on_the_chains(founders):
    account = "0x" + "Ab" * 20
    chain = {"chain_id": 7, "gas_limit": 60_000_000, "balances_wei": {account: "12"}}
    founders.change_terms(fast=chain)
    founders.assemble(*NAMES)
    (_, fast) = load_network(founders.net).genesis.chains
    balances = {entry.address: entry.balance_wei for entry in fast.allocations}
    assert balances[bytes.fromhex("ab" * 20)] == 12


@pytest.mark.parametrize("content", [b"", b"no genesis"])
def test_a_file_that_is_no_genesis_is_refused(founders, content):
    file = founders.home / "genesis.bin"
    file.write_bytes(content)
    assert "starts no network" in founders.refused("genesis", "show", str(file))
    assert "cannot be read" in founders.refused("genesis", "show", str(founders.home / "nothing"))
