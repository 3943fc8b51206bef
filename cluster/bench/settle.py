"""`braid bench settle`: what settling a batch costs on L1, step by step, for three batch sizes.

A real network settles real batches on its embedded L1, proofs included; the gas is read from
the receipts there.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from web3 import Web3
from web3.types import TxData

from cluster.bench.figures import Limit, print_figures
from cluster.chain_client import Call, ChainClient
from cluster.demo.settling import DemoSettlement
from cluster.dev_genesis import DEV_ACCOUNT_COUNT, dev_account
from cluster.l1_choice import temporary_l1
from cluster.output import print_json, print_table, say_progress
from cluster.session import Session, temporary_network
from contracts.l1.compiled import l1_artifact
from ledger.hashing import keccak
from ledger.types import ChainRole

BATCH_SIZES: Final = (1, 10, 30)
VALIDATORS: Final = 4
TRANSFER_GAS: Final = 21_000
LIMITS: Final = {
    "largest_gas": Limit(1 << 24, is_upper=True),  # EIP-7825.
    "largest_call_bytes": Limit(128 * 1024, is_upper=True),
}

_STEPS: Final = {
    "post_data": "post_data(bytes32,uint256[],bytes)",
    "commit_batch": "commit_batch",
    "verify: begin": "begin(bytes32,bytes,bytes32)",
    "verify: evaluate": "evaluate(bytes32,bytes,bytes,uint256,uint256)",
    "verify: query": "query(bytes32,bytes32,bytes32,uint256,bytes)",
    "prove_batch": "prove_batch",
    "finalize_batch": "finalize_batch",
}


@dataclass(frozen=True, slots=True)
class SettledCall:
    """One transaction on L1."""

    step: str
    gas: int
    call_bytes: int


def run(as_json: bool) -> None:
    """Settle three batches and print what each step cost."""
    l1 = temporary_l1(provers=1)
    with temporary_network(VALIDATORS, say_progress, l1=l1) as session:
        settlement = DemoSettlement(session)
        settlement.deployment()
        chain = ChainClient("L1", session.l1_url)
        batches = [_settle(session, settlement, chain, size) for size in BATCH_SIZES]
    if as_json:
        print_json({"batches": batches, **_largest(batches)})
        return
    for batch in batches:
        _print_steps(batch)
    print_figures("Largest transaction on L1", _largest(batches), LIMITS, as_json)


def _largest(batches: Sequence[dict[str, Any]]) -> dict[str, int]:
    names = ("largest_gas", "largest_call_bytes")
    return {name: max(batch[name] for batch in batches) for name in names}


def _print_steps(batch: dict[str, Any]) -> None:
    title = (
        f"{batch['transactions']} transfers: {batch['gas']:,} gas, "
        f"{batch['gas_per_transaction']:,} each"
    )
    rows = (
        (name, step["transactions"], step["gas"], step["largest_gas"], step["call_bytes"])
        for name, step in batch["steps"].items()
    )
    print_table(title, ("step", "transactions", "gas", "largest", "bytes of calls"), rows)


def _settle(
    session: Session, settlement: DemoSettlement, l1: ChainClient, transfers: int
) -> dict[str, Any]:
    """Make one batch of so many transfers final."""
    first_l1_block = l1.web3.eth.block_number + 1
    say_progress(f"{transfers} transfers")
    zk = session.client(0, ChainRole.ZK)
    receipts = zk.send_all(
        Call(
            dev_account(index % DEV_ACCOUNT_COUNT),
            dev_account((index + 1) % DEV_ACCOUNT_COUNT).address,
            value_wei=1,
            gas_limit=TRANSFER_GAS,
        )
        for index in range(transfers)
    )
    before = settlement.status()["proven_block"]
    last_block = settlement.post(max(receipt["blockNumber"] for receipt in receipts))
    stages: list[str] = []

    def tell(stage: str) -> None:
        if stage not in stages:
            stages.append(stage)
            say_progress(f"{transfers} transfers: {stage}")

    proof_seconds = settlement.wait_until_final(last_block, tell)
    calls = _calls_since(l1.web3, first_l1_block, settlement.status()["account"])
    return {
        "transactions": transfers,
        "zk_blocks": last_block - before,
        "proof_seconds": round(proof_seconds, 1),
        **_costs(calls, transfers),
    }


def _calls_since(web3: Web3, first_block: int, account: str) -> list[SettledCall]:
    names = _selectors()
    found = []
    for number in range(first_block, web3.eth.block_number + 1):
        block = web3.eth.get_block(number, full_transactions=True)
        for transaction in block["transactions"]:
            assert not isinstance(transaction, bytes), "whole transactions were asked for"
            if transaction["from"].lower() == account:
                found.append(_call(web3, names, transaction))
    return found


def _call(web3: Web3, names: dict[bytes, str], transaction: TxData) -> SettledCall:
    data = bytes(transaction["input"])
    receipt = web3.eth.get_transaction_receipt(transaction["hash"])
    return SettledCall(names.get(data[:4], "other"), receipt["gasUsed"], len(data))


def _selectors() -> dict[bytes, str]:
    """Names of the steps by the first four bytes of their calls."""
    signatures = dict(_STEPS)
    for entry in l1_artifact("Rollup").abi:
        if entry.get("type") == "function" and entry["name"] in signatures:
            signatures[entry["name"]] = _signature(entry)
    return {bytes(keccak(text.encode())[:4]): name for name, text in signatures.items()}


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(_type(parameter) for parameter in entry['inputs'])})"


def _type(parameter: dict[str, Any]) -> str:
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(_type(part) for part in parameter["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def _costs(calls: Sequence[SettledCall], transfers: int) -> dict[str, Any]:
    by_step: dict[str, list[SettledCall]] = defaultdict(list)
    for call in calls:
        by_step[call.step].append(call)
    gas = sum(call.gas for call in calls)
    return {
        "gas": gas,
        "gas_per_transaction": gas // transfers,
        "l1_transactions": len(calls),
        "call_bytes": sum(call.call_bytes for call in calls),
        "largest_gas": max(call.gas for call in calls),
        "largest_call_bytes": max(call.call_bytes for call in calls),
        "steps": {
            name: {
                "transactions": len(by_step[name]),
                "gas": sum(call.gas for call in by_step[name]),
                "largest_gas": max(call.gas for call in by_step[name]),
                "call_bytes": sum(call.call_bytes for call in by_step[name]),
            }
            for name in (*_STEPS, "other")
            if by_step[name]
        },
    }
