"""Says again what was said before: by itself, by others, and by its key in another network."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from actors.transport.interface import Channel, Received
from cluster.chaos.traitors.base import Traitor
from consensus.messages import ConsensusMessage, open_message
from ledger.codec import encode
from ledger.hashing import keccak
from ledger.types import Digest
from ledger.votes import Notarize, Round

MAX_MEMORIES_PER_CHANNEL: Final = 256
REPLAYS_PER_VOTE: Final = 8
ANOTHER_NETWORK: Final = Digest(keccak(b"another network"))


class Replayer(Traitor):
    """Remembers what it has heard and said on each channel first, and repeats it ever after."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed)
        self._memories: dict[Channel, list[bytes]] = {channel: [] for channel in Channel}

    def hears(self, received: Sequence[Received]) -> None:
        """Remember it."""
        for message in received:
            self._remember(message.channel, message.payload)

    def words(
        self, peer: int, channel: Channel, payload: bytes, *, is_answer: bool
    ) -> Iterable[tuple[Channel, bytes]]:
        """The message, and old ones of every channel with each own vote."""
        self._remember(channel, payload)
        said = [(channel, payload)]
        if channel is not Channel.CONSENSUS:
            return said
        message = open_message(payload)
        if not self.is_own_vote(message):
            return said
        for other, memories in self._memories.items():
            count = min(REPLAYS_PER_VOTE, len(memories))
            said += [(other, old) for old in self.random.sample(memories, count)]
            self.deeds[f"old message on {other.name}"] += count
        said += [(channel, encode(vote)) for vote in self._votes_of_another_network(message)]
        return said

    def _votes_of_another_network(self, vote: ConsensusMessage) -> list[ConsensusMessage]:
        """Genuine there, and contradicting what it says here."""
        if not isinstance(vote, Notarize):
            return []
        self.deeds["vote of another network"] += 3
        other = replace(vote.proposal, payload=self.invented_digest())
        return [
            self.notarize(other, ANOTHER_NETWORK),
            self.finalize(other, ANOTHER_NETWORK),
            self.nullify(Round(other.epoch, other.view), ANOTHER_NETWORK),
        ]

    def _remember(self, channel: Channel, payload: bytes) -> None:
        memories = self._memories[channel]
        if len(memories) < MAX_MEMORIES_PER_CHANNEL:
            memories.append(payload)
