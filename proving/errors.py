"""Errors of the proving package.

ProvingError
├── ParameterError              the caller asked for parameters that cannot be used
│   ├── UnknownParameters       no parameter set of this name
│   └── UnusableParameters      a field of the set breaks its bound
├── ShapeOutOfBounds            an instance larger or smaller than the parameters allow
└── ProofRejected               a proof that does not show its statement
    ├── MalformedProof          not a proof of the asked shape: refused before any arithmetic
    │   ├── WrongLength         a list, row or byte string of another length
    │   ├── OutOfRange          an integer outside its bounds
    │   └── NonCanonicalElement a field element that is not below the modulus
    └── InvalidProof            well formed, but false
        ├── GrindingFailed      a nonce without the proof of work
        ├── OpeningMismatch     a Merkle path that does not lead to its root
        ├── FoldMismatch        a FRI layer that is not the fold of the one above it
        ├── FinalPolynomialMismatch
        ├── ConstraintMismatch  a chip's quotient does not match its constraints
        ├── UnbalancedBuses     what chips send is not what they receive
        └── StatementMismatch   a proof for another program, parameter set or statement

`ProofRejected` is all that a verifier raises for a proof, however hostile; anything else is a
fault of the caller or of this package. `expected` and `got` say what was asked and what was found.
"""

from __future__ import annotations


class ProvingError(Exception):
    """Base of everything that this package raises on purpose."""


class ParameterError(ProvingError):
    """The caller asked for parameters that cannot be used."""


class UnknownParameters(ParameterError):
    """No parameter set of this name is registered."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no parameter set {name!r}; known are {', '.join(known)}")
        self.expected = known
        self.got = name


class UnusableParameters(ParameterError):
    """A field of a parameter set breaks its bound."""

    def __init__(self, field: str, expected: str, got: int) -> None:
        super().__init__(f"{field}: expected {expected}, got {got}")
        self.expected = expected
        self.got = got


class ShapeOutOfBounds(ProvingError):
    """An instance larger or smaller than the parameters allow."""

    def __init__(self, what: str, expected: str, got: object) -> None:
        super().__init__(f"{what}: expected {expected}, got {got}")
        self.expected = expected
        self.got = got


class ProofRejected(ProvingError):
    """A proof does not show its statement.

    Parameters
    ----------
    what
        The part of the proof, in words.
    expected, got
        What was asked for and what was found; kept as attributes of the same names.
    """

    def __init__(self, what: str, expected: object, got: object) -> None:
        super().__init__(f"{what}: expected {expected}, got {got}")
        self.what = what
        self.expected = expected
        self.got = got


class MalformedProof(ProofRejected):
    """Not a proof of the asked shape: refused before any arithmetic."""


class WrongLength(MalformedProof):
    """A list, a row or a byte string has another length than the statement asks for."""


class OutOfRange(MalformedProof):
    """An integer lies outside its bounds."""


class NonCanonicalElement(MalformedProof):
    """A field element is not below the modulus."""


class InvalidProof(ProofRejected):
    """Well formed, but false."""


class GrindingFailed(InvalidProof):
    """A nonce does not carry its proof of work."""


class OpeningMismatch(InvalidProof):
    """A Merkle path does not lead to its root."""


class FoldMismatch(InvalidProof):
    """A FRI layer is not the fold of the layer above it."""


class FinalPolynomialMismatch(InvalidProof):
    """The final polynomial does not continue the last layer."""


class ConstraintMismatch(InvalidProof):
    """A chip's quotient does not match its constraints."""


class UnbalancedBuses(InvalidProof):
    """What the chips send is not what they receive."""


class StatementMismatch(InvalidProof):
    """A proof for another program, another parameter set or another statement."""
