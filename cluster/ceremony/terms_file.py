"""The terms of a network as its founders write them down: a JSON file.

::

    {"network": "braid-example",
     "zk": {"chain_id": 271801, "gas_limit": 60000000, "balances_wei": {"0x…": "1000000000"}},
     "fast": {"chain_id": 271802, "gas_limit": 60000000, "balances_wei": {}},
     "timing": {"delta_ms": 500, "idle_interval_ms": 200, "zk_interval_ms": 200,
                "zk_idle_interval_ms": 2000, "max_drift_ms": 2000},
     "max_total_exposure_wei": "1000000000000000000000"}

Amounts are texts: JSON's numbers lose wei. Everything has to be there, so that nobody agrees to
a default that was not read.
"""

import json
from pathlib import Path
from typing import Any, Final

import orjson

from cluster.errors import ClusterError, GenesisRefused
from cluster.genesis_terms import GAS_LIMIT, ChainTerms, NetworkTerms
from cluster.hexadecimal import bytes_of
from cluster.proofs.files import read_input
from contracts.predeploys import DEFAULT_MAX_TOTAL_EXPOSURE_WEI
from execution.types import Address
from ledger.genesis import Timing
from ledger.types import ChainId

MAX_TERMS_BYTES: Final = 16 * 1024 * 1024
MAX_BALANCE_WEI: Final = 2**128
_TIMES: Final = (
    *("delta_ms", "idle_interval_ms", "zk_interval_ms", "zk_idle_interval_ms"),
    "max_drift_ms",
)


def template() -> str:
    """Terms to begin with: nobody has anything."""
    chain = {"gas_limit": GAS_LIMIT, "balances_wei": {}}
    return json.dumps(
        {
            "network": "braid-example",
            "zk": {"chain_id": 271_801, **chain},
            "fast": {"chain_id": 271_802, **chain},
            "timing": {
                "delta_ms": 500,
                "idle_interval_ms": 200,
                "zk_interval_ms": 200,
                "zk_idle_interval_ms": 2_000,
                "max_drift_ms": 2_000,
            },
            "max_total_exposure_wei": str(DEFAULT_MAX_TOTAL_EXPOSURE_WEI),
        },
        indent=2,
    )


def read_terms(file: Path) -> NetworkTerms:
    """Read the terms of a network.

    Raises
    ------
    GenesisRefused
        Naming the field that has to change.
    """
    try:
        return _terms(orjson.loads(read_input(file, "the terms", MAX_TERMS_BYTES)))
    except ClusterError as error:
        raise GenesisRefused(str(error)) from error
    except ValueError as error:
        raise GenesisRefused(
            f"{file} has no terms of a network: {error}; `braid genesis template` writes some"
        ) from error


def _terms(found: Any) -> NetworkTerms:
    fields = _fields(found, "the file", "network", "zk", "fast", "timing", "max_total_exposure_wei")
    if not isinstance(fields["network"], str) or not fields["network"]:
        raise ValueError("network is no name")
    times = _fields(fields["timing"], "timing", *_TIMES)
    return NetworkTerms(
        network=fields["network"],
        zk=_chain(fields["zk"], "zk"),
        fast=_chain(fields["fast"], "fast"),
        timing=Timing(**{name: _number(times[name], f"timing.{name}", 2**32) for name in _TIMES}),
        max_total_exposure_wei=_amount(fields["max_total_exposure_wei"], "max_total_exposure_wei"),
    )


def _chain(found: Any, where: str) -> ChainTerms:
    fields = _fields(found, where, "chain_id", "gas_limit", "balances_wei")
    balances = fields["balances_wei"]
    if not isinstance(balances, dict):
        raise ValueError(f"{where}.balances_wei is no object of addresses and amounts")
    amounts: dict[Address, int] = {}
    for text, amount in balances.items():
        address = _address(text, where)
        if address in amounts:
            raise ValueError(f"{where}.balances_wei names {text} twice")
        amounts[address] = _amount(amount, f"{where}.balances_wei[{text}]")
    return ChainTerms(
        ChainId(_number(fields["chain_id"], f"{where}.chain_id", 2**53)),
        amounts,
        _number(fields["gas_limit"], f"{where}.gas_limit", 2**53),
    )


def _fields(found: Any, where: str, *names: str) -> dict[str, Any]:
    if not isinstance(found, dict) or found.keys() != set(names):
        raise ValueError(f"{where} has to have exactly {', '.join(names)}")
    return found


def _number(value: Any, where: str, limit: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < limit:
        raise ValueError(f"{where} is no whole number from 1 to {limit - 1}")
    return value


def _amount(value: Any, where: str) -> int:
    is_text = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 39
    if not is_text or int(value) >= MAX_BALANCE_WEI:
        raise ValueError(f"{where} is no amount of wei below 2**128, written as a text of digits")
    return int(value)


def _address(text: str, where: str) -> Address:
    address = bytes_of(text, 20)
    if address is None or not text.startswith("0x") or len(text) != 42:
        raise ValueError(f"{where}.balances_wei: {text[:80]!r} is no address")
    return Address(address)
