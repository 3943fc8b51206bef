"""The STF's wasm module: loading it, and calls through its linear memory.

Requests and responses are MessagePack; ``stf/src/abi`` is the other side.
"""

import ctypes
import functools
import hashlib
import os
import tempfile
import threading
from enum import IntEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgpack
import wasmtime

from execution import errors

ARTIFACT_DIRECTORY: Final = Path(__file__).resolve().parent.parent / "stf" / "artifacts"
MODULE_NAME: Final = "stf.wasm"
CACHE_DIRECTORY_VARIABLE: Final = "BRAID_CACHE_DIR"

_ADDRESS_MASK: Final = 0xFFFFFFFF
_SIGN_BIT: Final = 0x80000000


class Operation(IntEnum):
    """Operations of the module, as ``stf/src/abi/operations.rs`` numbers them."""

    BEGIN = 0
    ADD_ACCOUNTS = 1
    START_AT_GENESIS = 2
    START_AT_HEAD = 3
    EXECUTE = 4
    ROLLBACK = 5
    FINALIZE = 6
    ACCOUNTS = 7
    CODE = 8
    STORAGE = 9
    CALL = 10
    ESTIMATE_GAS = 11
    PROVE = 12
    RECOVER_SENDERS = 13
    STATE_TEST = 14
    RECORD = 15
    RUN_BATCH = 16
    PROVING_COSTS = 17


_ERROR_OF_STATUS: Final[dict[int, type[errors.EngineError]]] = {
    1: errors.MalformedRequestError,
    2: errors.NotStartedError,
    3: errors.UnknownBlockError,
    4: errors.BlockRejectedError,
    5: errors.RollbackBelowFinalizedError,
    6: errors.SnapshotRejectedError,
    7: errors.CallRejectedError,
    9: errors.GasRequiredExceedsAllowanceError,
    10: errors.MissingStateError,
    11: errors.WitnessRejectedError,
    12: errors.ProvingBudgetExceededError,
}
_STATUS_REVERTED: Final = 8


class WasmInstance:
    """One instance of the module: one chain, one call at a time.

    Calls release the GIL; calls of several threads wait for each other.
    """

    def __init__(self) -> None:
        engine, module = _load_module()
        self._lock = threading.Lock()
        self._store = wasmtime.Store(engine)
        exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        self._memory = _expect(exports["memory"], wasmtime.Memory)
        self._allocate = _expect(exports["allocate"], wasmtime.Func)
        self._invoke = _expect(exports["invoke"], wasmtime.Func)
        self._panic_message = _expect(exports["panic_message"], wasmtime.Func)
        self._crash: str | None = None

    def invoke(self, operation: Operation, request: object) -> Any:
        """Answer ``request``, a value of MessagePack types.

        Raises
        ------
        EngineError
            The subclass that belongs to the module's status; ``EngineCrashedError``
            if the module trapped, now or earlier.
        """
        encoded = _encode(request)
        with self._lock:
            if self._crash is not None:
                raise errors.EngineCrashedError(f"the engine crashed before: {self._crash}")
            try:
                response = self._exchange(operation, encoded)
            except wasmtime.Trap as trap:
                self._crash = self._last_panic() or str(trap)
                raise errors.EngineCrashedError(self._crash) from trap
        status, *rest = msgpack.unpackb(response)
        if status == 0:
            return rest[0]
        message, data = rest
        if status == _STATUS_REVERTED:
            raise errors.CallRevertedError(message, data)
        raise _ERROR_OF_STATUS[status](message)

    def memory_size_bytes(self) -> int:
        """Size of the linear memory, which never shrinks."""
        size: int = self._memory.data_len(self._store)
        return size

    def _exchange(self, operation: Operation, request: bytes) -> bytes:
        address: int = self._allocate(self._store, len(request))
        ctypes.memmove(self._base() + (address & _ADDRESS_MASK), request, len(request))
        return self._read(self._invoke(self._store, int(operation), address, len(request)))

    def _last_panic(self) -> str:
        return self._read(self._panic_message(self._store)).decode("utf-8", "replace")

    def _read(self, location: int) -> bytes:
        address = (location >> 32) & _ADDRESS_MASK
        return ctypes.string_at(self._base() + address, location & _ADDRESS_MASK)

    def _base(self) -> int:
        return ctypes.addressof(self._memory.data_ptr(self._store).contents)


def _encode(request: object) -> bytes:
    try:
        encoded = msgpack.packb(request)
    except (OverflowError, TypeError, ValueError) as error:
        raise errors.MalformedRequestError(str(error)) from error
    assert isinstance(encoded, bytes)
    if len(encoded) >= _SIGN_BIT:
        raise errors.MalformedRequestError(f"request: at most 2 GiB, got {len(encoded)} bytes")
    return encoded


@functools.cache
def _load_module() -> tuple[wasmtime.Engine, wasmtime.Module]:
    wasm = read_artifact(MODULE_NAME)
    engine = wasmtime.Engine(_configuration())
    cache_path = _cache_path(hashlib.sha256(wasm).hexdigest())
    cached = _read_cached_module(engine, cache_path)
    if cached is not None:
        return engine, cached
    module = wasmtime.Module(engine, wasm)
    _write_cached_module(cache_path, bytes(module.serialize()))
    return engine, module


def _configuration() -> wasmtime.Config:
    configuration = wasmtime.Config()
    configuration.wasm_simd = True
    configuration.wasm_bulk_memory = True
    configuration.cranelift_opt_level = "speed"
    return configuration


def read_artifact(name: str) -> bytes:
    """Bytes of an artifact of the STF, checked against its committed SHA-256."""
    try:
        artifact = (ARTIFACT_DIRECTORY / name).read_bytes()
        sums = (ARTIFACT_DIRECTORY / "SHA256SUMS").read_text(encoding="ascii")
    except OSError as error:
        raise errors.ModuleRejectedError(f"cannot read {name}: {error}") from error
    lines = [line.split() for line in sums.splitlines()]
    expected = {listed: digest for digest, listed in lines}.get(name)
    got = hashlib.sha256(artifact).hexdigest()
    if got != expected:
        raise errors.ModuleRejectedError(f"{name}: expected SHA-256 {expected}, got {got}")
    return artifact


def _cache_path(wasm_hash: str) -> Path:
    base = os.environ.get(CACHE_DIRECTORY_VARIABLE) or os.environ.get("XDG_CACHE_HOME")
    directory = Path(base) if base else Path.home() / ".cache"
    wasmtime_version = version("wasmtime")
    return directory / "braid" / f"stf-{wasm_hash}-wasmtime-{wasmtime_version}.cwasm"


def _read_cached_module(engine: wasmtime.Engine, path: Path) -> wasmtime.Module | None:
    # Compiled code is trusted like the program itself: only this user's own file will do.
    try:
        status = path.stat()
    except OSError:
        return None
    is_writable_by_others = bool(status.st_mode & 0o022)
    if status.st_uid != os.getuid() or is_writable_by_others:
        return None
    try:
        return wasmtime.Module.deserialize_file(engine, str(path))
    except wasmtime.WasmtimeError:
        return None


def _write_cached_module(path: Path, compiled: bytes) -> None:
    """Write atomically; without a writable cache the next start compiles again."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    except OSError:
        return
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(compiled)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)


def _expect(export: object, kind: type[Any]) -> Any:
    if not isinstance(export, kind):
        raise errors.ModuleRejectedError(f"expected an export of {kind}, got {type(export)}")
    return export
