"""``braid bench execute``: the two engines alone, on the same blocks of signed transfers."""

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from cluster.bench.figures import Limit, print_figures
from cluster.errors import DemoFailed
from cluster.output import rounded, say_progress
from execution.engine import WasmEngine
from execution.reference import ReferenceEngine
from execution.types import ZERO_HASH, Address, BlockInput, BlockOutput, ChainSpec, GenesisAccount
from ledger.hashing import keccak

LIMITS: Final = {"ratio": Limit(20, False)}
SENDER_COUNT: Final = 50
BLOCK_COUNT: Final = 5
CHAIN_ID: Final = 4711
REFERENCE_SHARE: Final = 10
"""The reference engine gets a tenth of the transfers: it is that much slower."""


def run(transactions: int, as_json: bool) -> None:
    """Execute blocks of transfers with known senders on both engines.

    Raises
    ------
    DemoFailed
        If the engines disagree on a state root.
    """
    accounts = [
        Account.from_key(keccak(b"bench sender %d" % index)) for index in range(SENDER_COUNT)
    ]
    say_progress(f"signing {transactions * BLOCK_COUNT} transfers")
    blocks = _blocks(accounts, transactions)
    small_blocks = _blocks(accounts, max(10, transactions // REFERENCE_SHARE))
    say_progress("executing on the wasm engine")
    wasm_rate, _ = _measure(WasmEngine(_spec(accounts)).execute, blocks)
    say_progress("executing on py-evm")
    reference_rate, reference_roots = _measure(
        ReferenceEngine(_spec(accounts)).execute, small_blocks
    )
    _, wasm_roots = _measure(WasmEngine(_spec(accounts)).execute, small_blocks)
    if wasm_roots != reference_roots:
        raise DemoFailed("the engines disagree on a state root")
    figures = {
        "transactions_per_block": transactions,
        "wasm_tx_per_second": round(wasm_rate),
        "py_evm_tx_per_second": round(reference_rate),
        "ratio": rounded(wasm_rate / reference_rate),
        "roots_agree": True,
    }
    print_figures("Engines alone, senders known", figures, LIMITS, as_json)


def _measure(
    execute: Callable[[BlockInput], BlockOutput], blocks: list[BlockInput]
) -> tuple[float, list[bytes]]:
    """Median transfers per second over the blocks, and their state roots."""
    rates, roots = [], []
    for block in blocks:
        began = time.perf_counter()
        output = execute(block)
        rates.append(len(block.transactions) / (time.perf_counter() - began))
        if output.skipped:
            raise DemoFailed(f"a transfer was skipped: {output.skipped[0].reason}")
        roots.append(bytes(output.state_root))
    return statistics.median(rates), roots


def _blocks(accounts: list[LocalAccount], transactions: int) -> list[BlockInput]:
    nonces = dict.fromkeys(range(len(accounts)), 0)
    return [_block(number, accounts, nonces, transactions) for number in range(1, BLOCK_COUNT + 1)]


def _block(
    number: int, accounts: list[LocalAccount], nonces: dict[int, int], transactions: int
) -> BlockInput:
    raws, senders = [], []
    for position in range(transactions):
        index = position % len(accounts)
        account = accounts[index]
        raws.append(_transfer(account, nonces[index], accounts[(index + 7) % len(accounts)]))
        senders.append(_address(account))
        nonces[index] += 1
    return BlockInput(
        number=number,
        timestamp_seconds=1_700_000_000 + number,
        prev_randao=ZERO_HASH,
        coinbase=Address(bytes(20)),
        gas_limit=21_000 * transactions + 1_000_000,
        system_transactions=(),
        transactions=tuple(raws),
        senders=tuple(senders),
    )


def _transfer(sender: LocalAccount, nonce: int, receiver: LocalAccount) -> bytes:
    transaction: dict[str, Any] = {
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "gas": 21_000,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
        "to": receiver.address,
        "value": 1,
        "type": 2,
    }
    return bytes(sender.sign_transaction(transaction).raw_transaction)


def _spec(accounts: list[LocalAccount]) -> ChainSpec:
    return ChainSpec(
        chain_id=CHAIN_ID,
        gas_limit=30_000_000,
        genesis_timestamp_seconds=1_700_000_000,
        alloc={_address(account): GenesisAccount(10**18) for account in accounts},
        is_base_fee_zero=True,
    )


def _address(account: LocalAccount) -> Address:
    return Address(bytes.fromhex(account.address[2:]))
