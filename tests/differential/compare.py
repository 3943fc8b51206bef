"""The two engines side by side."""

from dataclasses import fields
from typing import Any

from execution.engine import WasmEngine
from execution.reference import ReferenceEngine
from execution.types import BlockInput, BlockOutput, ChainSpec


class Engines:
    """One chain on both engines; every block has to agree in every bit."""

    def __init__(self, spec: ChainSpec) -> None:
        self.wasm = WasmEngine(spec)
        self.reference = ReferenceEngine(spec)
        assert self.wasm.head_hash == self.reference.head_hash, "the genesis blocks differ"

    def execute(self, block: BlockInput, label: str) -> BlockOutput:
        """Execute on both and return the one result."""
        reference = self.reference.execute(block)
        wasm = self.wasm.execute(block)
        differences = describe_differences(wasm, reference)
        assert not differences, f"{label}, block {block.number}:\n" + "\n".join(differences)
        return reference


def describe_differences(wasm: BlockOutput, reference: BlockOutput) -> list[str]:
    """Each differing field of the outputs, receipts and changes, causes before hashes."""
    lines: list[str] = []
    for name in ("skipped", "receipts", "changes"):
        pairs = getattr(wasm, name), getattr(reference, name)
        lines += _describe_sequence(name, *pairs)
    for field in fields(BlockOutput):
        if field.name not in ("skipped", "receipts", "changes"):
            lines += _describe_value(
                field.name, getattr(wasm, field.name), getattr(reference, field.name)
            )
    return lines


def _describe_sequence(name: str, wasm: tuple[Any, ...], reference: tuple[Any, ...]) -> list[str]:
    if len(wasm) != len(reference):
        return [f"{name}: wasm {list(wasm)}\n  reference {list(reference)}"]
    lines = []
    for index, (ours, theirs) in enumerate(zip(wasm, reference, strict=True)):
        for field in fields(theirs):
            label = f"{name}[{index}].{field.name}"
            lines += _describe_value(label, getattr(ours, field.name), getattr(theirs, field.name))
    return lines


def _describe_value(label: str, wasm: object, reference: object) -> list[str]:
    if wasm == reference:
        return []
    return [f"{label}: wasm {_show(wasm)}, reference {_show(reference)}"]


def _show(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)
