"""Getting the contracts on L1: by this node if it is told to, else by waiting for the record."""

import asyncio
import time
from functools import cache
from typing import Final

import rlp
import structlog
from eth_account import Account
from eth_account.signers.local import LocalAccount

from actors.config import L1Connection
from actors.prover.stf import guest_key
from execution.engine import WasmEngine
from execution.genesis import chain_spec
from execution.types import Address, Hash32
from ledger.genesis import Genesis
from ledger.types import ChainRole
from proving.parameters import parameters_named
from proving.stark.keys import VerifyingKey
from settlement.deployment import (
    Deployer,
    Deployment,
    DeploymentTerms,
    check_deployment,
    load_deployment,
    save_deployment,
)
from settlement.errors import L1Error
from settlement.l1.account import AccountPolicy
from settlement.l1.client import L1Client
from settlement.verifier import StarkVerifierContracts

RETRY_SECONDS: Final = 0.5
STATE_ROOT_FIELD: Final = 3
"""Of an Ethereum header."""

log = structlog.get_logger(__name__)


@cache
def verifying_key(parameter_set: str) -> VerifyingKey:
    """Key of the state transition function: that of the verifier on L1."""
    return guest_key(parameter_set).verifying_key_under(parameters_named(parameter_set))


async def find_deployment(
    client: L1Client, genesis: Genesis, connection: L1Connection
) -> Deployment:
    """Where the contracts are; deploys them first if that is this node's task.

    Raises
    ------
    DeploymentError
        The record is another network's, or a contract cannot be deployed.
    """
    while not connection.deployment_file.exists():
        if connection.deployer_key_file is not None:
            try:
                deployment = await _deploy(client, genesis, connection)
            except L1Error as error:
                log.info("the contracts are not deployed yet", reason=str(error))
            else:
                save_deployment(deployment, connection.deployment_file)
                break
        await asyncio.sleep(RETRY_SECONDS)
    deployment = load_deployment(connection.deployment_file)
    check_deployment(deployment, genesis)
    return deployment


async def _deploy(client: L1Client, genesis: Genesis, connection: L1Connection) -> Deployment:
    assert connection.deployer_key_file is not None
    deployer: LocalAccount = Account.from_key(connection.deployer_key_file.read_bytes())
    address = Address(bytes.fromhex(deployer.address[2:]))
    engine = WasmEngine(chain_spec(genesis, ChainRole.ZK))
    started = time.monotonic()
    deployment = await Deployer(
        client,
        deployer,
        genesis,
        Hash32(rlp.decode(engine.head_header_rlp)[STATE_ROOT_FIELD]),
        engine.head_hash,
        DeploymentTerms(owner=address),
        StarkVerifierContracts(verifying_key(connection.parameter_set)),
        first_nonce=connection.deployer_nonce,
        policy=AccountPolicy(confirmations=connection.confirmations),
        monotonic=time.monotonic,
    ).run()
    log.info("contracts deployed on L1", seconds=round(time.monotonic() - started, 1))
    return deployment
