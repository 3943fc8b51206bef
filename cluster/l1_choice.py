"""What `braid up` was told about L1, made into a plan for a new network."""

from pathlib import Path
from typing import Final

from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception

from actors.l1.settings import EngineKind
from cluster.errors import ClusterError
from cluster.l1_founding import address_of
from cluster.l1_plan import (
    EMBEDDED,
    NONE,
    L1Choice,
    L1Plan,
    L1Request,
    embedded_choice,
    new_keys,
)
from cluster.ports import free_ports, require_free
from ledger.types import ChainId

DEFAULT_L1_PORT: Final = 8544
CONFIRMATIONS: Final = 3
ANSWER_SECONDS: Final = 10.0
TEMPORARY_BATCH_AGE_SECONDS: Final = 86_400.0


def choose_l1(request: L1Request) -> L1Choice | None:
    """The L1 of a new network; None if it settles nowhere.

    Raises
    ------
    PortsTaken
        The embedded L1's port is in use.
    ClusterError
        The endpoint does not answer, or the key is missing or none.
    """
    if request.l1 == NONE:
        return None
    if request.l1 == EMBEDDED:
        port = request.port or DEFAULT_L1_PORT
        require_free([port])
        return embedded_choice(
            port,
            EngineKind(request.engine),
            request.provers,
            prover_gpus=request.prover_gpus,
        )
    return _external(request)


def temporary_l1(provers: int, engine: EngineKind = EngineKind.WASM) -> L1Choice:
    """An embedded L1 on a free port, for a network that does not stay: it settles when told to."""
    (port,) = free_ports(1)
    return embedded_choice(port, engine, provers, TEMPORARY_BATCH_AGE_SECONDS)


def _external(request: L1Request) -> L1Choice:
    if request.key_file is None:
        raise ClusterError(
            f"settling on {request.l1} needs the key of a funded account: give --l1-key FILE"
        )
    keys = new_keys(_read_key(request.key_file))
    deployer = Web3.to_checksum_address(address_of(keys.deployer))
    try:
        web3 = Web3(HTTPProvider(request.l1, request_kwargs={"timeout": ANSWER_SECONDS}))
        chain_id = ChainId(web3.eth.chain_id)
        nonce = web3.eth.get_transaction_count(deployer)
    except (OSError, ValueError, Web3Exception) as error:
        raise ClusterError(f"L1 at {request.l1} does not answer: {error}") from error
    plan = L1Plan(
        url=request.l1,
        embedded=None,
        confirmations=CONFIRMATIONS,
        deployer_nonce=nonce,
        provers=request.provers,
        prover_gpus=request.prover_gpus,
    )
    return L1Choice(plan, chain_id, keys)


def _read_key(file: Path) -> bytes:
    try:
        key = bytes.fromhex(file.read_text().strip().removeprefix("0x"))
    except (OSError, ValueError) as error:
        raise ClusterError(f"{file} holds no private key in hexadecimal: {error}") from error
    if len(key) != 32:
        raise ClusterError(f"{file} holds {len(key)} bytes, a private key has 32")
    return key
