"""Reads of an execution engine with the errors that a :class:`ChainBackend` may raise.

For whoever implements a backend: each method is the blocking half of the
backend method of that name.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from execution import errors
from execution.types import AccountProof, AccountState, Address, CallRequest, CallResult
from gateway.errors import BackendUnavailable, CallRefused, StateUnavailable

T = TypeVar("T")

ALLOWANCE_EXCEEDED = "gas required exceeds allowance"


class ReadableEngine(Protocol):
    """What every execution engine tells about its chain; ``number`` ``None`` is the head."""

    @property
    def head_number(self) -> int:
        """Number of the last executed block."""
        ...

    def accounts(
        self, addresses: Sequence[Address], number: int | None = None
    ) -> list[AccountState]:
        """States of many accounts."""
        ...

    def code(self, address: Address, number: int | None = None) -> bytes:
        """Contract code."""
        ...

    def storage_at(self, address: Address, slot: int, number: int | None = None) -> int:
        """Value of a storage slot."""
        ...

    def call(self, request: CallRequest, number: int | None = None) -> CallResult:
        """Run a call and forget its effects."""
        ...

    def estimate_gas(self, request: CallRequest, number: int | None = None) -> int:
        """Least gas limit with which a call succeeds."""
        ...

    def proof(
        self, address: Address, slots: Sequence[int], number: int | None = None
    ) -> AccountProof:
        """EIP-1186 proof."""
        ...


class EngineReader:
    """State and calls of one engine; ``at`` is a block number, ``None`` the head."""

    def __init__(self, engine: ReadableEngine) -> None:
        self._engine = engine

    def accounts(self, addresses: Sequence[Address], at: int | None) -> list[AccountState]:
        """Account states in the order of ``addresses``."""
        return self._read(lambda: self._engine.accounts(addresses, at), at)

    def code(self, address: Address, at: int | None) -> bytes:
        """Contract code; empty if there is none."""
        return self._read(lambda: self._engine.code(address, at), at)

    def storage_at(self, address: Address, slot: int, at: int | None) -> int:
        """Value of a storage slot."""
        return self._read(lambda: self._engine.storage_at(address, slot, at), at)

    def proof(self, address: Address, slots: Sequence[int], at: int | None) -> AccountProof:
        """EIP-1186 proof."""
        return self._read(lambda: self._engine.proof(address, slots, at), at)

    def call(self, request: CallRequest, at: int | None) -> CallResult:
        """Run a call and forget its effects."""
        return self._read(lambda: self._engine.call(request, at), at)

    def estimate_gas(self, request: CallRequest, at: int | None) -> CallResult:
        """Least gas limit with which a call succeeds, in ``gas_used``; or the failed result."""
        try:
            gas = self._read(lambda: self._engine.estimate_gas(request, at), at)
        except errors.CallRevertedError as error:
            return CallResult(is_success=False, output=error.output, gas_used=0)
        except errors.GasRequiredExceedsAllowanceError:
            return CallResult(False, b"", 0, halt_reason=ALLOWANCE_EXCEEDED)
        except errors.ProvingBudgetExceededError as error:
            return CallResult(False, b"", 0, halt_reason=str(error))
        return CallResult(is_success=True, output=b"", gas_used=gas)

    def _read(self, read: Callable[[], T], at: int | None) -> T:
        try:
            return read()
        except errors.UnknownBlockError as error:
            number = self._engine.head_number if at is None else at
            raise StateUnavailable(number) from error
        except errors.CallRejectedError as error:
            raise CallRefused(str(error)) from error
        except errors.EngineCrashedError as error:
            raise BackendUnavailable("the execution engine has to be restarted") from error
