"""What could be lost, read from the ZK chain's state, and what thieves hold in the end."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from eth_abi.abi import encode

from bridge.exposure import ETH, Exposure, Inflow, LockedAsset, RoundAllowance
from contracts.addresses import BRIDGED_TOKENS_ADDRESS, PORTAL_ADDRESS, ROUND_GUARD_ADDRESS
from contracts.rounds import Round, decode_round, round_call
from execution.engine import WasmEngine
from execution.types import Address, CallRequest
from ledger.hashing import keccak
from ledger.types import EvmAddress

NOBODY = Address(bytes(20))
ROUND_WORDS = 12


def call_data(signature: str, *arguments: Any) -> bytes:
    """Call data of a function by its signature."""
    types = signature[signature.index("(") + 1 : -1]
    names = split_types(types)
    return keccak(signature.encode())[:4] + encode(names, arguments)


def split_types(types: str) -> list[str]:
    """Names of plain types; none of ours is a tuple."""
    return types.split(",") if types else []


@cache
def view_data(signature: str, *arguments: Any) -> bytes:
    """Call data of a view, remembered."""
    return call_data(signature, *arguments)


Query = tuple[Address, bytes, int]
"""A contract, call data, and how many words the answer has."""


def query(contract: Address, signature: str, *arguments: Any, words: int = 1) -> Query:
    """A view to read with :func:`read_many`."""
    return contract, view_data(signature, *arguments), words


def read_many(engine: WasmEngine, queries: Sequence[Query]) -> list[tuple[int, ...]]:
    """Read many views in one call of the engine: code that makes the calls and returns it all."""
    code = bytearray()
    place = 0x400  # Above the longest call data.
    for contract, data, words in queries:
        for offset in range(0, len(data), 32):
            code += b"\x7f" + data[offset : offset + 32].ljust(32, b"\x00")
            code += b"\x61" + offset.to_bytes(2) + b"\x52"  # MSTORE
        code += b"\x61" + (32 * words).to_bytes(2) + b"\x61" + place.to_bytes(2)
        code += b"\x61" + len(data).to_bytes(2) + b"\x60\x00\x73" + contract
        code += b"\x5a\xfa\x50"  # GAS STATICCALL POP
        place += 32 * words
    length = place - 0x400
    code += b"\x61" + length.to_bytes(2) + b"\x61\x04\x00\xf3"  # RETURN
    result = engine.call(CallRequest(NOBODY, None, bytes(code)))
    assert result.is_success
    assert len(result.output) == length
    answers = []
    position = 0
    for _, _, words in queries:
        chunk = result.output[position : position + 32 * words]
        answers.append(
            tuple(int.from_bytes(chunk[start : start + 32]) for start in range(0, len(chunk), 32))
        )
        position += 32 * words
    return answers


def word(engine: WasmEngine, contract: Address, signature: str, *arguments: Any) -> int:
    """A view that gives one word."""
    request = CallRequest(NOBODY, contract, view_data(signature, *arguments))
    result = engine.call(request)
    assert result.is_success, signature
    return int.from_bytes(result.output)


def rounds_of(engine: WasmEngine) -> list[Round]:
    """Every round that was ever opened."""
    ids = range(1, word(engine, ROUND_GUARD_ADDRESS, "round_count()") + 1)
    if not ids:
        return []
    answers = read_many(
        engine, [(ROUND_GUARD_ADDRESS, round_call(round_id), ROUND_WORDS) for round_id in ids]
    )
    rounds = []
    for round_id, answer in zip(ids, answers, strict=True):
        found = decode_round(round_id, b"".join(value.to_bytes(32) for value in answer))
        assert found is not None
        rounds.append(found)
    return rounds


def exposure_of(engine: WasmEngine) -> Exposure:
    """The loss bound of a ZK chain's newest state, per asset."""
    locked = word(engine, PORTAL_ADDRESS, "locked_wei()")
    tokens = word(engine, BRIDGED_TOKENS_ADDRESS, "locked_tokens()")
    return exposure_from(locked, tokens, rounds_of(engine))


def exposure_from(locked: int, tokens: int, rounds: Sequence[Round]) -> Exposure:
    """The loss bound of what is locked and the rounds, per asset."""
    return Exposure(
        locked=(
            LockedAsset(ETH, locked),
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
            for found in rounds
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
