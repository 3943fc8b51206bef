"""Puts the contracts on L1, and remembers where they are.

The ledger's genesis names the Rollup, so its address has to be known before there is a
genesis, and thus before anything is deployed: it depends on the deployer and its nonce
alone (:func:`predict_rollup_address`). Every step has its own nonce, so a deployment that
was interrupted goes on where it was: steps whose nonces are used are done.

=======  ====================================================================
nonce    transaction
=======  ====================================================================
+0       ``Exits``, for the address that the Rollup will have
+1       ``Rollup``, with what backs the ZK chain's genesis accounts
+2       ``ValidatorRegistry``
+3 ...   one ``register`` for each validator, then ``seal``
...      the verifier's contracts; the Rollup asks the last one
=======  ====================================================================
"""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from eth_account.signers.local import LocalAccount

from contracts.l1.deployment import (
    RollupSettings,
    created_address,
    exits_init_code,
    registry_init_code,
    rollup_init_code,
)
from contracts.l1.succession import registration, sealing
from execution.types import Address, Hash32
from ledger.genesis import Genesis, GenesisValidator, genesis_digest
from ledger.types import ChainId, ChainRole
from settlement.errors import DeploymentError, L1Refused
from settlement.l1.account import AccountPolicy, Call
from settlement.l1.client import L1Client, Sleep
from settlement.l1.sender import Monotonic, TransactionSender, request_of
from settlement.records import Record, TransactionSigned

TRANSACTION_GAS_LIMIT: Final = 16_777_216
ROLLUP_NONCE_OFFSET: Final = 1
FORMAT_VERSION: Final = 1
NOBODY: Final = Address(bytes(20))


class VerifierContracts(Protocol):
    """The contracts that check proofs on L1."""

    def init_codes(self, address_of: Callable[[int], Address]) -> Sequence[bytes]:
        """Init codes in the order of their deployment; ``address_of(i)`` is where the i-th goes.

        The last one answers ``isVerified(bytes32)``.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeploymentTerms:
    """What the Rollup is to hold itself to; the defaults are for development.

    A chain with value wants a day, a week and two weeks, see ``Rollup.vy``.
    """

    owner: Address
    guardian: Address = NOBODY
    inclusion_deadline_seconds: int = 86_400
    escape_deadline_seconds: int = 7 * 86_400
    timelock_seconds: int = 14 * 86_400
    eth_capacity_wei: int = 10_000 * 10**18
    eth_refill_wei_per_second: int = 10**18
    mints_per_round: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the contracts are, and from which block on their events have to be read."""

    l1_chain_id: ChainId
    zk_chain_id: ChainId
    genesis_digest: bytes
    rollup: Address
    exits: Address
    registry: Address
    verifier: Address
    start_block: int


def predict_rollup_address(deployer: Address, first_nonce: int = 0) -> Address:
    """Address of the Rollup of a deployment that starts with a nonce of the deployer."""
    return created_address(deployer, first_nonce + ROLLUP_NONCE_OFFSET)


def backing_wei(genesis: Genesis) -> int:
    """What the Rollup is paid at its creation: all that the ZK chain's genesis accounts hold.

    Without it their withdrawals would be paid from other people's deposits.
    """
    return sum(entry.balance_wei for entry in genesis.chain(ChainRole.ZK).allocations)


