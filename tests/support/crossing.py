"""Messages between the two chains of a local network."""

from collections.abc import Sequence

from eth_abi.abi import decode
from local_network import LocalNetwork, transfer

from contracts.addresses import OWNERSHIP_ORACLE_ADDRESS, PORTAL_ADDRESS
from contracts.bindings import send_call
from execution.types import Address, CallRequest
from ledger.hashing import keccak
from ledger.types import ChainRole

NOBODY = Address(bytes(20))
PORTAL = "0x" + PORTAL_ADDRESS.hex()
ORACLE = Address(OWNERSHIP_ORACLE_ADDRESS)


def send_message(
    network: LocalNetwork,
    index: int,
    role: ChainRole,
    account: int,
    nonce: int,
    target: Address,
    *,
    value_wei: int = 0,
    data: bytes = b"",
) -> None:
    """Have a development account send a message from a chain, through one node."""
    raw = transfer(
        role,
        account,
        nonce,
        to=PORTAL,
        value_wei=value_wei,
        gas=400_000,
        data="0x" + send_call(target, 100_000, data).hex(),
    )
    assert [outcome.is_accepted for outcome in network.submit(index, role, [raw])] == [True]


def view(
    network: LocalNetwork, index: int, role: ChainRole, contract: bytes, signature: str, *words: int
) -> int:
    """A view of a predeploy that gives one word."""
    data = keccak(signature.encode())[:4] + b"".join(word.to_bytes(32, "big") for word in words)
    request = CallRequest(NOBODY, Address(contract), data, gas_limit=1_000_000)
    result = network.core(index, role).engine.call(request)
    assert result.is_success, signature
    (word,) = decode(["uint256"], result.output)
    return int(word)


def received_count(network: LocalNetwork, index: int, role: ChainRole) -> int:
    return view(network, index, role, PORTAL_ADDRESS, "next_inbound_nonce()")


def delivered_nonces(network: LocalNetwork, index: int, role: ChainRole) -> Sequence[int]:
    """Nonces that the final ledger delivers into a chain, in order."""
    return [
        delivery.message.nonce
        for ordered in network.nodes[index].archive.ordered_from(1)
        for delivery in ordered.work.deliveries
        if ordered.work.role is role
    ]
