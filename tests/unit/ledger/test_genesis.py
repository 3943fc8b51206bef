"""Genesis files that start a network, and those that cannot."""

from collections.abc import Callable
from dataclasses import replace

import msgpack
import pytest
from ledger_network import GENESIS, KEYS, chain

from ledger.codec import encode
from ledger.errors import CodecError, GenesisError, UnknownProtocolVersion
from ledger.genesis import (
    NO_L1,
    PROTOCOL_VERSION,
    Genesis,
    GenesisValidator,
    L1Anchor,
    check_genesis,
    genesis_digest,
    open_genesis,
)
from ledger.keys import ValidatorKeys
from ledger.types import (
    BlsPublicKey,
    BlsSignature,
    ChainId,
    ChainRole,
    Ed25519PublicKey,
    EvmAddress,
)


def test_a_genesis_opens_as_it_was_written() -> None:
    assert open_genesis(encode(GENESIS)) == GENESIS
    assert GENESIS.chain(ChainRole.FAST).chain_id == 7002


def test_its_digest_covers_everything() -> None:
    other = replace(GENESIS, timing=replace(GENESIS.timing, delta_ms=401))
    assert genesis_digest(other) != genesis_digest(GENESIS)


def test_bytes_that_are_no_genesis_are_refused() -> None:
    with pytest.raises(CodecError):
        open_genesis(encode(GENESIS)[:-1])
    with pytest.raises(CodecError):
        open_genesis(encode(GENESIS.timing))


def test_a_genesis_of_another_protocol_version_is_refused_with_the_versions_spoken() -> None:
    other = replace(GENESIS, protocol_version=PROTOCOL_VERSION + 1)
    for refuse in (lambda: open_genesis(encode(other)), lambda: check_genesis(other)):
        with pytest.raises(UnknownProtocolVersion, match=f"speaks {PROTOCOL_VERSION}:") as caught:
            refuse()
        assert (caught.value.got, caught.value.expected) == (
            PROTOCOL_VERSION + 1,
            (PROTOCOL_VERSION,),
        )


def test_the_version_is_named_even_if_the_rest_cannot_be_read() -> None:
    of_a_later_build = msgpack.packb([45, "test", PROTOCOL_VERSION + 1, b"another layout"])
    with pytest.raises(UnknownProtocolVersion):
        open_genesis(of_a_later_build)
    damaged = msgpack.packb([45, "test", PROTOCOL_VERSION, b"another layout"])
    with pytest.raises(CodecError):
        open_genesis(damaged)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_validators_can_start(count: int) -> None:
    check_genesis(replace(GENESIS, validators=GENESIS.validators[:count]))


def test_a_network_may_have_no_l1() -> None:
    alone = replace(GENESIS, l1=NO_L1)
    check_genesis(alone)
    assert GENESIS.has_l1
    assert not alone.has_l1
    assert genesis_digest(alone) != genesis_digest(GENESIS)


Change = Callable[[Genesis], Genesis]


def with_validator(**changed: object) -> Change:
    def change(genesis: Genesis) -> Genesis:
        first = replace(genesis.validators[0], **changed)  # type: ignore[arg-type]  # any field
        return replace(genesis, validators=(first, *genesis.validators[1:]))

    return change


def with_fast_chain(**changed: object) -> Change:
    def change(genesis: Genesis) -> Genesis:
        fast = replace(genesis.chains[1], **changed)  # type: ignore[arg-type]  # any field
        return replace(genesis, chains=(genesis.chains[0], fast))

    return change


def with_l1(chain_id: int, rollup: bytes = b"\x0c" * 20) -> Change:
    return lambda genesis: replace(genesis, l1=L1Anchor(ChainId(chain_id), EvmAddress(rollup)))


def with_idle_interval(milliseconds: int) -> Change:
    return lambda genesis: replace(
        genesis, timing=replace(genesis.timing, idle_interval_ms=milliseconds)
    )


SECOND: GenesisValidator = GENESIS.validators[1]
ALLOCATIONS = GENESIS.chains[1].allocations
STRANGER = ValidatorKeys(b"\x63" * 32).genesis_entry("stranger")

