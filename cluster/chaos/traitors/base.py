"""What all traitors share: an honest core, whose words each of them twists."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Protocol

from actors.transport.interface import Channel, Received
from actors.validator.block_tree import TreeBlock
from actors.validator.node import ValidatorNode
from consensus.messages import ConsensusMessage, open_message
from ledger.block import SealedBlock, open_block
from ledger.codec import encode
from ledger.errors import CodecError
from ledger.types import Digest
from ledger.votes import Finalize, Notarize, Nullify, Proposal, Round, signed_message


class Mouth(Protocol):
    """What the traitor's transport does without it."""

    @property
    def peers(self) -> tuple[int, ...]:
        """All other validators."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the validator, in which the traitor lives too."""

    def say(self, peer: int, channel: Channel, payload: bytes) -> None:
        """Send as an honest validator's transport does."""

    def shove(self, peer: int, channel: Channel, payload: bytes) -> None:
        """Send past the own limits."""

    def backlog(self, peer: int, channel: Channel) -> int:
        """Messages that wait to leave."""


class Traitor:
    """A validator under the adversary's control; without more, it says what its honest core says.

    Attributes
    ----------
    deeds
        Misdeeds, counted by what they are.
    """

    def __init__(self, seed: int = 1) -> None:
        self.deeds: Counter[str] = Counter()
        self.random = Random(f"{type(self).__name__}/{seed}")
        self.node: ValidatorNode
        self.mouth: Mouth

    def join(self, node: ValidatorNode, mouth: Mouth) -> None:
        """Take a validator over."""
        self.node = node
        self.mouth = mouth

    def leave(self) -> None:
        """Give it back."""

    # WHAT A TRAITOR TWISTS

    def tells(self, peer: int, message: ConsensusMessage) -> Iterable[ConsensusMessage]:
        """What a peer hears where the core says something about consensus."""
        return (message,)

    def shows(self, peer: int, block: SealedBlock, *, is_answer: bool) -> Iterable[bytes]:
        """What a peer gets where the core sends a payload, by itself or as an answer."""
        return (block.encoded,)

    def builds(self, block: TreeBlock) -> TreeBlock:
        """What it proposes where the core has built a block."""
        return block

    def hears(self, received: Sequence[Received]) -> None:
        """Whatever comes, before the core gets it."""

    def words(
        self, peer: int, channel: Channel, payload: bytes, *, is_answer: bool
    ) -> Iterable[tuple[Channel, bytes]]:
        """All that a peer gets in place of one message of the core."""
        if channel is Channel.CONSENSUS:
            said = self.tells(peer, open_message(payload))
            return [(channel, encode(message)) for message in said]
        if channel is Channel.PAYLOAD:
            try:
                block = open_block(payload)
            except CodecError:
                return [(channel, payload)]  # One of its own making that nobody can read.
            return [(channel, raw) for raw in self.shows(peer, block, is_answer=is_answer)]
        return [(channel, payload)]

    # WHAT IT NEEDS FOR IT

    @property
    def index(self) -> int:
        """Its place among the validators."""
        return int(self.node.index)

    def is_own_vote(self, message: ConsensusMessage) -> bool:
        """Whether a message is a vote of this validator, not a certificate or a request."""
        return isinstance(message, (Notarize, Nullify, Finalize)) and message.signer == self.index

    def notarize(self, proposal: Proposal, genesis: Digest | None = None) -> Notarize:
        """A genuine notarize vote for anything; for another network if its digest is given."""
        message = signed_message(Notarize, self._network(genesis), proposal)
        return Notarize(proposal, self.node.index, self.node.driver.state.config.sign(message))

    def finalize(self, proposal: Proposal, genesis: Digest | None = None) -> Finalize:
        """A genuine finalize vote for anything."""
        message = signed_message(Finalize, self._network(genesis), proposal)
        return Finalize(proposal, self.node.index, self.node.driver.state.config.sign(message))

    def nullify(self, subject: Round, genesis: Digest | None = None) -> Nullify:
        """A genuine nullify vote for any view."""
        message = signed_message(Nullify, self._network(genesis), subject)
        return Nullify(subject, self.node.index, self.node.driver.state.config.sign(message))

    def invented_digest(self) -> Digest:
        """The digest of nothing."""
        return Digest(self.random.randbytes(32))

    def _network(self, genesis: Digest | None) -> Digest:
        return self.node.validators.digest if genesis is None else genesis
