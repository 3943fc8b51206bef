"""Errors of the settlement package.

::

    SettlementError
    ├── L1Error
    │   ├── L1Down                 no answer: refused, timed out, or the server is in trouble
    │   ├── MalformedAnswer        an answer that is none, or too long
    │   ├── WrongChain             the endpoint serves another chain
    │   ├── DeepReorg              confirmed blocks are gone: more was dropped than we wait for
    │   ├── QueueMismatch          events do not add up to the contract's hash chain
    │   └── L1Refused              a JSON-RPC error; carries ``code``
    │       ├── NonceTooLow
    │       ├── Underpriced        the fee is below the pool's, or below the replaced one's
    │       ├── AlreadyKnown
    │       ├── InsufficientFunds
    │       ├── TooManyResults     ask for a smaller range
    │       └── CallReverted       carries ``reason`` and ``data``
    ├── JournalUnreadable          a record of the settlement journal is none of ours
    ├── DataMismatch               L1 accepted data that this node's blocks do not have
    ├── BlockTooLarge              a block's data fit no transaction
    └── DeploymentError            the contracts are not where, or what, they should be
"""


class SettlementError(Exception):
    """Base of everything that this package raises."""


class L1Error(SettlementError):
    """Trouble with L1."""


class L1Down(L1Error):
    """No answer: try again later."""


class MalformedAnswer(L1Error):
    """An answer of the wrong shape or size."""


class WrongChain(L1Error):
    """The endpoint serves another chain."""

    def __init__(self, got: int, expected: int) -> None:
        super().__init__(f"the endpoint serves chain {got}, expected {expected}")


class DeepReorg(L1Error):
    """A block that had all its confirmations is gone: raise them, or look into L1."""

    def __init__(self, number: int, got: bytes, expected: bytes) -> None:
        super().__init__(
            f"L1 block {number} was confirmed as {expected.hex()}, now it is {got.hex()}"
        )
        self.number = number


class QueueMismatch(L1Error):
    """The events of the queue do not give the hash that the contract has."""

    def __init__(self, count: int, got: bytes, expected: bytes) -> None:
        super().__init__(f"queue after {count} entries: got {got.hex()}, expected {expected.hex()}")


class L1Refused(L1Error):
    """L1 answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"L1 refuses: {message} (code {code})")
        self.code = code
        self.message = message


class NonceTooLow(L1Refused):
    """The nonce is used up."""


class Underpriced(L1Refused):
    """The fee is too low for the pool, or to replace what it holds."""


class AlreadyKnown(L1Refused):
    """The pool has this very transaction."""


class InsufficientFunds(L1Refused):
    """The account cannot pay: send it ETH."""


class TooManyResults(L1Refused):
    """The answer would be too long."""


class CallReverted(L1Refused):
    """A call reverted."""

    def __init__(self, code: int, message: str, data: bytes, reason: str | None) -> None:
        super().__init__(code, message if reason is None else reason)
        self.data = data
        self.reason = reason


class JournalUnreadable(SettlementError):
    """A record of the settlement journal does not decode."""


class DataMismatch(SettlementError):
    """L1 has accepted data of a block that differ from this node's: it must not go on."""


class BlockTooLarge(SettlementError):
    """A block's data are longer than one transaction may carry."""

    def __init__(self, number: int, got_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"block {number} has {got_bytes} bytes of data, limit is {limit_bytes}")


class DeploymentError(SettlementError):
    """A deployment failed, or its record does not fit."""
