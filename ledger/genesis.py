"""Genesis: everything that all nodes of a network agree on before the first block.

The file is the canonical encoding; its digest goes into every signature and is
the parent of the first block, so two networks never mix.
"""

from typing import Annotated, Final

from ledger.bls import BlsVerifier, verify_possession
from ledger.bounds import AtMost, Uint
from ledger.codec import decode, decode_leading, encode, wire
from ledger.ed25519 import Ed25519Verifier
from ledger.errors import CodecError, GenesisError, SignatureError, UnknownProtocolVersion
from ledger.hashing import Domain, digest
from ledger.types import (
    MAX_VALIDATORS,
    BlsPublicKeyField,
    BlsSignatureField,
    ChainId,
    ChainIdField,
    ChainRole,
    Digest,
    Ed25519PublicKeyField,
    EpochField,
    EvmAddress,
    EvmAddressField,
    GasField,
    TimestampMsField,
    WeiField,
)

PROTOCOL_VERSION: Final = 2
"""Of the networks that this build starts. It changes with everything that validators have to do
alike: encodings, rules of the ledger, votes, execution."""

SPOKEN_PROTOCOL_VERSIONS: Final = frozenset({PROTOCOL_VERSION})
"""Of the networks that this build can take part in."""

MAX_GENESIS_BYTES: Final = 64 * 1024 * 1024
MAX_CODE_BYTES: Final = 128 * 1024
MAX_CHECKPOINT_INTERVAL_BLOCKS: Final = 1024
"""Well below how far a chain's order may run ahead of its last checkpoint (``bridge.rules``)."""

MillisecondsField = Annotated[int, Uint(32)]


@wire(40)
class GenesisValidator:
    """One validator: its keys, the proof that it holds the BLS one, and its EVM coinbase."""

    name: Annotated[str, AtMost(64)]
    consensus_key: Ed25519PublicKeyField
    network_key: Ed25519PublicKeyField
    checkpoint_key: BlsPublicKeyField
    possession_proof: BlsSignatureField
    coinbase: EvmAddressField


@wire(41)
class StorageSlot:
    """One storage slot of a genesis account."""

    slot: WeiField
    value: WeiField


@wire(42)
class GenesisAllocation:
    """One account of a chain's genesis state."""

    address: EvmAddressField
    balance_wei: WeiField
    nonce: GasField
    code: Annotated[bytes, AtMost(MAX_CODE_BYTES)]
    storage: Annotated[tuple[StorageSlot, ...], AtMost(4096)]


@wire(43)
class ChainGenesis:
    """One chain's constants and first state.

    ``checkpoint_interval_blocks``: a block is attested if its number is a multiple
    of it, or if its outbox is not empty.
    """

    role: ChainRole
    chain_id: ChainIdField
    gas_limit: GasField
    is_base_fee_zero: bool
    initial_base_fee_wei: WeiField
    checkpoint_interval_blocks: Annotated[int, Uint(32)]
    allocations: Annotated[tuple[GenesisAllocation, ...], AtMost(65_536)]


@wire(44)
class Timing:
    """Times of consensus and of the interleaving policy.

    ``delta_ms`` is the bound Δ on the network's delay after stabilisation: a leader
    has 2Δ to propose and a view 3Δ to advance. An idle leader proposes after
    ``idle_interval_ms``, ZK blocks stand at least ``zk_interval_ms`` apart, and no
    block may be dated more than ``max_drift_ms`` ahead of a validator's clock.
    """

    delta_ms: MillisecondsField
    idle_interval_ms: MillisecondsField
    zk_interval_ms: MillisecondsField
    zk_idle_interval_ms: MillisecondsField
    max_drift_ms: MillisecondsField


@wire(46)
class L1Anchor:
    """The Ethereum chain that the ZK chain settles on, and its ``Rollup`` contract there.

    Both zero in a network without L1 (:data:`NO_L1`).
    """

    chain_id: ChainIdField
    rollup: EvmAddressField


NO_L1: Final = L1Anchor(ChainId(0), EvmAddress(bytes(20)))


@wire(45)
class Genesis:
    """The agreed start of a network.

    Name and protocol version stay in front in every version, so that a build can name
    the version of a genesis that it cannot read.
    """

    network: Annotated[str, AtMost(64)]
    protocol_version: Annotated[int, Uint(16)]
    epoch: EpochField
    timestamp_ms: TimestampMsField
    validators: Annotated[tuple[GenesisValidator, ...], AtMost(MAX_VALIDATORS)]
    timing: Timing
    chains: Annotated[tuple[ChainGenesis, ...], AtMost(2)]
    l1: L1Anchor

    def chain(self, role: ChainRole) -> ChainGenesis:
        """Constants of one of the chains."""
        return self.chains[role]

    @property
    def has_l1(self) -> bool:
        """Whether the network settles on an L1."""
        return self.l1 != NO_L1