REFUSED: dict[str, tuple[Change, str]] = {
    "no validators": (lambda genesis: replace(genesis, validators=()), "at least one validator"),
    "no chains": (lambda genesis: replace(genesis, chains=()), "two chains"),
    "one chain": (lambda genesis: replace(genesis, chains=genesis.chains[:1]), "two chains"),
    "chains the wrong way round": (
        lambda genesis: replace(genesis, chains=genesis.chains[::-1]),
        "two chains",
    ),
    "two ZK chains": (
        lambda genesis: replace(genesis, chains=(chain(ChainRole.ZK, 1), chain(ChainRole.ZK, 2))),
        "two chains",
    ),
    "one chain id": (with_fast_chain(chain_id=7001), "both chains have the id 7001"),
    "a tiny gas limit": (with_fast_chain(gas_limit=999_999), "FAST chain: gas limit"),
    "no checkpoints": (with_fast_chain(checkpoint_interval_blocks=0), "checkpoint interval"),
    "checkpoints too far apart to go on": (
        with_fast_chain(checkpoint_interval_blocks=1025),
        "checkpoint interval",
    ),
    "an address twice": (
        with_fast_chain(allocations=(ALLOCATIONS[0], ALLOCATIONS[0])),
        "allocated twice",
    ),
    "the ZK chain's id for L1": (with_l1(7001), "ZK chain: its id 7001 is that of L1"),
    "the fast chain's id for L1": (with_l1(7002), "FAST chain: its id 7002 is that of L1"),
    "a chain with the id of no L1": (
        lambda genesis: replace(with_fast_chain(chain_id=0)(genesis), l1=NO_L1),
        "FAST chain: its id 0 is that of L1",
    ),
    "an L1 without a Rollup": (with_l1(1, bytes(20)), "l1 needs both"),
    "a Rollup without an L1": (with_l1(0), "l1 needs both"),
    "no idle beat": (with_idle_interval(0), "idle_interval_ms"),
    "an idle beat after the timeout": (with_idle_interval(400), "idle_interval_ms"),
    "a shared consensus key": (
        with_validator(consensus_key=SECOND.consensus_key),
        "share one consensus_key",
    ),
    "a shared network key": (
        with_validator(network_key=SECOND.network_key),
        "share one network_key",
    ),
    "a shared checkpoint key": (
        with_validator(
            checkpoint_key=SECOND.checkpoint_key, possession_proof=SECOND.possession_proof
        ),
        "share one checkpoint_key",
    ),
    "another's proof of possession": (
        with_validator(possession_proof=SECOND.possession_proof),
        "validator v0",
    ),
    "a key without its proof": (
        with_validator(checkpoint_key=STRANGER.checkpoint_key),
        "validator v0",
    ),
    "no BLS key": (with_validator(checkpoint_key=BlsPublicKey(bytes(48))), "validator v0"),
    "the identity as BLS key": (
        with_validator(
            checkpoint_key=BlsPublicKey(b"\xc0" + bytes(47)),
            possession_proof=BlsSignature(b"\xc0" + bytes(95)),
        ),
        "validator v0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_genesis_that_cannot_start_says_what_to_change(name: str) -> None:
    change, message = REFUSED[name]
    check_genesis(GENESIS)
    with pytest.raises(GenesisError, match=message):
        check_genesis(change(GENESIS))


def test_a_rogue_key_is_refused() -> None:
    """A key made to cancel the others' would let one validator sign for all: it has no proof."""
    from py_arkworks_bls12381 import G1Point

    rogue = G1Point.from_compressed_bytes(KEYS[0].checkpoint.public_key)
    for keys in KEYS[1:]:
        rogue = rogue - G1Point.from_compressed_bytes(keys.checkpoint.public_key)
    key = BlsPublicKey(bytes(rogue.to_compressed_bytes()))
    with pytest.raises(GenesisError, match="validator v0"):
        check_genesis(with_validator(checkpoint_key=key)(GENESIS))


def test_different_keys_are_not_taken_for_equal_ones() -> None:
    swapped = with_validator(
        consensus_key=Ed25519PublicKey(STRANGER.consensus_key),
        network_key=STRANGER.network_key,
    )
    check_genesis(swapped(GENESIS))
