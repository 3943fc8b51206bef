"""Who lies is named and demoted for long, who is silent for short; the others are asked."""

from actors.validator.errors import PeerSilent, WrongBlocks, WrongCertificate
from actors.validator.peer_standing import (
    DISTRUST_SECONDS,
    MAX_DISTRUST_SECONDS,
    MAX_NAMED,
    MAX_SILENCE_SECONDS,
    SILENCE_SECONDS,
    PeerStandings,
)
from ledger.types import ValidatorIndex

LIAR, HONEST = ValidatorIndex(0), ValidatorIndex(1)


class World:
    """Standings under a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.standings = PeerStandings([LIAR, HONEST], lambda peer: f"id-{peer}", lambda: self.now)

    def demoted_seconds(self, peer: ValidatorIndex) -> float:
        seconds = 0.0
        while self.standings.is_demoted(peer):
            self.now += 0.5
            seconds += 0.5
        return seconds


def test_a_liar_is_named_by_index_and_peer_id() -> None:
    world = World()
    world.standings.caught(LIAR, WrongCertificate("of another block"))
    status = world.standings.status()
    assert status["peers"] == {
        "0": {"peer_id": "id-0", "faults": {"WrongCertificate": 1}, "is_demoted": True}
    }
    assert status["latest"] == [
        {
            "validator": 0,
            "peer_id": "id-0",
            "fault": "WrongCertificate",
            "reason": "of another block",
        }
    ]


def test_the_others_are_asked_and_the_liar_only_where_there_is_no_other() -> None:
    world = World()
    world.standings.caught(LIAR, WrongBlocks("gap"))
    assert world.standings.best_of([LIAR, HONEST]) == [HONEST]
    assert world.standings.best_of([LIAR]) == [LIAR]
    assert world.standings.best_of([]) == []


def test_each_lie_costs_twice_as_long_up_to_a_bound() -> None:
    world = World()
    costs = []
    for _ in range(12):
        world.standings.caught(LIAR, WrongBlocks("gap"))
        costs.append(world.demoted_seconds(LIAR))
    assert costs[:3] == [DISTRUST_SECONDS, 2 * DISTRUST_SECONDS, 4 * DISTRUST_SECONDS]
    assert costs[-1] == MAX_DISTRUST_SECONDS


def test_silence_costs_little_and_an_answer_forgives_it() -> None:
    world = World()
    for _ in range(12):
        world.standings.caught(LIAR, PeerSilent("blocks 1 to 64"))
    assert world.demoted_seconds(LIAR) == MAX_SILENCE_SECONDS
    world.standings.answered_well(LIAR)
    world.standings.caught(LIAR, PeerSilent("blocks 1 to 64"))
    assert world.demoted_seconds(LIAR) == SILENCE_SECONDS


def test_a_good_answer_does_not_forgive_a_lie() -> None:
    world = World()
    world.standings.caught(LIAR, WrongBlocks("gap"))
    world.standings.caught(LIAR, PeerSilent("blocks 1 to 64"))
    world.standings.answered_well(LIAR)
    assert world.standings.is_demoted(LIAR)


def test_what_is_kept_of_a_liar_is_bounded() -> None:
    world = World()
    for _ in range(10 * MAX_NAMED):
        world.standings.caught(LIAR, WrongBlocks("gap"))
    status = world.standings.status()
    assert len(status["latest"]) == MAX_NAMED
    assert status["peers"]["0"]["faults"] == {"WrongBlocks": 10 * MAX_NAMED}
