"""Contents and trace of `proving.chips.image_table`."""

from __future__ import annotations

import numpy as np

from proving.chips.image_table import IMAGE_TABLE
from proving.machine import records as field
from proving.machine.layout import INPUT_START_WORD
from proving.machine.program import Image
from proving.traces.columns import Matrix, limbs, matrix_of, padded_height


def preprocessed(image: Image) -> Matrix:
    """The columns is_real, word_address and initial (two limbs).

    Raises
    ------
    ValueError
        If addresses do not ascend strictly or reach the input region: an address with two first
        values would let the prover choose between them.
    """
    addresses = image.word_addresses.astype(np.int64)
    is_ascending = bool((np.diff(addresses) > 0).all())
    if not is_ascending or image.end_word > INPUT_START_WORD:
        raise ValueError("the image's word addresses must ascend strictly, within RAM")
    matrix = np.zeros((4, padded_height(len(image))), np.uint32)
    matrix[0, : len(image)] = 1
    matrix[1, : len(image)] = image.word_addresses
    matrix[2:, : len(image)] = limbs(image.values)
    return matrix


def trace(image_final: Matrix) -> Matrix:
    """Last value and timestamp of each word, padded.

    Parameters
    ----------
    image_final
        Shape (image words, FINAL_FIELD_COUNT).
    """
    return matrix_of(
        IMAGE_TABLE,
        {
            "final": limbs(image_final[:, field.FINAL_VALUE]),
            "final_timestamp": image_final[:, field.FINAL_TIMESTAMP],
        },
    )