class Deployer:
    """One deployment.

    Parameters
    ----------
    state_root, block_hash
        Of the ZK chain's block 0.
    first_nonce
        Nonce of the deployer that the Rollup's address was predicted with.

    Raises
    ------
    DeploymentError
        The genesis names another Rollup.
    """

    def __init__(
        self,
        client: L1Client,
        signer: LocalAccount,
        genesis: Genesis,
        state_root: Hash32,
        block_hash: Hash32,
        terms: DeploymentTerms,
        verifier: VerifierContracts,
        *,
        first_nonce: int = 0,
        policy: AccountPolicy,
        monotonic: Monotonic,
        sleep: Sleep = asyncio.sleep,
        poll_seconds: float = 0.25,
    ) -> None:
        self._client = client
        self._signer = signer
        self._genesis = genesis
        self._policy = policy
        self._monotonic = monotonic
        self._sleep = sleep
        self._poll_seconds = poll_seconds
        self._first_nonce = first_nonce
        self._deployer = Address(bytes.fromhex(signer.address[2:]))
        predicted = predict_rollup_address(self._deployer, first_nonce)
        if genesis.l1.rollup != predicted:
            raise DeploymentError(
                f"the genesis names the Rollup 0x{genesis.l1.rollup.hex()}, this deployer's "
                f"would be 0x{predicted.hex()}"
            )
        self._steps, self._result = self._prepare(state_root, block_hash, terms, verifier)

    async def run(self) -> Deployment:
        """Deploy what is not deployed yet; returns when all of it has its confirmations.

        Raises
        ------
        DeploymentError
            A transaction reverted, or the deployer's nonce is not what it should be.
        L1Error
            L1 is away; run again.
        """
        await self._client.require_chain(self._result.l1_chain_id)
        used = await self._settled_nonce()
        done = used - self._first_nonce
        if not 0 <= done <= len(self._steps):
            raise DeploymentError(
                f"the deployer's nonce is {used}, expected {self._first_nonce} to "
                f"{self._first_nonce + len(self._steps)}: it has sent other transactions"
            )
        for index in range(done, len(self._steps)):
            await self._make(self._steps[index], self._first_nonce + index)
        await self._check_code()
        return await self._with_start_block()

    # STEPS

    def _prepare(
        self,
        state_root: Hash32,
        block_hash: Hash32,
        terms: DeploymentTerms,
        verifier: VerifierContracts,
    ) -> tuple[tuple[Call, ...], Deployment]:
        genesis, chain = self._genesis, self._genesis.chain(ChainRole.ZK)
        exits, rollup, registry = (self._address(offset) for offset in range(3))
        verifier_offset = 4 + len(genesis.validators)
        verifier_codes = verifier.init_codes(lambda index: self._address(verifier_offset + index))
        verifier_address = self._address(verifier_offset + len(verifier_codes) - 1)
        settings = RollupSettings(
            zk_chain_id=chain.chain_id,
            is_base_fee_zero=chain.is_base_fee_zero,
            genesis_state_root=state_root,
            genesis_block_hash=block_hash,
            verifier=verifier_address,
            registry=registry,
            exits=exits,
            owner=terms.owner,
            guardian=terms.guardian,
            inclusion_deadline_seconds=terms.inclusion_deadline_seconds,
            escape_deadline_seconds=terms.escape_deadline_seconds,
            timelock_seconds=terms.timelock_seconds,
            eth_capacity_wei=terms.eth_capacity_wei,
            eth_refill_wei_per_second=terms.eth_refill_wei_per_second,
            mints_per_round=terms.mints_per_round,
        )
        steps = (
            _creation(exits_init_code(rollup), "deploy Exits"),
            _creation(rollup_init_code(settings), "deploy Rollup", backing_wei(genesis)),
            _creation(registry_init_code(genesis_digest(genesis)), "deploy ValidatorRegistry"),
            *(_registration(registry, entry) for entry in genesis.validators),
            Call(
                registry,
                sealing(len(genesis.validators)),
                0,
                "seal the registry",
            ),
            *(
                _creation(code, f"deploy verifier part {index + 1} of {len(verifier_codes)}")
                for index, code in enumerate(verifier_codes)
            ),
        )
        result = Deployment(
            l1_chain_id=genesis.l1.chain_id,
            zk_chain_id=chain.chain_id,
            genesis_digest=genesis_digest(genesis),
            rollup=rollup,
            exits=exits,
            registry=registry,
            verifier=verifier_address,
            start_block=0,
        )
        return steps, result

    def _address(self, offset: int) -> Address:
        return created_address(self._deployer, self._first_nonce + offset)

    async def _settled_nonce(self) -> int:
        """Nonce of the deployer once nothing of an earlier run is in the mempool."""
        while True:
            used = await self._client.nonce(self._deployer)
            pending = await self._client.nonce(self._deployer, is_pending=True)
            if pending <= used:
                return used
            await self._sleep(self._poll_seconds)

    async def _make(self, step: Call, nonce: int) -> None:
        sender = TransactionSender(
            self._client,
            self._signer,
            self._result.l1_chain_id,
            self._policy,
            _OneNonce(nonce),
            self._monotonic,
        )
        estimate = await self._client.estimate_gas(request_of(step, self._deployer))
        gas_limit = min(estimate * 5 // 4, TRANSACTION_GAS_LIMIT)
        call = Call(step.to, step.data, gas_limit, step.purpose, step.value_wei)
        while True:
            await sender.observe()
            receipt = sender.outcome(call.call_id)
            if receipt is None and sender.status.displaced:
                raise DeploymentError(f"{step.purpose}: the deployer's key is used elsewhere")
            if receipt is not None and not receipt.is_success:
                raise DeploymentError(f"{step.purpose}: the transaction reverted")
            if receipt is not None:
                return
            if not sender.is_under_way(call.call_id):
                await sender.ensure([call])
            else:
                await self._sleep(self._poll_seconds)

    async def _check_code(self) -> None:
        result = self._result
        for name in ("rollup", "exits", "registry", "verifier"):
            address = getattr(result, name)
            if not await self._client.code(address):
                raise DeploymentError(f"there is no {name} contract at 0x{address.hex()}")

    async def _with_start_block(self) -> Deployment:
        """Block before which the Rollup was not there, found by halving.

        0 where L1 no more holds the states of that time: then all its events are read.
        """
        low, high = 0, await self._client.block_number()
        try:
            while low < high:
                middle = (low + high) // 2
                if await self._client.code(self._result.rollup, middle):
                    high = middle
                else:
                    low = middle + 1
        except L1Refused:
            low = 0
        fields = {name: getattr(self._result, name) for name in Deployment.__slots__}
        return Deployment(**{**fields, "start_block": low})


class _OneNonce:
    """A journal for one transaction: whether it is there, L1 tells."""

    def __init__(self, nonce: int) -> None:
        self.signed: dict[int, tuple[TransactionSigned, ...]] = {}
        self.next_nonce = nonce

    def append(self, record: Record) -> None:
        """Nothing: a new run looks at the nonce."""


def _creation(code: bytes, purpose: str, value_wei: int = 0) -> Call:
    return Call(None, code, 0, purpose, value_wei)


def _registration(registry: Address, entry: GenesisValidator) -> Call:
    return Call(registry, registration(entry), 0, f"register {entry.name}"[:100])


# THE RECORD


def save_deployment(deployment: Deployment, path: Path) -> None:
    """Write the record as JSON: whole or not at all."""
    fields = {
        name: "0x" + value.hex() if isinstance(value, bytes) else value
        for name, value in asdict(deployment).items()
    }
    text = json.dumps({"format": FORMAT_VERSION, **fields}, indent=2) + "\n"
    temporary = path.with_suffix(".tmp")
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_deployment(path: Path) -> Deployment:
    """Read a record.

    Raises
    ------
    DeploymentError
        If it is missing or damaged.
    """
    try:
        fields = json.loads(path.read_text())
        if fields.pop("format") != FORMAT_VERSION:
            raise ValueError(f"another format than {FORMAT_VERSION}")
        return Deployment(
            l1_chain_id=ChainId(_number(fields.pop("l1_chain_id"))),
            zk_chain_id=ChainId(_number(fields.pop("zk_chain_id"))),
            genesis_digest=_bytes(fields.pop("genesis_digest"), 32),
            rollup=Address(_bytes(fields.pop("rollup"), 20)),
            exits=Address(_bytes(fields.pop("exits"), 20)),
            registry=Address(_bytes(fields.pop("registry"), 20)),
            verifier=Address(_bytes(fields.pop("verifier"), 20)),
            start_block=_number(fields.pop("start_block")),
        )
    except FileNotFoundError as error:
        raise DeploymentError(f"{path} is missing: deploy the contracts first") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeploymentError(f"{path} is damaged: {error}") from error


def check_deployment(deployment: Deployment, genesis: Genesis) -> None:
    """Make sure that a record is of a network's own deployment.

    Raises
    ------
    DeploymentError
    """
    expected = (genesis_digest(genesis), genesis.l1.chain_id, genesis.l1.rollup)
    got = (deployment.genesis_digest, deployment.l1_chain_id, deployment.rollup)
    if got != expected:
        raise DeploymentError("the deployment is another network's")


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected a number, got {value!r}")
    return value


def _bytes(value: Any, length: int) -> bytes:
    found = bytes.fromhex(value.removeprefix("0x"))
    if len(found) != length:
        raise ValueError(f"expected {length} bytes, got {len(found)}")
    return found
