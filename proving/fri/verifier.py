"""FRI: are the committed functions close to polynomials of low degree?

Setting
-------
For some sizes N = 2^k, a function F_N on the subgroup of order N is claimed to be a polynomial of
degree < N / 2^log_blowup. Nobody sends F_N: the verifier can compute any of its values from what
is committed elsewhere (the *reduced openings*). Point i of a domain is ω_N^i; the points that fold
together are i, i + N/2 and so on, and lead to point i mod N/2 of the half domain.

Before FRI starts, the transcript has observed the parameters, the sizes and all commitments that
determine each F_N.

Protocol
--------
1.  The layers follow from sizes and parameters (`schedule`). The first layer is F_N of the largest
    size. For each layer L on a domain of size N that folds by `arity`:
    a.  the prover sends the root of a Merkle tree whose leaf i has the `arity` values
        L(i), L(i + N/arity), L(i + 2N/arity), …;
    b.  the verifier sends β;
    c.  with L(X) = Σ Xʲ·Lⱼ(X^arity) the next layer is Σ βʲ·Lⱼ, on a domain of size N/arity;
        if that size is present, β^arity · F_{N/arity} is added. As β comes after the root, and
        F_{N/arity} was fixed long before, it cannot be chosen to cancel anything.
2.  The prover sends the coefficients of the last layer. There are exactly 2^log_final_length of
    them: their number is the degree check.
3.  The prover sends a nonce with its proof of work.
4.  The verifier draws query indices in the largest domain. For each index the prover opens one
    leaf per layer, and the verifier checks that
    a.  the first layer's value is the reduced opening of the largest size;
    b.  each next layer's value is the fold of the leaf above it, plus what rolls in;
    c.  the final polynomial has the value of the last fold.

`begin` is steps 1 to 3 and returns what step 4 needs; `check_query` is one query of step 4. A
caller that computes reduced openings from other openings of the proof takes the indices from
between; `verify` is both together.

Everything that comes from the proof is checked for its shape before it is used, and the shape
never comes from the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proving.commitment.errors import OpeningRejected
from proving.commitment.opening import Opening
from proving.commitment.verify import verify_opening
from proving.errors import FinalPolynomialMismatch, FoldMismatch, OpeningMismatch, WrongLength
from proving.field.extension import DEGREE, Extension
from proving.field.koalabear import P, inverse, root_of_unity
from proving.fri.proof import FriProof
from proving.fri.schedule import FoldStep, final_log_size, fold_schedule
from proving.parameters import Parameters
from proving.transcript import DIGEST_BYTES, Transcript

HALF: Final = inverse(2)


@dataclass(frozen=True, slots=True)
class FriChallenges:
    """What the verifier drew, and the layers it drew it for.

    Attributes
    ----------
    log_size, log_final_size
        log2 of the sizes of the largest domain and of the final polynomial's.
    steps, betas
        The layers and the challenge that each is folded with.
    indices
        Query indices in the largest domain.
    """

    log_size: int
    log_final_size: int
    steps: tuple[FoldStep, ...]
    betas: tuple[Extension, ...]
    indices: tuple[int, ...]


def begin(
    parameters: Parameters, transcript: Transcript, log_sizes: Sequence[int], proof: FriProof
) -> FriChallenges:
    """Follow the proof up to the query indices.

    Parameters
    ----------
    log_sizes
        log2 of the sizes that are present, distinct; known to the verifier, not from the proof.

    Raises
    ------
    ProofRejected
        If the proof has another shape than its sizes demand, or lacks its proof of work.
    ShapeOutOfBounds
        If the caller's sizes are not distinct or not within the parameters.
    """
    steps = fold_schedule(log_sizes, parameters)
    _check_shape(parameters, steps, proof)
    betas = []
    for root in proof.layer_roots:
        transcript.observe("FRI layer root", root)
        betas.append(transcript.sample_extension("FRI fold"))
    transcript.observe_extension("FRI final polynomial", proof.final_polynomial)
    transcript.check_grinding("FRI queries", parameters.query_grinding_bits, proof.nonce)
    log_size = max(log_sizes)
    return FriChallenges(
        log_size=log_size,
        log_final_size=final_log_size(parameters),
        steps=steps,
        betas=tuple(betas),
        indices=sample_indices(parameters, transcript, log_size),
    )


def check_query(
    challenges: FriChallenges,
    proof: FriProof,
    number: int,
    reduced_openings: Mapping[int, Extension],
) -> None:
    """Follow one query from the reduced openings down to the final polynomial.

    Parameters
    ----------
    number
        Which of `challenges.indices` is asked for.
    reduced_openings
        For each log2 size present, the value of F_N at point (index mod N).

    Raises
    ------
    ProofRejected
        If an opening is false, or a layer is not the fold of the one above it.
    """
    index = challenges.indices[number]
    value = reduced_openings[challenges.log_size]
    for layer, (step, beta, root, opening) in enumerate(
        zip(
            challenges.steps,
            challenges.betas,
            proof.layer_roots,
            proof.queries[number],
            strict=True,
        )
    ):
        position, leaf = divmod(index, 1 << step.log_folded_size)
        place = f"query {number}, layer {layer}"
        values = _open_coset(place, root, step, leaf, opening)
        if values[position] != value:
            raise FoldMismatch(place, value, values[position])
        inverse_point = pow(root_of_unity(step.log_size), -leaf, P)
        value = fold(values, inverse_point, beta)
        if step.rolls_in:
            value += beta**step.arity * reduced_openings[step.log_folded_size]
        index = leaf
    point = pow(root_of_unity(challenges.log_final_size), index, P)
    final_value = evaluate(proof.final_polynomial, point)
    if final_value != value:
        raise FinalPolynomialMismatch(f"query {number}", value, final_value)


def verify(
    parameters: Parameters,
    transcript: Transcript,
    log_sizes: Sequence[int],
    proof: FriProof,
    reduced_openings: Callable[[int], Mapping[int, Extension]],
) -> None:
    """Check a whole proof; `reduced_openings` gives the values for an index in the largest domain.

    Raises
    ------
    ProofRejected
        If the proof is malformed or false.
    """
    challenges = begin(parameters, transcript, log_sizes, proof)
    for number, index in enumerate(challenges.indices):
        check_query(challenges, proof, number, reduced_openings(index))


def fold(values: Sequence[Extension], inverse_point: int, beta: Extension) -> Extension:
    """Fold the values of one coset into one.

    Parameters
    ----------
    values
        Of a function at x, xζ, xζ², … for the root of unity ζ whose order is their number.
    inverse_point
        1/x.
    """
    while len(values) > 1:
        half = len(values) // 2
        inverse_root = inverse(root_of_unity(half.bit_length()))
        inverse_points = [inverse_point * pow(inverse_root, j, P) % P for j in range(half)]
        values = [
            (value + opposite + (value - opposite) * inverse_points[j] * beta) * HALF
            for j, (value, opposite) in enumerate(zip(values[:half], values[half:], strict=True))
        ]
        inverse_point = inverse_point * inverse_point % P
        beta = beta * beta
    return values[0]


def evaluate(coefficients: Sequence[Extension], point: int) -> Extension:
    """Return the value of a polynomial, coefficients lowest first, at a base-field point."""
    value = Extension.from_base(0)
    for coefficient in reversed(coefficients):
        value = value * point + coefficient
    return value


def sample_indices(
    parameters: Parameters, transcript: Transcript, log_size: int
) -> tuple[int, ...]:
    """Draw the query indices, with repetition."""
    return tuple(
        transcript.sample_index("FRI query", log_size) for _ in range(parameters.query_count)
    )


def _check_shape(parameters: Parameters, steps: Sequence[FoldStep], proof: FriProof) -> None:
    _check_length("FRI layer roots", len(steps), proof.layer_roots)
    for root in proof.layer_roots:
        _check_length("bytes of a FRI layer root", DIGEST_BYTES, root)
    _check_length(
        "FRI final polynomial's coefficients", parameters.final_length, proof.final_polynomial
    )
    _check_length("FRI queries", parameters.query_count, proof.queries)
    for openings in proof.queries:
        _check_length("openings of a FRI query", len(steps), openings)


def _check_length(what: str, expected: int, got: Sequence[object]) -> None:
    if len(got) != expected:
        raise WrongLength(what, expected, len(got))


def _open_coset(
    place: str, root: bytes, step: FoldStep, leaf: int, opening: Opening
) -> list[Extension]:
    """Check the opening of a leaf and return the values of its coset."""
    width = DEGREE * step.arity
    try:
        verify_opening(root, [(width, step.log_folded_size)], leaf, opening)
    except OpeningRejected as rejection:
        what = f"{rejection.subject} of {place}"
        raise OpeningMismatch(what, rejection.expected, rejection.got) from rejection
    (row,) = opening.rows
    return [Extension(row[start : start + DEGREE]) for start in range(0, width, DEGREE)]
