"""Proposes to all, but keeps the payload back."""

import asyncio
from collections.abc import Iterable
from enum import StrEnum

from actors.transport.interface import Channel
from cluster.chaos.traitors.base import Traitor
from ledger.block import SealedBlock

LATE_DELTAS = 1.5
"""After the answer to it could have been asked for, and before the view ends by itself (3Δ)."""


class Withholding(StrEnum):
    """Who gets the payload."""

    FROM_ALL = "from all"
    FROM_ALL_BUT_ONE = "from all but one"
    UNTIL_LATE = "until it is late"


class Withholder(Traitor):
    """A leader whose payload reaches nobody, one validator, or everybody late; no answers."""

    def __init__(self, mode: Withholding, seed: int = 1) -> None:
        super().__init__(seed)
        self.mode = mode

    def shows(self, peer: int, block: SealedBlock, *, is_answer: bool) -> Iterable[bytes]:
        """Nothing of the own ones, but to whom the mode says."""
        if block.header.proposer != self.index:
            return (block.encoded,)
        self.deeds[f"payload withheld {self.mode.value}"] += 1
        if is_answer:
            return ()
        if self.mode is Withholding.UNTIL_LATE:
            delay_seconds = LATE_DELTAS * self.node.genesis.timing.delta_ms / 1000
            loop = asyncio.get_running_loop()
            loop.call_later(delay_seconds, self.mouth.say, peer, Channel.PAYLOAD, block.encoded)
        is_the_one = peer == self.mouth.peers[block.header.view % len(self.mouth.peers)]
        is_shown = self.mode is Withholding.FROM_ALL_BUT_ONE and is_the_one
        return (block.encoded,) if is_shown else ()