def genesis_digest(genesis: Genesis) -> Digest:
    """Digest that every signature binds."""
    return digest(Domain.GENESIS, encode(genesis))


def open_genesis(raw: bytes) -> Genesis:
    """Decode and check a genesis file.

    Raises
    ------
    CodecError
        If the bytes are not a genesis.
    GenesisError
        If its content cannot start a network, or another build has to.
    """
    _check_leading_version(raw)
    genesis = decode(raw, Genesis, limit_bytes=MAX_GENESIS_BYTES)
    check_genesis(genesis)
    return genesis


def check_genesis(genesis: Genesis) -> None:
    """Check what the codec cannot: roles, distinct ids and keys, proofs of possession.

    Raises
    ------
    GenesisError
        Naming the entry that has to change.
    """
    check_protocol_version(genesis.protocol_version)
    if not genesis.validators:
        raise GenesisError("a network needs at least one validator")
    if tuple(chain.role for chain in genesis.chains) != (ChainRole.ZK, ChainRole.FAST):
        raise GenesisError("a genesis lists two chains: first the ZK chain, then the fast chain")
    if genesis.chains[0].chain_id == genesis.chains[1].chain_id:
        raise GenesisError(f"both chains have the id {genesis.chains[0].chain_id}")
    for chain in genesis.chains:
        if chain.gas_limit < 1_000_000:
            raise GenesisError(f"{chain.role.name} chain: gas limit below 1,000,000")
        if not 0 < chain.checkpoint_interval_blocks <= MAX_CHECKPOINT_INTERVAL_BLOCKS:
            raise GenesisError(
                f"{chain.role.name} chain: checkpoint interval of "
                f"{chain.checkpoint_interval_blocks} blocks, "
                f"expected 1 to {MAX_CHECKPOINT_INTERVAL_BLOCKS}"
            )
        if chain.chain_id == genesis.l1.chain_id:
            # Also where there is no L1: what comes from the chain 0 would count as deposits.
            raise GenesisError(f"{chain.role.name} chain: its id {chain.chain_id} is that of L1")
        addresses = [allocation.address for allocation in chain.allocations]
        if len(set(addresses)) != len(addresses):
            raise GenesisError(f"{chain.role.name} chain: an address is allocated twice")
    is_l1_named_in_part = genesis.has_l1 and (
        genesis.l1.chain_id == NO_L1.chain_id or genesis.l1.rollup == NO_L1.rollup
    )
    if is_l1_named_in_part:
        raise GenesisError("l1 needs both a chain id and the Rollup's address, or neither")
    has_idle_beat_in_time = 0 < genesis.timing.idle_interval_ms < genesis.timing.delta_ms
    if not has_idle_beat_in_time:
        raise GenesisError("idle_interval_ms has to lie between 0 and delta_ms")
    for attribute in ("consensus_key", "network_key", "checkpoint_key"):
        keys = [getattr(validator, attribute) for validator in genesis.validators]
        if len(set(keys)) != len(keys):
            raise GenesisError(f"two validators share one {attribute}")
    for validator in genesis.validators:
        _check_validator(validator)


def check_protocol_version(version: int) -> None:
    """Check that this build speaks a network's protocol.

    Raises
    ------
    UnknownProtocolVersion
        If it does not; the error says which versions it speaks.
    """
    if version not in SPOKEN_PROTOCOL_VERSIONS:
        raise UnknownProtocolVersion(version, SPOKEN_PROTOCOL_VERSIONS)


def _check_leading_version(raw: bytes) -> None:
    """Name the version before the rest, which may have another layout, is decoded."""
    try:
        _, version = decode_leading(raw, Genesis, 2, limit_bytes=MAX_GENESIS_BYTES)
    except CodecError:
        return  # No genesis of any version: decoding says why.
    check_protocol_version(version)


def _check_validator(validator: GenesisValidator) -> None:
    try:
        Ed25519Verifier(validator.consensus_key)
        Ed25519Verifier(validator.network_key)
        verify_possession(BlsVerifier(validator.checkpoint_key), validator.possession_proof)
    except SignatureError as error:
        raise GenesisError(f"validator {validator.name}: {error}") from error
