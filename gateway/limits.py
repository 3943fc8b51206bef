"""What one request, and all of them together, may cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on everything that comes from outside; the defaults suit one node of a consortium."""

    body_bytes: int = 4 * 1024 * 1024
    batch_requests: int = 1000
    requests_in_flight: int = 10_000
    response_bytes: int = 32 * 1024 * 1024
    backend_calls_in_flight: int = 64
    large_reads_in_flight: int = 4
    request_timeout_seconds: float = 15.0
    health_timeout_seconds: float = 2.0
    connections: int = 4096
    log_blocks: int = 50_000
    log_results: int = 10_000
    log_addresses: int = 1000
    log_topics: int = 1000
    filters: int = 4096
    filter_idle_seconds: float = 300.0
    filter_block_hashes: int = 10_000
    proof_slots: int = 1024
    fee_history_blocks: int = 1024
    fee_percentiles: int = 100
    evidence_entries: int = 1000
    ingress_batch: int = 1000
    ingress_waiting: int = 20_000
    ingress_linger_seconds: float = 0.002
