"""The proving key: the verifying key, and what a prover computes once for all its proofs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jax import Array

from proving.air.chip import Air
from proving.air.evaluate_jax import ChipEvaluator
from proving.commitment.merkle import MerkleTree, commit
from proving.errors import ShapeOutOfBounds
from proving.field.ntt import low_degree_extend
from proving.parameters import Parameters
from proving.stark.columns import on_device
from proving.stark.keys import VerifyingKey
from proving.stark.machine import Machine

CanonicalColumns = npt.NDArray[np.uint32]
"""Shape (columns, rows), values below P."""


@dataclass(frozen=True, slots=True, eq=False)
class ProvingKey:
    """What proofs for one program need.

    Attributes
    ----------
    evaluators
        Compiled programs of each chip, by name.
    preprocessed
        Preprocessed columns of each chip that has some, by name: (columns, rows), Montgomery form.
    preprocessed_tree
        The commitment to their extensions; None if no chip has preprocessed columns.
    """

    verifying_key: VerifyingKey
    evaluators: Mapping[str, ChipEvaluator]
    preprocessed: Mapping[str, Array]
    preprocessed_tree: MerkleTree | None


def setup(
    machine: Machine,
    preprocessed: Mapping[str, CanonicalColumns],
    parameters: Mapping[str, int],
    proof_parameters: Parameters,
) -> ProvingKey:
    """Commit to a program: to the preprocessed columns and the numbers that its chips refer to.

    Raises
    ------
    ShapeOutOfBounds
        If preprocessed columns are missing or have another width than their chip's.
    UnusableParameters
        If a height or a parameter is out of bounds.
    """
    names = []
    for rule in machine.chips:
        width = rule.air.preprocessed_width
        got = preprocessed[rule.air.name].shape[0] if rule.air.name in preprocessed else 0
        if got != width:
            raise ShapeOutOfBounds(f"preprocessed columns of {rule.air.name}", str(width), got)
        if width:
            names.append(rule.air.name)

    columns = {name: on_device(name, preprocessed[name]) for name in names}
    extended = [low_degree_extend(columns[n], proof_parameters.log_blowup) for n in names]
    tree = commit(extended) if extended else None
    key = VerifyingKey(
        machine=machine,
        proof_parameters=proof_parameters,
        parameters=parameters,
        preprocessed_log_heights={n: columns[n].shape[1].bit_length() - 1 for n in names},
        preprocessed_root=tree.root if tree else None,
    )
    evaluators = {rule.air.name: _evaluator_of(rule.air) for rule in machine.chips}
    return ProvingKey(key, evaluators, columns, tree)


_evaluators: dict[int, ChipEvaluator] = {}


def _evaluator_of(air: Air) -> ChipEvaluator:
    """Return the chip's programs; all keys of a process share them, for tracing takes seconds.

    Known by the identity of the chip, which its evaluator keeps alive.
    """
    if id(air) not in _evaluators:
        _evaluators[id(air)] = ChipEvaluator(air)
    return _evaluators[id(air)]
