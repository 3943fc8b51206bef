"""The committed artifacts of L1's contracts, and what they and Python say alike."""

import pytest

from contracts import (
    BRIDGED_TOKENS_ADDRESS,
    FORCED_TRANSACTION_ADDRESS,
    PORTAL_ADDRESS,
    artifact,
)
from contracts.build import L1_SOURCE_FOLDER, compile_contract
from contracts.errors import UnknownContractError
from contracts.l1 import L1_CONTRACT_NAMES, l1_artifact
from contracts.l1.batches import MAX_POSTED_BLOCKS, MAX_POSTED_BYTES
from contracts.l1.compiled import l1_artifact_path
from execution.statement import DOMAIN
from execution.types import SYSTEM_ADDRESS
from ledger.bls import CURVE_ORDER
from ledger.crossing import MAX_MESSAGE_DATA_BYTES
from ledger.hashing import Domain, domain_prefix, keccak
from ledger.types import MAX_VALIDATORS

MAX_CODE_BYTES = 24_576  # EIP-170
MAX_INIT_CODE_BYTES = 49_152  # EIP-3860


@pytest.mark.parametrize("name", L1_CONTRACT_NAMES)
def test_the_artifact_is_what_the_source_compiles_to(name: str) -> None:
    assert l1_artifact_path(name).read_text() == compile_contract(name)


@pytest.mark.parametrize("name", L1_CONTRACT_NAMES)
def test_the_code_fits_into_an_account(name: str) -> None:
    compiled = l1_artifact(name)
    assert 0 < len(compiled.runtime_bytecode) <= MAX_CODE_BYTES
    assert len(compiled.bytecode) <= MAX_INIT_CODE_BYTES


def test_there_is_no_artifact_of_an_unknown_contract() -> None:
    with pytest.raises(UnknownContractError, match="known: Rollup"):
        l1_artifact("Portal")


def constant(module: str, name: str) -> str:
    """Value of a constant as its source has it."""
    source = (L1_SOURCE_FOLDER / f"{module}.vy").read_text()
    (line,) = (line for line in source.splitlines() if line.startswith(f"{name}: "))
    return line.split(" = ")[1]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("PORTAL", PORTAL_ADDRESS),
        ("BRIDGED_TOKENS", BRIDGED_TOKENS_ADDRESS),
        ("FORCED_TRANSACTION", FORCED_TRANSACTION_ADDRESS),
        ("SYSTEM", SYSTEM_ADDRESS),
    ],
)
def test_l1_and_python_name_the_same_addresses(name: str, address: bytes) -> None:
    assert bytes.fromhex(constant("l1_constants", name)[2:]) == address


@pytest.mark.parametrize(
    ("name", "contract", "variable"),
    [
        ("WITHDRAWALS_SLOT", "Portal", "l1_withdrawals.withdrawals"),
        ("TOKEN_OWNER_SLOT", "BridgedTokens", "erc721._owner_of"),
        ("TOKEN_LOCKED_BY_SLOT", "BridgedTokens", "locked_by"),
    ],
)
def test_l1_proves_the_slots_that_the_predeploys_use(
    name: str, contract: str, variable: str
) -> None:
    assert int(constant("l1_constants", name)) == artifact(contract).storage_layout[variable]


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("message_leaf", "MAX_DATA_BYTES", MAX_MESSAGE_DATA_BYTES),
        ("message_leaf", "MAX_LEAF_BYTES", MAX_MESSAGE_DATA_BYTES + 96),
        ("data_chain", "MAX_DATA_BYTES", MAX_POSTED_BYTES),
        ("data_chain", "MAX_BLOCKS", MAX_POSTED_BLOCKS),
        ("ValidatorRegistry", "MAX_VALIDATORS", MAX_VALIDATORS),
        ("ValidatorRegistry", "MAX_BITMAP_BYTES", MAX_VALIDATORS // 8),
    ],
)
def test_bounds_are_those_of_the_ledger(module: str, name: str, value: int) -> None:
    assert int(constant(module, name)) == value


def test_domains_are_those_of_the_ledger() -> None:
    prefix = domain_prefix(Domain.CHECKPOINT)
    assert constant("checkpoints", "DOMAIN_PREFIX") == f'x"{prefix.hex()}"'
    assert constant("batch_statement", "DOMAIN") == 'keccak256("Braid batch statement 1")'
    assert keccak(b"Braid batch statement 1") == DOMAIN
    for name, purpose in (("SIGNATURE_DOMAIN", b"SIG"), ("POSSESSION_DOMAIN", b"POP")):
        domain = b"BLS_" + purpose + b"_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
        assert constant("bls12_381", name) == f'x"{(domain + bytes([len(domain)])).hex()}"'


def test_the_fields_modulus_and_its_half_fit_together() -> None:
    modulus = int(constant("bls12_381", "MODULUS")[2:-1], 16)
    half = (modulus - 1) // 2
    assert int(constant("bls12_381", "HALF_HIGH")) == half >> 256
    assert int(constant("bls12_381", "HALF_LOW")) == half % 2**256
    # The field of the curve with this order: p = (x - 1)^2 r / 3 + x for its parameter x.
    x = -0xD201000000010000
    assert modulus == (x - 1) ** 2 * CURVE_ORDER // 3 + x
