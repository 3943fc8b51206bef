"""What could be lost, read from the ZK chain's state, and what thieves hold in the end."""

from collections.abc import Iterable, Sequence
from typing import Any

from eth_abi.abi import decode, encode

from bridge.exposure import ETH, Exposure, Inflow, LockedAsset, RoundAllowance
from contracts.addresses import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.rounds import Round, decode_round, round_call
from execution.engine import WasmEngine
from execution.types import Address, CallRequest
from ledger.hashing import keccak
from ledger.types import EvmAddress

NOBODY = Address(bytes(20))


def call_data(signature: str, *arguments: Any) -> bytes:
    """Call data of a function by its signature."""
    types = signature[signature.index("(") + 1 : -1]
    names = split_types(types)
    return keccak(signature.encode())[:4] + encode(names, arguments)


def split_types(types: str) -> list[str]:
    """Names of plain types; none of ours is a tuple."""
    return types.split(",") if types else []


def word(engine: WasmEngine, contract: Address, signature: str, *arguments: Any) -> int:
    """A view that gives one word."""
    request = CallRequest(NOBODY, contract, call_data(signature, *arguments))
    result = engine.call(request)
    assert result.is_success, signature
    (found,) = decode(["uint256"], result.output)
    return int(found)


def rounds_of(engine: WasmEngine) -> list[Round]:
    """Every round that was ever opened."""
    count = word(engine, ROUND_GUARD_ADDRESS, "round_count()")
    rounds = []
    for round_id in range(1, count + 1):
        output = engine.call(CallRequest(NOBODY, ROUND_GUARD_ADDRESS, round_call(round_id))).output
        found = decode_round(round_id, output)
        assert found is not None
        rounds.append(found)
    return rounds


def exposure_of(engine: WasmEngine) -> Exposure:
    """The loss bound of a ZK chain's newest state, per asset."""
    tokens = word(engine, BRIDGED_TOKENS_ADDRESS, "locked_tokens()")
    return Exposure(
        locked=(
            LockedAsset(ETH, word(engine, PORTAL_ADDRESS, "locked_wei()")),
            LockedAsset(EvmAddress(BRIDGED_TOKENS_ADDRESS), tokens),
        ),
        rounds=tuple(
            RoundAllowance(
                found.round_id,
                ETH,
                found.remaining_mints,
                found.unit_value_wei,
                found.remaining_value_wei,
            )
            for found in rounds_of(engine)
            if found.is_open
        ),
    )


def taken_by(engine: WasmEngine, thieves: Iterable[Address]) -> tuple[Inflow, ...]:
    """What addresses that had nothing before hold now: counted at them, not by the caps."""
    thieves = tuple(thieves)
    balances = [state.balance_wei for state in engine.accounts(thieves)]
    inflows = [Inflow(ETH, unlocked=sum(balances))]
    for thief in thieves:
        credit = word(engine, ROUND_GUARD_ADDRESS, "credit_wei(address)", "0x" + thief.hex())
        claimable = word(engine, PORTAL_ADDRESS, "claimable_wei(address)", "0x" + thief.hex())
        tokens = word(engine, BRIDGED_TOKENS_ADDRESS, "balanceOf(address)", "0x" + thief.hex())
        inflows.append(Inflow(ETH, value=credit, unlocked=claimable))
        inflows.append(Inflow(EvmAddress(BRIDGED_TOKENS_ADDRESS), unlocked=tokens))
    for found in rounds_of(engine):
        inflows.append(
            Inflow(ETH, mints=_trophies(engine, found, thieves), unit_value=found.unit_value_wei)
        )
    return tuple(inflow for inflow in inflows if inflow.total)


def _trophies(engine: WasmEngine, found: Round, thieves: Sequence[Address]) -> int:
    """Trophies of a round's contract; a contract must serve one round."""
    minted = [
        word(engine, found.trophy, "balanceOf(address)", "0x" + thief.hex()) for thief in thieves
    ]
    pending = [
        word(
            engine,
            ROUND_GUARD_ADDRESS,
            "pending_trophies(uint256,address)",
            found.round_id,
            "0x" + thief.hex(),
        )
        for thief in thieves
    ]
    return sum(minted) + sum(pending)
