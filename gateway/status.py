"""Counts of what the gateway did since it started."""

from collections import Counter
from collections.abc import Mapping
from typing import TypedDict

from gateway.errors import RpcError


class PathStatus(TypedDict):
    """Counts of one path; ``requests`` by method, ``errors`` by kind."""

    requests: Mapping[str, int]
    errors: Mapping[str, int]


class IngressStatus(TypedDict):
    """Counts of one chain's transaction ingress; ``outcomes`` by geth's message or ``accepted``."""

    batches: int
    transactions: int
    outcomes: Mapping[str, int]


class GatewayStatus(TypedDict):
    """What ``Gateway.status`` gives; ``http_refusals`` by HTTP status code."""

    paths: Mapping[str, PathStatus]
    ingress: Mapping[str, IngressStatus]
    filters: Mapping[str, int]
    http_refusals: Mapping[str, int]


class Counters:
    """Counts of one path. Keys come from our own tables, so their number is bounded."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()

    def count_request(self, method: str) -> None:
        """Count a request for an existing method."""
        self._requests[method] += 1

    def count_error(self, error: RpcError) -> None:
        """Count an error that goes to a client."""
        self._errors[error.kind] += 1

    def status(self) -> PathStatus:
        """The counts, ready for JSON."""
        return {"requests": dict(self._requests), "errors": dict(self._errors)}
