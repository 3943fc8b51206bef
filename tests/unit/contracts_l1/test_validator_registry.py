"""Certificates on L1 are those of the ledger: same bytes, same keys, same quorum, nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_arkworks_bls12381 import G1Point, G2Point

from contracts.errors import PointError
from contracts.l1 import checkpoint_tuple, encode_key, encode_signature, l1_artifact
from contracts.l1.succession import registry_transactions, takeover
from execution.types import Address, GenesisAccount
from ledger.bls import CURVE_ORDER, BlsSigner, aggregate
from ledger.crossing import Checkpoint, checkpoint_message
from ledger.hashing import keccak
from ledger.keys import ValidatorKeys
from ledger.signers import pack_signers
from ledger.types import (
    MAX_VALIDATORS,
    BlockNumber,
    BlsPublicKey,
    BlsSignature,
    ChainId,
    Digest,
    EvmHash,
    ValidatorIndex,
    quorum,
)
from tests.support.engine_chain import ETHER, DeployedContract, EngineChain, Key

REGISTRAR, STRANGER = Key("registrar"), Key("stranger")
DIGEST = Digest(keccak(b"genesis"))
SIGNERS = [BlsSigner(7_000 + index) for index in range(7)]
CHECKPOINT = Checkpoint(
    ChainId(7001),
    BlockNumber(300),
    *(EvmHash(keccak(bytes([index]))) for index in range(5)),
    next_message_nonce=9,
)
INFINITY_G2 = bytes(256)
FIELD_MODULUS = int(
    "1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB",
    16,
)


def new_chain() -> EngineChain:
    """A chain with two rich accounts."""
    rich = GenesisAccount(balance_wei=ETHER)
    return EngineChain(1, {REGISTRAR.address: rich, STRANGER.address: rich})


def deploy(chain: EngineChain, digest: Digest = DIGEST) -> DeployedContract:
    """A registry without validators."""
    return chain.deploy(REGISTRAR, l1_artifact("ValidatorRegistry"), digest)


def registration(signer: BlsSigner) -> tuple[bytes, bytes]:
    """Key and proof of possession."""
    return encode_key(signer.public_key), encode_signature(signer.prove_possession())


def sealed(signers: list[BlsSigner], digest: Digest = DIGEST) -> DeployedContract:
    """A sealed registry."""
    registry = deploy(new_chain(), digest)
    for signer in signers:
        registry.must(REGISTRAR, "register", *registration(signer))
    registry.must(REGISTRAR, "seal", len(signers))
    return registry


@pytest.fixture(scope="module")
def registry() -> DeployedContract:
    """A sealed registry of seven validators; views do not change it."""
    return sealed(SIGNERS)


def signature_of(
    indices: list[int], checkpoint: Checkpoint = CHECKPOINT, digest: Digest = DIGEST
) -> bytes:
    """Aggregate signature of some of the seven."""
    message = checkpoint_message(digest, checkpoint)
    return encode_signature(aggregate([SIGNERS[index].sign(message) for index in indices]))


def bitmap_of(*indices: int) -> bytes:
    """Bitmap of some validators."""
    return pack_signers(map(ValidatorIndex, indices))


def refusal(
    registry: DeployedContract,
    bitmap: bytes,
    signature: bytes,
    checkpoint: Checkpoint = CHECKPOINT,
) -> str:
    """What a registry says against a certificate."""
    return registry.refusal(
        STRANGER, "check_certificate", checkpoint_tuple(checkpoint), bitmap, signature
    )


# ---- CERTIFICATES ----


@pytest.mark.parametrize("indices", [[0, 1, 2, 3, 4], [2, 3, 4, 5, 6], list(range(7))])
def test_a_quorums_certificate_is_accepted(registry: DeployedContract, indices: list[int]) -> None:
    fields = checkpoint_tuple(CHECKPOINT)
    certificate = (bitmap_of(*indices), signature_of(indices))
    assert registry.view("check_certificate", fields, *certificate) == len(indices)


def test_fewer_than_a_quorum_is_refused(registry: DeployedContract) -> None:
    assert registry.view("quorum") == quorum(7) == 5
    indices = [0, 1, 2, 3]
    assert refusal(registry, bitmap_of(*indices), signature_of(indices)) == "registry: no quorum"
    assert refusal(registry, b"", INFINITY_G2) == "registry: no quorum"


def test_naming_more_signers_than_signed_is_refused(registry: DeployedContract) -> None:
    four = signature_of([0, 1, 2, 3])
    assert refusal(registry, bitmap_of(0, 1, 2, 3, 4), four) == (
        "registry: signature does not verify"
    )


def test_a_signer_counts_once_however_often_it_signed(registry: DeployedContract) -> None:
    """Four signers, one of them twice: the bitmap cannot say it, and the sum does not verify."""
    doubled = signature_of([0, 1, 2, 3, 3])
    assert refusal(registry, bitmap_of(0, 1, 2, 3), doubled) == "registry: no quorum"
    assert refusal(registry, bitmap_of(0, 1, 2, 3, 4), doubled) == (
        "registry: signature does not verify"
    )


@pytest.mark.parametrize(
    ("bitmap", "reason"),
    [
        (bytes([0b1111_1111]), "registry: signer out of range"),
        (bytes([0b0001_1111, 1]), "registry: signer out of range"),
        (bytes([0b0001_1111, 0]), "registry: bitmap ends with a zero byte"),
        (bytes([0b0001_1111]) + bytes(30) + b"\x80", "registry: signer out of range"),
        (bytes([0]), "registry: bitmap ends with a zero byte"),
        (bytes(32), "registry: bitmap ends with a zero byte"),
    ],
)
def test_malformed_bitmaps_are_refused(
    registry: DeployedContract, bitmap: bytes, reason: str
) -> None:
    assert refusal(registry, bitmap, signature_of([0, 1, 2, 3, 4])) == reason


def test_a_bitmap_longer_than_any_set_is_refused(registry: DeployedContract) -> None:
    fields = checkpoint_tuple(CHECKPOINT)
    too_long = (fields, bytes([0b0001_1111]) + bytes(31) + b"\x01", signature_of([0]))
    assert not registry.transact(STRANGER, "check_certificate", *too_long).is_success


def test_every_field_of_the_checkpoint_is_signed(registry: DeployedContract) -> None:
    indices = [0, 1, 2, 3, 4]
    signature = signature_of(indices)
    for changes in (
        {"chain_id": ChainId(7002)},
        {"number": BlockNumber(301)},
        {"ledger_digest": EvmHash(bytes(32))},
        {"block_hash": EvmHash(bytes(32))},
        {"state_root": EvmHash(bytes(32))},
        {"receipts_root": EvmHash(bytes(32))},
        {"outbox_root": EvmHash(bytes(32))},
        {"next_message_nonce": 10},
    ):
        changed = replace(CHECKPOINT, **changes)
        assert refusal(registry, bitmap_of(*indices), signature, changed) == (
            "registry: signature does not verify"
        ), changes


def test_a_certificate_of_another_ledger_is_refused(registry: DeployedContract) -> None:
    indices = [0, 1, 2, 3, 4]
    other = signature_of(indices, digest=Digest(bytes(32)))
    assert refusal(registry, bitmap_of(*indices), other) == "registry: signature does not verify"


def test_a_signature_in_the_domain_of_possession_is_refused(registry: DeployedContract) -> None:
    """A proof of possession signs a key under another domain: it is no attestation."""
    indices = [0, 1, 2, 3, 4]
    possessions = aggregate([SIGNERS[index].prove_possession() for index in indices])
    assert refusal(registry, bitmap_of(*indices), encode_signature(possessions)) == (
        "registry: signature does not verify"
    )


def malformed_signatures() -> list[bytes]:
    """What is no signature: infinity, not on the curve, not reduced, negated, swapped, cut."""
    honest = signature_of([0, 1, 2, 3, 4])
    x_c0 = int.from_bytes(honest[:64])
    parts = [honest[at : at + 64] for at in range(0, 256, 64)]
    not_reduced = (x_c0 + FIELD_MODULUS).to_bytes(64)
    return [
        INFINITY_G2,
        honest[:-1] + bytes([honest[-1] ^ 1]),
        not_reduced + honest[64:],
        b"\x01" + honest[1:],
        parts[1] + parts[0] + parts[3] + parts[2],
        honest[:255],
        b"",
        encode_signature(BlsSignature(bytes((-G2Point()).to_compressed_bytes()))),
    ]


@pytest.mark.parametrize("index", range(8))
def test_malformed_signatures_are_refused(registry: DeployedContract, index: int) -> None:
    signature = malformed_signatures()[index]
    assert refusal(registry, bitmap_of(0, 1, 2, 3, 4), signature) == (
        "registry: signature does not verify"
    )


def test_a_point_outside_the_subgroup_is_no_signature(registry: DeployedContract) -> None:
    """On the curve, but of another order: x = 2 + 0u of the twist, found by trying."""
    point = _point_of_another_order()
    assert refusal(registry, bitmap_of(0, 1, 2, 3, 4), point) == (
        "registry: signature does not verify"
    )


def _point_of_another_order() -> bytes:
    """A point of the twist y^2 = x^3 + 4 (1 + u) that is not in G2."""
    for number in range(1, 50):
        compressed = bytearray(96)
        compressed[0] |= 0x80
        compressed[95] = number
        try:
            point = G2Point.from_compressed_bytes_unchecked(bytes(compressed))
        except ValueError:
            continue
        if not point.is_in_subgroup():
            raw = bytes(point.to_xy_bytes_be())
            return b"".join(bytes(16) + raw[at : at + 48] for at in range(0, 192, 48))
    raise AssertionError("no such point")


@pytest.mark.parametrize(
    "changes",
    [
        {"chain_id": ChainId(2**52)},
        {"number": BlockNumber(2**63)},
        {"next_message_nonce": 2**63},
    ],
)
def test_what_the_ledger_cannot_encode_is_refused(
    registry: DeployedContract, changes: dict[str, int]
) -> None:
    fields = list(checkpoint_tuple(CHECKPOINT))
    places = {"chain_id": 0, "number": 1, "next_message_nonce": 7}
    for name, value in changes.items():
        fields[places[name]] = value
    certificate = (tuple(fields), bitmap_of(0, 1, 2, 3, 4), signature_of([0]))
    assert registry.refusal(STRANGER, "check_certificate", *certificate) == (
        "checkpoint: a number is out of bounds"
    )


def test_there_is_no_key_beyond_the_last_validator(registry: DeployedContract) -> None:
    assert registry.view("validator_count") == 7
    assert registry.refusal(STRANGER, "validator_key", 7) == "registry: no such validator"


@pytest.mark.slow
def test_a_set_has_at_most_as_many_validators_as_a_ledger() -> None:
    registry = deploy(new_chain())
    for index in range(MAX_VALIDATORS):
        registry.must(REGISTRAR, "register", *registration(BlsSigner(1 + index)))
    one_more = registration(BlsSigner(1 + MAX_VALIDATORS))
    assert registry.refusal(REGISTRAR, "register", *one_more) == "registry: too many validators"


# ---- DIFFERENTIAL ----

EDGES = st.sampled_from([0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**51])


@settings(max_examples=60, deadline=None)
@given(
    chain_id=EDGES | st.integers(0, 2**52 - 1),
    number=EDGES | st.integers(0, 2**63 - 1),
    nonce=EDGES | st.integers(0, 2**63 - 1),
    seed=st.binary(min_size=4, max_size=4),
)
def test_the_signed_bytes_are_the_ledgers_for_any_checkpoint(
    registry: DeployedContract, chain_id: int, number: int, nonce: int, seed: bytes
) -> None:
    hashes = [EvmHash(keccak(seed + bytes([index]))) for index in range(5)]
    checkpoint = Checkpoint(
        ChainId(chain_id), BlockNumber(number), *hashes, next_message_nonce=nonce
    )
    message = registry.view("checkpoint_message", checkpoint_tuple(checkpoint))
    assert message == checkpoint_message(DIGEST, checkpoint)
    indices = [0, 2, 3, 4, 6]
    certificate = (bitmap_of(*indices), signature_of(indices, checkpoint))
    assert registry.view("check_certificate", checkpoint_tuple(checkpoint), *certificate) == 5


@settings(max_examples=10, deadline=None)
@given(
    secrets=st.lists(st.integers(1, CURVE_ORDER - 1), min_size=1, max_size=5, unique=True),
    digest=st.binary(min_size=32, max_size=32),
)
def test_any_keys_of_the_ledger_are_registered_and_certify(
    secrets: list[int], digest: bytes
) -> None:
    signers = [BlsSigner(secret) for secret in secrets]
    registry = sealed(signers, Digest(digest))
    needed = quorum(len(signers))
    assert registry.view("quorum") == needed
    message = checkpoint_message(Digest(digest), CHECKPOINT)
    signature = aggregate([signer.sign(message) for signer in signers[:needed]])
    certificate = (bitmap_of(*range(needed)), encode_signature(signature))
    fields = checkpoint_tuple(CHECKPOINT)
    assert registry.view("check_certificate", fields, *certificate) == needed
    for index, signer in enumerate(signers):
        assert registry.view("validator_key", index) == encode_key(signer.public_key)


# ---- REGISTRATION ----


def test_a_key_needs_a_proof_of_possession() -> None:
    registry = deploy(new_chain())
    key, _ = registration(SIGNERS[0])
    _, foreign = registration(SIGNERS[1])
    attestation = encode_signature(SIGNERS[0].sign(SIGNERS[0].public_key))
    for wrong in (foreign, attestation, INFINITY_G2, b""):
        assert registry.refusal(REGISTRAR, "register", key, wrong) == (
            "registry: no proof of possession"
        )
    registry.must(REGISTRAR, "register", *registration(SIGNERS[0]))


def test_a_key_that_would_cancel_another_cannot_be_registered() -> None:
    """The rogue key: what is left of a key of one's own after another's is taken away."""
    registry = deploy(new_chain())
    registry.must(REGISTRAR, "register", *registration(SIGNERS[0]))
    honest = G1Point.from_compressed_bytes(SIGNERS[0].public_key)
    own = BlsSigner(12)
    rogue = G1Point.from_compressed_bytes(own.public_key) - honest
    key = encode_key(BlsPublicKey(bytes(rogue.to_compressed_bytes())))
    possession = encode_signature(own.prove_possession())
    assert registry.refusal(REGISTRAR, "register", key, possession) == (
        "registry: no proof of possession"
    )


def test_infinity_and_malformed_keys_are_refused() -> None:
    registry = deploy(new_chain())
    key, possession = registration(SIGNERS[0])
    for wrong in (bytes(128), b"\x01" + key[1:], key[:-1] + bytes([key[-1] ^ 1])):
        assert registry.refusal(REGISTRAR, "register", wrong, possession) == (
            "registry: no proof of possession"
        )
    assert registry.refusal(REGISTRAR, "register", key[:127], possession) == (
        "registry: key is not 128 bytes"
    )


def test_a_key_is_registered_once() -> None:
    registry = deploy(new_chain())
    registry.must(REGISTRAR, "register", *registration(SIGNERS[0]))
    assert registry.refusal(REGISTRAR, "register", *registration(SIGNERS[0])) == (
        "registry: key is registered"
    )


def test_only_the_registrar_registers_and_only_before_the_seal() -> None:
    registry = deploy(new_chain())
    stranger = "registry: caller is not the registrar"
    assert registry.refusal(STRANGER, "register", *registration(SIGNERS[0])) == stranger
    registry.must(REGISTRAR, "register", *registration(SIGNERS[0]))
    assert registry.refusal(STRANGER, "seal", 1) == stranger
    assert registry.refusal(REGISTRAR, "seal", 2) == "registry: another number of validators"
    registry.must(REGISTRAR, "seal", 1)
    for function, arguments in (("register", registration(SIGNERS[1])), ("seal", (1,))):
        assert registry.refusal(REGISTRAR, function, *arguments) == "registry: sealed"


def test_an_empty_set_cannot_be_sealed() -> None:
    registry = deploy(new_chain())
    assert registry.refusal(REGISTRAR, "seal", 0) == "registry: another number of validators"


def test_nothing_is_certified_before_the_seal() -> None:
    registry = deploy(new_chain())
    registry.must(REGISTRAR, "register", *registration(SIGNERS[0]))
    assert refusal(registry, bitmap_of(0), signature_of([0])) == "registry: not sealed"


def test_the_gas_of_a_certificate_is_small(registry: DeployedContract) -> None:
    fields = checkpoint_tuple(CHECKPOINT)
    indices = list(range(7))
    outcome = registry.must(
        STRANGER, "check_certificate", fields, bitmap_of(*indices), signature_of(indices)
    )
    assert outcome.gas_used < 400_000, outcome.gas_used


# ---- THE PYTHON SIDE ----


def test_what_is_no_point_has_no_encoding() -> None:
    identity_g1 = BlsPublicKey(bytes(G1Point.identity().to_compressed_bytes()))
    identity_g2 = BlsSignature(bytes(G2Point.identity().to_compressed_bytes()))
    for key in (identity_g1, BlsPublicKey(bytes(48)), BlsPublicKey(b"\xff" * 48)):
        with pytest.raises(PointError, match="public key"):
            encode_key(key)
    for signature in (identity_g2, BlsSignature(bytes(96)), BlsSignature(b"\xff" * 96)):
        with pytest.raises(PointError, match="signature"):
            encode_signature(signature)


def test_the_written_transactions_register_and_seal_a_set() -> None:
    keys = [ValidatorKeys(bytes([number]) * 32) for number in range(1, 6)]
    entries = [key.genesis_entry(f"v{number}") for number, key in enumerate(keys)]
    init_code, calls = registry_transactions(DIGEST, entries)
    chain = new_chain()
    created = chain.transact(REGISTRAR, None, init_code).created
    assert created is not None
    for call in calls:
        assert chain.transact(REGISTRAR, created, call).is_success
    registry = DeployedContract(chain, l1_artifact("ValidatorRegistry"), created)
    assert registry.view("is_sealed")
    message = checkpoint_message(DIGEST, CHECKPOINT)
    signature = aggregate([keys[index].checkpoint.sign(message) for index in range(4)])
    arguments = (checkpoint_tuple(CHECKPOINT), bitmap_of(*range(4)), encode_signature(signature))
    assert registry.view("check_certificate", *arguments) == 4


def test_the_owner_s_written_calls_are_those_of_the_rollup() -> None:
    propose, execute = takeover(Address(bytes([7]) * 20))
    rollup = DeployedContract(new_chain(), l1_artifact("Rollup"), Address(bytes(20)))
    arguments = (2, Address(bytes([7]) * 20), 0, 0)
    assert propose == rollup.encode_call("propose", *arguments)
    assert execute == rollup.encode_call("execute", *arguments)
