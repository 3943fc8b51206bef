"""The two engines behind one surface."""

from collections.abc import Iterable, Mapping
from typing import Protocol, Self

from actors.l1.settings import EngineKind
from execution.engine import WasmEngine
from execution.reference_chain import ReferenceChain
from execution.types import (
    Address,
    BlockInput,
    BlockOutput,
    ChainSpec,
    GenesisAccount,
    Hash32,
)
from gateway.engine_reader import ReadableEngine


class L1Engine(ReadableEngine, Protocol):
    """What the embedded chain needs of an engine; see :class:`execution.engine.WasmEngine`."""

    def __init__(self, spec: ChainSpec) -> None: ...

    @classmethod
    def from_snapshot(
        cls,
        spec: ChainSpec,
        head_header_rlp: bytes,
        accounts: Iterable[tuple[Address, GenesisAccount]],
        recent_hashes: Mapping[int, Hash32],
    ) -> Self:
        """Continue a chain."""
        ...

    @property
    def head_hash(self) -> Hash32:
        """Hash of the last executed block."""
        ...

    def execute(self, block: BlockInput) -> BlockOutput:
        """Execute the block after the head."""
        ...

    def rollback(self, number: int) -> None:
        """Make an older block the head again."""
        ...

    def finalize(self, number: int) -> None:
        """Mark a block and all before it as final."""
        ...


_ENGINES: Mapping[EngineKind, type[L1Engine]] = {
    EngineKind.PY_EVM: ReferenceChain,
    EngineKind.WASM: WasmEngine,
}


def engine_class(kind: EngineKind) -> type[L1Engine]:
    """The class that a chain of this kind is started from."""
    return _ENGINES[kind]
