"""What the contract knows about a verifying key; `Machine.sol` says where each part is.

The contract takes one public input: a digest of 32 bytes, as eight words that the guest commits
under their indices. A key whose machine takes public values in another way is refused here.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import sha256
from itertools import groupby
from typing import Final

from contracts.verifier.errors import UnsupportedMachineError
from contracts.verifier.programs import MachinePrograms, machine_programs
from contracts.verifier.slots import Program
from proving.air.chip import Air, Domain
from proving.air.logup import lookup_layout
from proving.field.koalabear import P
from proving.stark.instance import ABSENT
from proving.stark.keys import VerifyingKey
from proving.stark.machine import ChipRule, Machine, VerifierTerm
from proving.stark.transcript_order import PROTOCOL
from proving.transcript import OBSERVE

PUBLIC_WORDS: Final = 8
_MOST_CHIPS: Final = 32
_SAMPLES: Final = (
    (0,) * PUBLIC_WORDS,
    tuple(0x1234_5678 * (k + 1) % 2**32 for k in range(PUBLIC_WORDS)),
)


def describe(key: VerifyingKey) -> bytes:
    """Return the description of a key.

    Raises
    ------
    UnsupportedMachineError
        The contract cannot verify proofs of this machine.
    """
    machine = key.machine
    if len(machine.chips) > _MOST_CHIPS:
        raise UnsupportedMachineError(f"at most {_MOST_CHIPS} chips, got {len(machine.chips)}")
    programs = machine_programs(machine)
    public_bus, fixed_terms = _terms(key)
    buses = sorted(
        {interaction.bus.name for rule in machine.chips for interaction in rule.air.interactions}
    )
    terms = b"".join(_term(term) for term in fixed_terms)
    ranges = [_ranges(rule.air) for rule in machine.chips]
    numbers = _numbers(key, programs, public_bus, len(buses), len(fixed_terms), len(terms))
    return b"".join(
        [
            key.digest,
            key.preprocessed_root or bytes(32),
            _transcript_state(key),
            programs.digest,
            struct.pack(">16I", *numbers),
            *_chip_records(key, programs.programs, ranges),
            *(_bus_counts(rule.air, buses) for rule in machine.chips),
            *(_row_limits(machine)),
            *(struct.pack(">I", key.parameters[name]) for name in programs.parameter_names),
            terms,
            *(struct.pack(">HH", *span) for spans in ranges for span in (*spans[0], *spans[1])),
        ]
    )


def _numbers(
    key: VerifyingKey,
    programs: MachinePrograms,
    public_bus: int,
    bus_count: int,
    term_count: int,
    term_bytes: int,
) -> list[int]:
    parameters = key.proof_parameters
    return [
        len(key.machine.chips),
        parameters.log_blowup,
        parameters.query_count,
        parameters.lookup_grinding_bits,
        parameters.batching_grinding_bits,
        parameters.query_grinding_bits,
        parameters.log_final_length,
        parameters.max_log_arity,
        public_bus,
        bus_count,
        len(key.machine.row_limits),
        len(programs.parameter_names),
        term_count,
        len(programs.code),
        term_bytes,
        0,
    ]


def _transcript_state(key: VerifyingKey) -> bytes:
    """State after protocol, key and parameters: what no proof has a say in."""
    state = bytes(32)
    for label, data in (
        ("protocol", PROTOCOL.encode()),
        ("verifying key", key.digest),
        ("parameters", key.proof_parameters.encode()),
    ):
        head = OBSERVE + state + struct.pack(">I", len(label)) + label.encode()
        state = sha256(head + struct.pack(">Q", len(data)) + data).digest()
    return state


Spans = tuple[tuple[int, int], ...]


def _chip_records(
    key: VerifyingKey, programs: Sequence[Program], ranges: Sequence[tuple[Spans, Spans]]
) -> list[bytes]:
    records = []
    start = first_range = 0
    for rule, program, (preprocessed, main) in zip(
        key.machine.chips, programs, ranges, strict=True
    ):
        records.append(_chip_record(key, rule, program, (preprocessed, main), start, first_range))
        start += len(program.code)
        first_range += len(preprocessed) + len(main)
    return records


def _chip_record(
    key: VerifyingKey,
    rule: ChipRule,
    program: Program,
    ranges: tuple[Spans, Spans],
    program_start: int,
    first_range: int,
) -> bytes:
    air = rule.air
    low, high = _allowed_log_heights(key, rule)
    domains = {constraint.domain for constraint in air.constraints}
    flags = (
        rule.is_optional | (Domain.FIRST_ROW in domains) << 1 | (Domain.LAST_ROW in domains) << 2
    )
    return struct.pack(
        ">HHHHHBBHBBBHII5x",
        air.preprocessed_width,
        air.main_width,
        lookup_layout(air).column_count,
        len(air.next_preprocessed),
        len(air.next_main),
        len(ranges[0]),
        len(ranges[1]),
        first_range,
        flags,
        low,
        high,
        program.slot_count,
        program_start,
        len(program.code),
    )


def _allowed_log_heights(key: VerifyingKey, rule: ChipRule) -> tuple[int, int]:
    """Lowest and highest log-height of a chip that is present."""
    fixed = key.preprocessed_log_heights.get(rule.air.name)
    if fixed is not None:
        return fixed, fixed
    low, high = key.proof_parameters.min_log_height, key.proof_parameters.max_log_height
    return max(low, ABSENT + 1), min(high, rule.max_log_height or high)


def _ranges(air: Air) -> tuple[Spans, Spans]:
    return _spans(air.next_preprocessed), _spans(air.next_main)


def _spans(columns: Sequence[int]) -> Spans:
    """First and count of each run of consecutive columns."""
    runs = groupby(enumerate(columns), key=lambda item: item[1] - item[0])
    return tuple(
        (run[0], len(run)) for run in ([column for _, column in group] for _, group in runs)
    )


def _bus_counts(air: Air, buses: Sequence[str]) -> bytes:
    names = [interaction.bus.name for interaction in air.interactions]
    return struct.pack(f">{len(buses)}H", *(names.count(bus) for bus in buses))


def _row_limits(machine: Machine) -> list[bytes]:
    return [
        struct.pack(
            ">QQ",
            limit.rows,
            sum(1 << k for k, rule in enumerate(machine.chips) if rule.air.name in limit.chips),
        )
        for limit in machine.row_limits
    ]


# THE VERIFIER'S TERMS


def _terms(key: VerifyingKey) -> tuple[int, tuple[VerifierTerm, ...]]:
    """Return the bus of the public values, and the terms that the key fixes.

    Raises
    ------
    UnsupportedMachineError
        Public values enter in another way than the contract knows.
    """
    machine = key.machine
    if machine.max_public_values < PUBLIC_WORDS:
        raise UnsupportedMachineError(f"{machine.name} has no {PUBLIC_WORDS} public values")
    fixed = tuple(machine.verifier_terms(key.parameters, ()))
    bus = machine.verifier_terms(key.parameters, _SAMPLES[0])[-1].bus
    for words in _SAMPLES:
        expected = fixed + tuple(
            VerifierTerm(bus, (index, word & 0xFFFF, word >> 16), -1)
            for index, word in enumerate(words)
        )
        if tuple(machine.verifier_terms(key.parameters, words)) != expected:
            raise UnsupportedMachineError(f"{machine.name} takes public values in another way")
    return bus.identifier, fixed


def _term(term: VerifierTerm) -> bytes:
    values = [value % P for value in term.values]
    head = (term.bus.identifier, term.multiplicity % P, len(values))
    return struct.pack(f">{3 + len(values)}I", *head, *values)
