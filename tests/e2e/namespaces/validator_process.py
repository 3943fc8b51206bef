"""One validator with its executors and its bridge, on real libp2p; says how far it is on stdout.

`namespaces.py` starts it inside a namespace: ``python validator_process.py INDEX DIRECTORY``.
"""

import asyncio
import json
import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from local_l1 import LocalL1, LocalL1View
from local_network import GENESIS_TIMESTAMP_MS, QUICK, LocalBridge, LocalExecutor

from actors.transport.config import PeerAddress, TransportConfig
from actors.transport.libp2p_transport import Libp2pTransport
from actors.validator.node import ValidatorNode
from actors.validator.snapshots import SnapshotSettings
from cluster.dev_genesis import dev_genesis
from ledger.genesis import genesis_digest
from ledger.keys import ValidatorKeys
from ledger.types import ChainRole, ValidatorIndex
from storage.journal import Journal
from storage.store import Store

VALIDATORS = 4
PORT = 9000
REPORT_SECONDS = 0.1


def address_of(index: int) -> str:
    return f"10.77.0.{index + 1}"


def fail(error: BaseException) -> None:
    traceback.print_exception(error)
    os._exit(1)


async def run(index: int, directory: Path) -> None:
    keys = [ValidatorKeys(bytes([number + 1]) * 32) for number in range(VALIDATORS)]
    genesis = replace(dev_genesis(keys, GENESIS_TIMESTAMP_MS), timing=QUICK)
    peers = tuple(
        PeerAddress(number, entry.network_key, address_of(number), PORT)
        for number, entry in enumerate(genesis.validators)
    )
    transport = Libp2pTransport(
        TransportConfig(
            index=index,
            network_seed=keys[index].network_seed,
            listen_host=address_of(index),
            listen_port=PORT,
            peers=peers,
            genesis_digest=genesis_digest(genesis),
            random_seed=index,
        )
    )
    node = ValidatorNode(
        index=ValidatorIndex(index),
        genesis=genesis,
        keys=keys[index],
        transport=transport,
        journal=Journal(directory / "journal"),
        store=Store(directory / "ledger"),
        executors={role: LocalExecutor(role, genesis, directory / role.name) for role in ChainRole},
        bridge=LocalBridge(genesis, keys[index]),
        l1=LocalL1View(LocalL1()),
        on_failure=fail,
        snapshots=SnapshotSettings(directory / "snapshots"),
        on_restart=lambda: fail(RuntimeError("a snapshot is ready")),
    )
    await node.start()
    while True:
        state = node.final_state
        report = {
            "height": state.height,
            "digest": state.digest.hex(),
            "convicted": list(state.convicted),
        }
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()
        await asyncio.sleep(REPORT_SECONDS)


if __name__ == "__main__":
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(run(int(sys.argv[1]), Path(sys.argv[2])))
