"""Every chip's program has the value that Python's constraints have, at random points."""

import random

import pytest
from probe import Refused, one_to_bytes, random_element, random_elements, shared_probe, to_bytes
from test_verifier_libraries import zkvm_key

from contracts.verifier.description import describe
from contracts.verifier.programs import MOST_DATA_BYTES, machine_programs
from proving.air.logup import LookupChallenges, lookup_layout
from proving.field.extension import Extension
from proving.parameters import FAST
from proving.stark.constraint_check import ConstraintChallenges, expected_quotient
from proving.stark.instance import QUOTIENT_WIDTH, Table, Tree
from proving.stark.keys import VerifyingKey
from proving.stark.machine import Machine
from proving.stark.proof import OpenedValues
from proving.zkvm.machine import ZKVM
from tests.support.toy_settlement import SETTLED_TOY, settled_key

CHIPS = [(ZKVM, rule.air.name) for rule in ZKVM.chips]
CHIPS += [(SETTLED_TOY, rule.air.name) for rule in SETTLED_TOY.chips]
LOG_HEIGHT = 6


def key_of(machine: Machine) -> VerifyingKey:
    return zkvm_key(FAST) if machine is ZKVM else settled_key().verifying_key


@pytest.mark.parametrize(
    ("machine", "name"), CHIPS, ids=lambda value: getattr(value, "name", value)
)
def test_a_program_has_the_value_of_the_chip_s_constraints(machine: Machine, name: str) -> None:
    attempt = Attempt(machine, name, random.Random(name))
    attempt.check(attempt.expected)
    for coordinate in range(4):
        off_by_one = Extension([int(coordinate == k) for k in range(4)])
        with pytest.raises(Refused, match="ConstraintMismatch"):
            attempt.check(attempt.expected + off_by_one)


@pytest.mark.parametrize("name", ["add_sub", "memory_boundary", "commit"])
def test_every_opened_value_counts(name: str) -> None:
    """The program reads every cell: with any other value there, the quotient is another."""
    chance = random.Random(name)
    attempt = Attempt(ZKVM, name, chance)
    for tree, values in attempt.opened.items():
        for position in chance.sample(range(len(values)), min(8, len(values))):
            if tree is Tree.QUOTIENT:
                continue
            kept = values[position]
            values[position] = kept + 1
            with pytest.raises(Refused, match="ConstraintMismatch"):
                attempt.check(attempt.expected)
            values[position] = kept
    attempt.check(attempt.expected)


def test_a_point_inside_of_the_trace_is_refused() -> None:
    attempt = Attempt(ZKVM, "add_sub", random.Random(1))
    attempt.challenges = ConstraintChallenges(
        attempt.challenges.lookups, attempt.challenges.alpha, Extension.from_base(1)
    )
    with pytest.raises(Refused, match="PointInsideTrace"):
        attempt.check(attempt.expected)


def test_programs_fit_in_their_contracts() -> None:
    programs = machine_programs(ZKVM)
    chunks = programs.chunks()
    assert b"".join(chunks) == programs.code
    assert all(len(chunk) == MOST_DATA_BYTES for chunk in chunks[:-1])
    assert max(program.slot_count for program in programs.programs) < 1 << 16


class Attempt:
    """A chip's opened values at random, and the quotient that belongs to them."""

    def __init__(self, machine: Machine, name: str, chance: random.Random) -> None:
        self.key = key_of(machine)
        self.description = describe(self.key)
        self.chip = [rule.air.name for rule in machine.chips].index(name)
        self.program = machine_programs(machine).programs[self.chip]
        air = machine.chips[self.chip].air
        self.table = Table(air, lookup_layout(air), LOG_HEIGHT)
        self.challenges = ConstraintChallenges(
            LookupChallenges(random_element(chance), random_element(chance)),
            random_element(chance),
            random_element(chance),
        )
        self.sum = random_element(chance)
        self.opened = {
            tree: random_elements(
                chance, self.table.width(tree) + len(self.table.next_columns(tree))
            )
            for tree in Tree
        }
        self.expected = expected_quotient(
            self.table,
            {
                tree: OpenedValues(
                    tuple(values[: self.table.width(tree)]),
                    tuple(values[self.table.width(tree) :]),
                )
                for tree, values in self.opened.items()
            },
            self.sum,
            self.challenges,
            self.key.parameters,
        )

    def check(self, quotient: Extension) -> None:
        """Ask the contract whether the chip's quotient at z is this one."""
        low = quotient - self.challenges.z**self.table.height * self._high()
        self.opened[Tree.QUOTIENT][:4] = [Extension.from_base(c) for c in low.coefficients]
        lookups = self.challenges.lookups
        drawn = (lookups.gamma, lookups.beta, self.challenges.alpha, self.challenges.z)
        shared_probe()(
            "constraints",
            self.description,
            self.program.code,
            self.chip,
            LOG_HEIGHT,
            [one_to_bytes(value) for value in drawn],
            one_to_bytes(self.sum),
            [len(self.opened[tree]) for tree in Tree],
            to_bytes([value for tree in Tree for value in self.opened[tree]]),
        )

    def _high(self) -> Extension:
        coordinates = self.opened[Tree.QUOTIENT][4:QUOTIENT_WIDTH]
        units = [Extension([int(i == k) for i in range(4)]) for k in range(4)]
        total = Extension.from_base(0)
        for unit, value in zip(units, coordinates, strict=True):
            total = total + unit * value
        return total
