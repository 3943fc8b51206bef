"""What happened in a run and when, in seconds since its start; filled by several threads."""

import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum


class MarkKind(StrEnum):
    """What a mark on the timeline is about."""

    FAULT = "fault"
    HEAL = "heal"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment."""

    seconds: float
    kind: MarkKind
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """A final ledger block, by its own timestamp."""

    seconds: float
    height: int
    chain: str


@dataclass(frozen=True, slots=True)
class NodeSample:
    """How far a node was; it did not answer where there is no height."""

    seconds: float
    node: int
    height: int | None
    is_quarantined: bool = False


@dataclass(frozen=True, slots=True)
class LossSample:
    """What was lost so far, and the bound of what can be, in wei."""

    seconds: float
    loss_wei: int
    bound_wei: int


@dataclass(slots=True)
class Timeline:
    """Everything about one run that the report plots."""

    marks: list[Mark] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    nodes: list[NodeSample] = field(default_factory=list)
    losses: list[LossSample] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    began_unix_seconds: float = field(default_factory=time.time)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def mark(self, kind: MarkKind, text: str) -> float:
        """Note that something happened now; gives the time."""
        seconds = self.now()
        with self._lock:
            self.marks.append(Mark(seconds, kind, text))
        return seconds

    def sample_node(self, node: int, height: int | None, is_quarantined: bool = False) -> None:
        """Note how far a node is now."""
        with self._lock:
            self.nodes.append(NodeSample(self.now(), node, height, is_quarantined))

    def sample_loss(self, loss_wei: int, bound_wei: int) -> None:
        """Note what was lost by now, and the bound."""
        with self._lock:
            self.losses.append(LossSample(self.now(), loss_wei, bound_wei))

    def bound_before_faults(self) -> int:
        """The bound that was sampled last before the first fault, or first of all."""
        with self._lock:
            faults = [mark.seconds for mark in self.marks if mark.kind is MarkKind.FAULT]
            first_fault = min(faults, default=0.0)
            earlier = [sample for sample in self.losses if sample.seconds <= first_fault]
            chosen = earlier[-1:] or self.losses[:1]
            return chosen[0].bound_wei if chosen else 0

    def count(self, kind: MarkKind) -> int:
        """How many marks of a kind there are."""
        with self._lock:
            return sum(mark.kind is kind for mark in self.marks)
