"""What a validator tells about itself, ready for JSON."""

from typing import Any

from actors.validator.block_view import plain_block
from actors.validator.latency import percentile
from actors.validator.node import ValidatorNode
from bridge.state import BridgeState
from bridge.tightening import CLEAN_BLOCKS_TO_RELAX
from ledger.codec import encode, to_plain
from ledger.evidence import culprit_of
from ledger.membership import (
    EpochMembers,
    Member,
    ValidatorSetChange,
    change_digest,
    members_digest,
)
from ledger.types import ChainRole


class NodeInspector:
    """Reads of one validator."""

    def __init__(self, node: ValidatorNode) -> None:
        self._node = node

    def status(self) -> dict[str, Any]:
        """Heights, views, peers, mempools, latencies and rejections."""
        state = self._node.final_state
        transport = self._node.transport.status()
        return {
            "validator": self._own_index(),
            "validators": self._node.validators.count,
            "names": [member.entry.name for member in self._node.validators.members],
            "epoch": self._node.epoch,
            "is_validator": self._node.is_validator,
            "genesis": "0x" + self._node.validators.digest.hex(),
            "protocol_version": self._node.genesis.protocol_version,
            "view": self._node.view,
            "voting": self._voting_status(),
            "final_height": state.height,
            "final_digest": "0x" + state.digest.hex(),
            "notarized_height": self._node.notarized_height,
            "chains": {role.name.lower(): self._chain_status(state, role) for role in ChainRole},
            "quarantine": {
                "is_active": state.quarantine.is_active,
                "sequence": state.quarantine.sequence,
                "reason": state.quarantine.reason,
                "votes": list(state.quarantine.votes),
                "triggers": self._trigger_status(),
            },
            "caps": {
                "halvings": state.caps.halvings,
                "divided_by": 2**state.caps.halvings,
                "clean_from": state.caps.clean_from,
                "clean_blocks_to_relax": CLEAN_BLOCKS_TO_RELAX,
            },
            "l1": {
                "chain_id": state.l1_chain_id,
                "rollup": "0x" + self._node.genesis.l1.rollup.hex(),
                "next_l1_nonce": state.next_l1_nonce,
                "entries_waiting": len(state.pending_l1),
                "entries_seen": self._node.l1.seen_count,
            },
            "convicted": list(state.convicted),
            "listen": transport.listen_address,
            "rejected_connections": transport.rejected_connections,
            "peers": {
                str(peer): {
                    "state": status.state.value,
                    "peer_id": status.peer_id,
                    "round_trip_ms": None
                    if status.round_trip_seconds is None
                    else round(status.round_trip_seconds * 1000, 3),
                    "connections": status.connections,
                    "violations": status.violations,
                    "last_disconnect_reason": status.last_disconnect_reason,
                    "refusal": status.refusal,
                    "dropped": sum(
                        counters.dropped_inbound + counters.dropped_outbound
                        for counters in status.channels.values()
                    ),
                }
                for peer, status in transport.peers.items()
            },
            "rejected": {
                "consensus": dict(self._node.driver.peer_faults),
                "payloads": dict(self._node.payloads.rejected),
                "transactions": dict(self._node.pools.rejected),
                "attestations": dict(self._node.checkpoints.rejected),
                "backfill": dict(self._node.backfill.rejected),
                "l1": dict(self._node.l1.rejected),
            },
            "oldest_height": self._node.archive.oldest_height,
            "catch_up": {
                **self._node.history.status(),
                "snapshot": self._node.sync.status(),
                "served_blocks": self._node.history_server.served_blocks,
                "served_chunks": self._node.snapshot_server.served_chunks,
                "misbehaviour": self._node.standings.status(),
            },
            "latency_ms": self.latencies(),
        }

    def _voting_status(self) -> dict[str, Any]:
        """From which view on this node votes; None while it asks what it may have forgotten."""
        consensus = self._node.driver.state
        return {"from_view": consensus.votes_from, "answers": len(consensus.reached)}

    def _trigger_status(self) -> dict[str, Any]:
        """What would move this node to vote for a quarantine by itself."""
        watch = self._node.watch
        return {
            "is_automatic": watch.limits is not None,
            "divergences": watch.divergence_count,
            "reports_over_cap": watch.refusals_total.over_cap,
            "impossible_requests": watch.refusals_total.impossible,
            "blocks_without_checkpoint": watch.blocks_without_checkpoint,
            "voted": None if watch.last_reason is None else watch.last_reason.value,
        }

    def _chain_status(self, state: BridgeState, role: ChainRole) -> dict[str, Any]:
        chain = state.chain(role)
        pool = self._node.pools.pools[role].status()
        return {
            "chain_id": chain.chain_id,
            "final_number": chain.number,
            "certified_number": chain.certified.number,
            "messages_sent": chain.next_message_nonce,
            "messages_waiting": len(chain.pending),
            "mempool": pool.transaction_count,
            "in_flight": pool.in_flight_transaction_count,
            "feed_backlog": self._node.feeds[role].backlog,
            "feed_resets": self._node.feeds[role].resets,
        }

    def latency_samples(self) -> dict[str, list[float]]:
        """All latencies that the node holds, in milliseconds."""
        return {
            "soft": self._node.latencies.soft_ms.values(),
            "final": self._node.latencies.final_ms.values(),
            "zk_to_fast": self._node.latencies.zk_to_fast_ms.values(),
            "fast_to_zk": self._node.latencies.fast_to_zk_ms.values(),
        }

    def interleaving(self, first_height: int, last_height: int) -> list[ChainRole]:
        """Chain of each final block of a range, in the order of the ledger."""
        blocks = (
            self._node.archive.block(height) for height in range(first_height, last_height + 1)
        )
        return [block.header.chain for block in blocks if block is not None]

    def latencies(self) -> dict[str, Any]:
        """Medians and tails of what the node has measured."""
        samples = {
            "soft": self._node.latencies.soft_ms,
            "final": self._node.latencies.final_ms,
            "zk_to_fast": self._node.latencies.zk_to_fast_ms,
            "fast_to_zk": self._node.latencies.fast_to_zk_ms,
        }
        return {
            name: {
                "count": series.count,
                "p50": percentile(series.values(), 0.5),
                "p99": percentile(series.values(), 0.99),
            }
            for name, series in samples.items()
        }

    def peer_count(self) -> int:
        """Connected peers."""
        peers = self._node.transport.status().peers.values()
        return sum(peer.is_connected for peer in peers)

    def ledger_block(self, height: int) -> dict[str, Any] | None:
        """Final block at a height, with the certificate that covers it."""
        return plain_block(self._node.archive, height)

    def checkpoint(self, role: ChainRole, number: int | None) -> dict[str, Any] | None:
        """Certified checkpoint of a chain's block, or the newest one on the final ledger."""
        if number is None:
            number = self._node.final_state.chain(role).certified.number
        found = self._node.archive.checkpoint(role, number)
        return None if found is None else to_plain(found)

    def validators(self) -> list[dict[str, Any]]:
        """The validators of the epoch, and whether they are connected or convicted."""
        peers = self._node.transport.status().peers
        convicted = self._node.final_state.convicted
        return [
            {
                "index": index,
                **_member_to_plain(member),
                "connection": "self" if index == self._node.index else peers[index].state.value,
                "is_convicted": index in convicted,
            }
            for index, member in enumerate(self._node.validators.members)
        ]

    def epoch(self) -> dict[str, Any]:
        """The epoch and its set, open changes with their votes, and the one that is decided."""
        membership = self._node.final_state.membership
        changes = self._node.archive.epoch_changes()
        return {
            "epoch": membership.epoch,
            "first_height": changes[-1].header.height + 1 if changes else 1,
            "final_height": self._node.final_state.height,
            "validator": self._own_index(),
            "members_digest": "0x" + members_digest(membership.epoch, membership.members).hex(),
            "quorum": self._node.validators.quorum,
            "validators": [
                {"index": index, **_member_to_plain(member)}
                for index, member in enumerate(membership.members)
            ],
            "open_changes": [
                {
                    "change": "0x" + change_digest(entry.change).hex(),
                    "proposer": entry.proposer,
                    "votes": list(entry.votes),
                    **_change_to_plain(entry.change),
                }
                for entry in membership.open_changes
            ],
            "decided": [
                {"change": "0x" + change_digest(change).hex(), **_change_to_plain(change)}
                for change in membership.decided
            ],
            "own_votes_waiting": len(self._node.operators.votes()),
        }

    def members(self) -> bytes:
        """The set of the epoch: encoded :class:`~ledger.membership.EpochMembers`."""
        membership = self._node.final_state.membership
        return encode(EpochMembers(membership.epoch, membership.members))

    def _own_index(self) -> int | None:
        return self._node.index if self._node.is_validator else None

    def evidence(self, limit: int) -> list[dict[str, Any]]:
        """The newest evidence on the final ledger."""
        return [
            {"height": height, "culprit": culprit_of(found), "evidence": to_plain(found)}
            for height, found in self._node.archive.evidence(limit)
        ]


def _member_to_plain(member: Member) -> dict[str, Any]:
    entry = member.entry
    return {
        "name": entry.name,
        "address": member.address or None,
        "consensus_key": "0x" + entry.consensus_key.hex(),
        "network_key": "0x" + entry.network_key.hex(),
        "checkpoint_key": "0x" + entry.checkpoint_key.hex(),
        "coinbase": "0x" + entry.coinbase.hex(),
    }


def _change_to_plain(change: ValidatorSetChange) -> dict[str, Any]:
    return {
        "first_height": change.first_height,
        "removed": list(change.removed),
        "replaced": [
            {"index": entry.index, **_member_to_plain(entry.newcomer.member)}
            for entry in change.replaced
        ],
        "added": [_member_to_plain(newcomer.member) for newcomer in change.added],
    }
