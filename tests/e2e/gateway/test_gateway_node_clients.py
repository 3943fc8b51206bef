"""ethers 6 and viem 2 against a chain; runs where BRAID_NODE_MODULES names a folder with both."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from counter_contract import compiled
from eth_account.signers.local import LocalAccount

from execution.types import SYSTEM_TRANSACTION_TYPE, Address, SystemTransaction

SCRIPT = Path(__file__).with_name("node_clients.mjs")
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None or "BRAID_NODE_MODULES" not in os.environ,
    reason="needs node, and BRAID_NODE_MODULES: a folder with ethers 6 and viem 2",
)


# Where the base fee is zero, ethers sends legacy transactions.
@pytest.mark.parametrize(("path", "first_type"), [("zk", 2), ("fast", 0)])
async def test_ethers_and_viem_deploy_send_call_and_read(
    node: Any, alice: LocalAccount, tmp_path: Path, path: str, first_type: int
) -> None:
    chain = getattr(node, path)
    chain.waiting_system_transactions.append(SystemTransaction(0, Address(bytes(20)), 50_000, b""))
    contract_file = tmp_path / "counter.json"
    contract_file.write_text(json.dumps(compiled()))
    assert NODE is not None
    process = await asyncio.create_subprocess_exec(
        *(NODE, str(SCRIPT), f"{node.server.url}/{path}"),
        *("0x" + bytes(alice.key).hex(), str(contract_file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    seen = json.loads(output)
    common = {
        "total": 8,
        "logs": 1,
        "events": [8],
        "transactionsInBlock": 1,
        "firstTypes": [SYSTEM_TRANSACTION_TYPE, first_type],
    }
    reverted = "too many at once"
    assert seen["ethers"] == {
        **common,
        "status": 1,
        "reverted": reverted,
        "staleNonce": "NONCE_EXPIRED",
    }
    assert seen["viem"] == {**common, "status": "success", "reverted": reverted, "proven": 8}
