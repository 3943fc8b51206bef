"""Errors of the execution package.

::

    ExecutionError
    ├── EngineError                       the wasm engine refused or failed
    │   ├── ModuleRejectedError           an artifact is missing or is not the committed one
    │   ├── EngineCrashedError            the engine trapped; this instance is of no more use
    │   ├── MalformedRequestError         a value has the wrong type, size or range
    │   ├── NotStartedError               no chain in this engine
    │   ├── UnknownBlockError             the block's state is not retained
    │   ├── BlockRejectedError            wrong number, or a timestamp before the parent's
    │   ├── RollbackBelowFinalizedError   a final block cannot be undone
    │   ├── SnapshotRejectedError         header and accounts do not belong together
    │   ├── MissingStateError             the state misses an entry that it refers to
    │   ├── WitnessRejectedError          a batch witness proves nothing
    │   └── CallError                     eth_call or eth_estimateGas has no result
    │       ├── CallRejectedError         the call is no valid transaction
    │       ├── CallRevertedError         it reverts whatever the gas; carries ``output``
    │       ├── GasRequiredExceedsAllowanceError
    │       └── ProvingBudgetExceededError  it costs too much to prove, whatever its gas
    ├── BatchError                        blocks or statements that make no batch
    │   ├── WitnessTooLargeError          more than the guest takes
    │   ├── StatementDecodeError          bytes that are no statement
    │   └── BrokenChainError              a statement does not go on where the one before ends
    ├── MalformedHeaderError              bytes that are no Ethereum header
    └── TransactionError                  bytes that are no transaction; carries ``reason``
        ├── TransactionDecodeError
        └── SenderRecoveryError
"""


class ExecutionError(Exception):
    """Any failure of the execution package."""


class MalformedHeaderError(ExecutionError):
    """The bytes are no Ethereum header."""


class EngineError(ExecutionError):
    """The engine refused an operation or failed."""


class ModuleRejectedError(EngineError):
    """An artifact of the STF is missing or differs from its committed hash."""


class EngineCrashedError(EngineError):
    """The engine trapped: its state is unusable from now on."""


class MalformedRequestError(EngineError):
    """A value of the request has the wrong type, size or range."""


class NotStartedError(EngineError):
    """The engine holds no chain yet."""


class UnknownBlockError(EngineError):
    """The state after that block is not (or no more) retained."""


class BlockRejectedError(EngineError):
    """The block does not follow the head."""


class RollbackBelowFinalizedError(EngineError):
    """The rollback would undo a final block."""


class SnapshotRejectedError(EngineError):
    """The snapshot's accounts do not hash to its header's state root."""


class MissingStateError(EngineError):
    """The state refers to an entry that it does not hold."""


class WitnessRejectedError(EngineError):
    """A batch witness does not prove what it should: malformed, incomplete or inconsistent."""


class CallError(EngineError):
    """A call has no result."""


class CallRejectedError(CallError):
    """The call is no valid transaction."""


class CallRevertedError(CallError):
    """The call reverts however much gas it has; ``output`` is the revert data."""

    def __init__(self, message: str, output: bytes) -> None:
        super().__init__(message)
        self.output = output


class GasRequiredExceedsAllowanceError(CallError):
    """The call fails even with all the gas that it may have."""


class ProvingBudgetExceededError(CallError):
    """The call costs more to prove than a transaction of the ZK chain may."""


class BatchError(ExecutionError):
    """Blocks or statements do not make a batch."""


class WitnessTooLargeError(BatchError):
    """A witness has more bytes than the guest takes."""


class StatementDecodeError(BatchError):
    """The bytes are no statement in canonical encoding."""


class BrokenChainError(BatchError):
    """A statement does not go on where the one before it ends; carries expected and got."""


class TransactionError(ExecutionError):
    """Bytes that are no acceptable transaction; ``reason`` is one of ``skip_reasons``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class TransactionDecodeError(TransactionError):
    """The bytes are no transaction in canonical encoding."""


class SenderRecoveryError(TransactionError):
    """The signature belongs to no sender, or is malleable."""
