"""The verifier: is there a filling of the machine's tables that satisfies all constraints?

Protocol
--------
The verifying key fixes the machine, its parameters, the preprocessed tables and the parameters of
the proof system. `transcript_order` says what is bound when.

1.  The prover says how high each chip's table is. Everything else about the proof's shape follows,
    and heights outside of their bounds are refused before anything is computed.
2.  It commits to the tables' columns, extended to a coset of larger size; the verifier draws γ, β.
3.  It commits to the lookup columns and claims each table's sum S (`air.logup`). The buses balance
    if all S, and the fractions of the verifier's own terms, add up to zero. The terms tie the buses
    to the statement: where execution starts, which public values are committed. The verifier
    draws α.
4.  It commits to each table's quotient, split into two chunks; the verifier draws z.
5.  It opens all columns at z, and at g·z those that are read in the next row. With these the
    verifier checks every table's constraints (`constraint_check`) and draws λ.
6.  FRI shows that the functions that batch all claims are polynomials of low degree
    (`reduced_openings`, `fri.verifier`), so the opened values are those of the committed columns.

Nothing here imports an array library; integers and `Extension` suffice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from proving.air.logup import LookupChallenges, fingerprint
from proving.commitment.errors import OpeningRejected
from proving.commitment.verify import verify_opening
from proving.errors import OpeningMismatch, UnbalancedBuses
from proving.field.extension import ZERO
from proving.fri import verifier as fri
from proving.stark import transcript_order as order
from proving.stark.codec import decode
from proving.stark.constraint_check import ConstraintChallenges, check_constraints
from proving.stark.instance import VERIFIER_TERM_LIMIT, Instance, Tree
from proving.stark.keys import VerifyingKey
from proving.stark.proof import OpenedValues, Proof
from proving.stark.reduced_openings import ReducedOpenings


def verify(key: VerifyingKey, encoded: bytes, public_values: Sequence[int]) -> None:
    """Check a proof of a statement.

    Parameters
    ----------
    encoded
        From anywhere; the work is bounded by the key.
    public_values
        The words that the statement is about.

    Raises
    ------
    ProofRejected
        If the proof does not show that the machine accepts with these public values.
    """
    instance, proof = decode(key, encoded)
    parameters = key.proof_parameters

    # CHALLENGES
    transcript = order.begin(instance, public_values)
    lookups = order.after_main(
        transcript,
        proof.main_root,
        parameters.lookup_grinding_bits,
        partial(transcript.check_grinding, nonce=proof.lookup_nonce),
    )
    alpha = order.after_lookups(transcript, proof.lookup_root, proof.sums)
    z = order.after_quotient(transcript, proof.quotient_root)
    batching = order.after_opened_values(
        transcript,
        proof.opened_values(),
        parameters.batching_grinding_bits,
        partial(transcript.check_grinding, nonce=proof.batching_nonce),
    )
    fri_challenges = fri.begin(parameters, transcript, instance.log_sizes, proof.fri)

    # BUSES AND CONSTRAINTS
    _check_buses(instance, proof, public_values, lookups)
    sums = dict(zip(instance.lookup_tables, proof.sums, strict=True))
    challenges = ConstraintChallenges(lookups, alpha, z)
    for number, table in enumerate(instance.tables):
        opened = _opened_by_tree(instance, proof, number)
        check_constraints(table, opened, sums.get(number, ZERO), challenges, key.parameters)

    # OPENED VALUES
    reduced_openings = ReducedOpenings(instance, proof.opened, z, batching)
    for number, index in enumerate(fri_challenges.indices):
        _check_openings(instance, proof, number, index)
        values = reduced_openings.at(index, proof.queries[number])
        fri.check_query(fri_challenges, proof.fri, number, values)


def _check_buses(
    instance: Instance, proof: Proof, public_values: Sequence[int], lookups: LookupChallenges
) -> None:
    """All claimed sums and the verifier's own fractions add up to zero."""
    key = instance.key
    terms = key.machine.verifier_terms(key.parameters, public_values)
    if len(terms) > VERIFIER_TERM_LIMIT:
        raise ValueError(f"{key.machine.name}: {len(terms)} verifier terms are too many")
    total = sum(proof.sums, start=ZERO)
    for term in terms:
        own = fingerprint(term.bus, term.values, lookups)
        if not own:
            raise UnbalancedBuses(f"fingerprint of a term on bus {term.bus.name}", "not zero", own)
        total = total + own.inverse() * term.multiplicity
    if total:
        raise UnbalancedBuses("sum over all tables", ZERO, total)


def _opened_by_tree(instance: Instance, proof: Proof, table: int) -> dict[Tree, OpenedValues]:
    return {
        matrix.tree: values
        for matrix, values in zip(instance.matrices, proof.opened, strict=True)
        if matrix.table == table
    }


def _check_openings(instance: Instance, proof: Proof, number: int, index: int) -> None:
    """The opened rows of one query are those committed to."""
    for tree, opening in zip(instance.trees, proof.queries[number], strict=True):
        dimensions = instance.dimensions_of(tree)
        height = 1 << max(log for _, log in dimensions)
        try:
            verify_opening(_root(instance, proof, tree), dimensions, index % height, opening)
        except OpeningRejected as reason:
            what = f"query {number}, {tree.name.lower()} tree: {reason.subject}"
            raise OpeningMismatch(what, reason.expected, reason.got) from reason


def _root(instance: Instance, proof: Proof, tree: Tree) -> bytes:
    return {
        Tree.PREPROCESSED: instance.key.preprocessed_root or b"",
        Tree.MAIN: proof.main_root,
        Tree.LOOKUP: proof.lookup_root,
        Tree.QUOTIENT: proof.quotient_root,
    }[tree]
