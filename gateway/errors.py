"""Errors of the gateway package.

GatewayError
├── BackendError               raised by a backend
│   ├── StateUnavailable       the state of that block is no longer, or not yet, held
│   ├── CallRefused            a call that is no valid transaction: funds, intrinsic gas
│   ├── BackendOverloaded      too much work is waiting; try again
│   └── BackendUnavailable     the node behind is starting, restarting or gone
├── RpcError                   becomes a JSON-RPC error object
│   ├── ParseError             -32700  not JSON
│   ├── InvalidRequest         -32600  JSON, but no JSON-RPC request
│   ├── MethodNotFound         -32601
│   ├── InvalidParams          -32602
│   ├── InternalError          -32603  a defect of ours
│   ├── ServerError            -32000  Ethereum's "the node cannot do that"
│   │   ├── TransactionRejected
│   │   └── ExecutionHalted
│   ├── ResourceNotFound       -32001  an unknown block
│   ├── RequestTimedOut        -32002
│   ├── LimitExceeded          -32005  too many results, requests or bytes
│   └── ExecutionReverted      3       with the revert data
└── ServerStartError           the HTTP server could not take its address
"""

from typing import ClassVar


class GatewayError(Exception):
    """Base of everything that this package raises."""


class BackendError(GatewayError):
    """A backend cannot answer; the message goes to the user."""


class StateUnavailable(BackendError):
    """The state of a block is not held by this node."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __str__(self) -> str:
        return f"state of block {self.number} is not available on this node; ask for a newer block"


class CallRefused(BackendError):
    """A call that is no valid transaction."""


class BackendOverloaded(BackendError):
    """The node has too much work waiting."""


class BackendUnavailable(BackendError):
    """The node is starting, restarting or gone."""


class RpcError(GatewayError):
    """An error with a JSON-RPC code; ``kind`` is the name it is counted under."""

    code: ClassVar[int] = -32000
    kind: ClassVar[str] = "server_error"

    def __init__(self, message: str, data: str | None = None) -> None:
        super().__init__(message, data)
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return self.message


class ParseError(RpcError):
    """The body is not JSON."""

    code = -32700
    kind = "parse_error"


class InvalidRequest(RpcError):
    """The body is JSON, but not a JSON-RPC request."""

    code = -32600
    kind = "invalid_request"


class MethodNotFound(RpcError):
    """No such method on this path."""

    code = -32601
    kind = "method_not_found"


class InvalidParams(RpcError):
    """A parameter is missing or malformed."""

    code = -32602
    kind = "invalid_params"


class InternalError(RpcError):
    """A defect of ours: logged with its traceback, shown without it."""

    code = -32603
    kind = "internal_error"


class ServerError(RpcError):
    """The node cannot do what was asked."""


class TransactionRejected(ServerError):
    """A transaction that the node does not take, with geth's message."""

    kind = "transaction_rejected"


class ExecutionHalted(ServerError):
    """A call that neither returned nor reverted: out of gas, invalid opcode, ..."""

    kind = "execution_halted"


class ResourceNotFound(RpcError):
    """An unknown block or filter."""

    code = -32001
    kind = "not_found"


class RequestTimedOut(RpcError):
    """The node did not answer within the time that a request has."""

    code = -32002
    kind = "timed_out"


class LimitExceeded(RpcError):
    """Too many results, requests or bytes."""

    code = -32005
    kind = "limit_exceeded"


class ExecutionReverted(RpcError):
    """A call reverted; ``data`` is the revert data in hex."""

    code = 3
    kind = "execution_reverted"


class ServerStartError(GatewayError):
    """The HTTP server could not take its address."""
