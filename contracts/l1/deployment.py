"""What the contracts on L1 are deployed with.

Order, since two of them name each other and the ZK chain's genesis names the Rollup: choose a
deployer; compute the Rollup's address with :func:`created_address`; make the genesis of the ZK
chain with it; deploy and seal the registry for that genesis; deploy ``Exits`` for the Rollup's
address; deploy the Rollup at the nonce that its address was computed for.
"""

from dataclasses import astuple, dataclass

import rlp
from eth_abi.abi import encode
from eth_utils.abi import get_abi_input_types

from contracts.compiled import Artifact
from contracts.l1.compiled import l1_artifact
from execution.types import Address, Hash32
from ledger.hashing import keccak


@dataclass(frozen=True, slots=True)
class RollupSettings:
    """Arguments of the Rollup's constructor, in its order.

    ``inclusion_deadline_seconds < escape_deadline_seconds < timelock_seconds``. The value that the
    constructor is called with must back the ZK chain's genesis accounts.
    """

    zk_chain_id: int
    is_base_fee_zero: bool
    genesis_state_root: Hash32
    genesis_block_hash: Hash32
    verifier: Address
    registry: Address
    exits: Address
    owner: Address
    guardian: Address
    inclusion_deadline_seconds: int
    escape_deadline_seconds: int
    timelock_seconds: int
    eth_capacity_wei: int
    eth_refill_wei_per_second: int
    mints_per_round: int


def rollup_init_code(settings: RollupSettings) -> bytes:
    """Return the init code that deploys the Rollup."""
    return init_code(l1_artifact("Rollup"), *astuple(settings))


def exits_init_code(rollup: Address) -> bytes:
    """Return the init code that deploys ``Exits`` for a Rollup, which may not exist yet."""
    return init_code(l1_artifact("Exits"), rollup)


def registry_init_code(genesis_digest: bytes) -> bytes:
    """Return the init code that deploys the registry for one genesis of the ledger."""
    return init_code(l1_artifact("ValidatorRegistry"), genesis_digest)


def init_code(compiled: Artifact, *arguments: object) -> bytes:
    """Return a contract's init code followed by its constructor's arguments."""
    constructors = [entry for entry in compiled.abi if entry["type"] == "constructor"]
    types = get_abi_input_types(constructors[0]) if constructors else []  # type: ignore[arg-type]  # the artifact's ABI is plain JSON
    return compiled.bytecode + encode(types, arguments)


def created_address(deployer: Address, nonce: int) -> Address:
    """Return the address of the contract that an account creates with a nonce (Yellow Paper, 7)."""
    return Address(keccak(rlp.encode([deployer, nonce]))[12:])
