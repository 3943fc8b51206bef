"""Cycles of the guest per plain ETH transfer, signature and state trie included."""

from __future__ import annotations

from typing import Final

from actors.prover.batch import BatchBuilder
from actors.prover.stf import load_guest
from cluster.dev_genesis import dev_account, dev_genesis
from execution.block_data import BatchBlock
from execution.genesis import chain_spec
from execution.types import Address, BlockInput, Hash32
from ledger.keys import ValidatorKeys
from ledger.types import ChainRole, TimestampMs
from proving.machine.executor import run_only

TRANSFERS: Final = 20
_TIMESTAMP_SECONDS: Final = 1_700_000_000


def cycles_per_plain_transfer() -> int:
    """Cycles of a block of transfers between development accounts, divided by their number."""
    genesis = dev_genesis([ValidatorKeys(bytes([1]) * 32)], TimestampMs(_TIMESTAMP_SECONDS * 1000))
    spec = chain_spec(genesis, ChainRole.ZK)
    transactions = tuple(
        bytes(
            dev_account(index)
            .sign_transaction(
                {
                    "type": 2,
                    "chainId": spec.chain_id,
                    "nonce": 0,
                    "to": dev_account(TRANSFERS + index).address,
                    "value": 1,
                    "gas": 21_000,
                    "maxFeePerGas": 2_000_000_000,
                    "maxPriorityFeePerGas": 0,
                }
            )
            .raw_transaction
        )
        for index in range(TRANSFERS)
    )
    block = BlockInput(
        number=1,
        timestamp_seconds=_TIMESTAMP_SECONDS + 1,
        prev_randao=Hash32(bytes(32)),
        coinbase=Address(b"\x01" * 20),
        gas_limit=spec.gas_limit,
        system_transactions=(),
        transactions=transactions,
        senders=(None,) * TRANSFERS,
    )
    witness = BatchBuilder(spec, load_guest(), genesis.l1.chain_id).witness([BatchBlock(block)])
    return run_only(load_guest(), witness).cycles // TRANSFERS
