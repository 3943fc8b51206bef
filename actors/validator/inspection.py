"""What a validator tells about itself, ready for JSON."""

from typing import Any

from actors.transport.interface import ConnectionState
from actors.validator.latency import percentile
from actors.validator.node import ValidatorNode
from bridge.state import BridgeState
from ledger.codec import to_plain
from ledger.evidence import culprit_of
from ledger.types import ChainRole


def status(node: ValidatorNode) -> dict[str, Any]:
    """Heights, views, peers, mempools, latencies and rejections."""
    state = node.final_state
    transport = node.transport.status()
    return {
        "validator": node.index,
        "validators": node.validators.count,
        "genesis": "0x" + node.validators.digest.hex(),
        "view": node.view,
        "final_height": state.height,
        "final_digest": "0x" + state.digest.hex(),
        "notarized_height": node.notarized_height,
        "chains": {role.name.lower(): _chain_status(node, state, role) for role in ChainRole},
        "quarantine": {
            "is_active": state.quarantine.is_active,
            "sequence": state.quarantine.sequence,
            "reason": state.quarantine.reason,
            "votes": list(state.quarantine.votes),
        },
        "convicted": list(state.convicted),
        "listen": transport.listen_address,
        "rejected_connections": transport.rejected_connections,
        "peers": {
            str(peer): {
                "state": status.state.value,
                "round_trip_ms": None
                if status.round_trip_seconds is None
                else round(status.round_trip_seconds * 1000, 3),
                "connections": status.connections,
                "violations": status.violations,
                "last_disconnect_reason": status.last_disconnect_reason,
                "dropped": sum(
                    counters.dropped_inbound + counters.dropped_outbound
                    for counters in status.channels.values()
                ),
            }
            for peer, status in transport.peers.items()
        },
        "rejected": {
            "consensus": dict(node.driver.peer_faults),
            "payloads": dict(node.payloads.rejected),
            "transactions": dict(node.pools.rejected),
            "attestations": dict(node.checkpoints.rejected),
            "backfill": dict(node.history.rejected),
        },
        "fetched_blocks": node.history.fetched_blocks,
        "latency_ms": latencies(node),
    }


def _chain_status(node: ValidatorNode, state: BridgeState, role: ChainRole) -> dict[str, Any]:
    chain = state.chain(role)
    pool = node.pools.pools[role].status()
    return {
        "chain_id": chain.chain_id,
        "final_number": chain.number,
        "certified_number": chain.certified.number,
        "messages_sent": chain.next_message_nonce,
        "messages_waiting": len(chain.pending),
        "mempool": pool.transaction_count,
        "in_flight": pool.in_flight_transaction_count,
        "feed_backlog": node.feeds[role].backlog,
        "feed_resets": node.feeds[role].resets,
    }


def latency_samples(node: ValidatorNode) -> dict[str, list[float]]:
    """All latencies that the node holds, in milliseconds."""
    return {
        "soft": node.latencies.soft_ms.values(),
        "final": node.latencies.final_ms.values(),
        "zk_to_fast": node.latencies.zk_to_fast_ms.values(),
        "fast_to_zk": node.latencies.fast_to_zk_ms.values(),
    }


def interleaving(node: ValidatorNode, first_height: int, last_height: int) -> list[ChainRole]:
    """Chain of each final block of a range, in the order of the ledger."""
    blocks = (node.archive.block(height) for height in range(first_height, last_height + 1))
    return [block.header.chain for block in blocks if block is not None]


def latencies(node: ValidatorNode) -> dict[str, Any]:
    """Medians and tails of what the node has measured."""
    samples = {
        "soft": node.latencies.soft_ms,
        "final": node.latencies.final_ms,
        "zk_to_fast": node.latencies.zk_to_fast_ms,
        "fast_to_zk": node.latencies.fast_to_zk_ms,
    }
    return {
        name: {
            "count": series.count,
            "p50": percentile(series.values(), 0.5),
            "p99": percentile(series.values(), 0.99),
        }
        for name, series in samples.items()
    }


def peer_count(node: ValidatorNode) -> int:
    """Connected peers."""
    peers = node.transport.status().peers.values()
    return sum(peer.state is ConnectionState.CONNECTED for peer in peers)


def ledger_block(node: ValidatorNode, height: int) -> dict[str, Any] | None:
    """Final block at a height, with the certificate that covers it."""
    sealed = node.archive.block(height)
    if sealed is None:
        return None
    certificate = node.archive.certificate_from(sealed.header.view)
    body = sealed.body
    return {
        "digest": "0x" + sealed.digest.hex(),
        "header": to_plain(sealed.header),
        "transactions": ["0x" + raw.hex() for raw in body.transactions],
        "checkpoints": [to_plain(checkpoint) for checkpoint in body.checkpoints],
        "evidence": [to_plain(evidence) for evidence in body.evidence],
        "operator_votes": [to_plain(vote) for vote in body.operator_votes],
        "finalization": None if certificate is None else to_plain(certificate),
    }


def checkpoint(node: ValidatorNode, role: ChainRole, number: int | None) -> dict[str, Any] | None:
    """Certified checkpoint of a chain's block, or the newest one on the final ledger."""
    if number is None:
        number = node.final_state.chain(role).certified.number
    found = node.archive.checkpoint(role, number)
    return None if found is None else to_plain(found)


def validators(node: ValidatorNode) -> list[dict[str, Any]]:
    """The validators of genesis, and whether they are connected or convicted."""
    peers = node.transport.status().peers
    convicted = node.final_state.convicted
    return [
        {
            "index": index,
            "name": entry.name,
            "consensus_key": "0x" + entry.consensus_key.hex(),
            "network_key": "0x" + entry.network_key.hex(),
            "checkpoint_key": "0x" + entry.checkpoint_key.hex(),
            "coinbase": "0x" + entry.coinbase.hex(),
            "connection": "self" if index == node.index else peers[index].state.value,
            "is_convicted": index in convicted,
        }
        for index, entry in enumerate(node.genesis.validators)
    ]


def evidence(node: ValidatorNode, limit: int) -> list[dict[str, Any]]:
    """The newest evidence on the final ledger."""
    return [
        {"height": height, "culprit": culprit_of(found), "evidence": to_plain(found)}
        for height, found in node.archive.evidence(limit)
    ]
