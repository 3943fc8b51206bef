"""The schedule meets every height, never folds by too much, and depends on the heights alone."""

from dataclasses import replace

import pytest

from proving.errors import ShapeOutOfBounds
from proving.fri.schedule import FoldStep, final_log_size, fold_schedule
from proving.parameters import FAST, KNOWN_PARAMETERS, SETTLEMENT, Parameters

HEIGHTS = [(22,), (6,), (20, 17, 16), (20, 19, 18), (22, 7), (12, 9, 6), (10, 7, 9)]


def test_the_example_of_the_module_holds() -> None:
    assert fold_schedule([17, 20, 16], FAST) == (
        FoldStep(20, 3, rolls_in=True),
        FoldStep(17, 1, rolls_in=True),
        FoldStep(16, 3, rolls_in=False),
        FoldStep(13, 3, rolls_in=False),
        FoldStep(10, 3, rolls_in=False),
        FoldStep(7, 1, rolls_in=False),
    )


@pytest.mark.parametrize("log_sizes", HEIGHTS)
def test_the_layers_lead_from_the_largest_size_to_the_final_domain(
    log_sizes: tuple[int, ...],
) -> None:
    steps = fold_schedule(log_sizes, FAST)
    sizes = [max(log_sizes), *(step.log_folded_size for step in steps)]
    assert [step.log_size for step in steps] == sizes[:-1]
    assert sizes[-1] == final_log_size(FAST)


@pytest.mark.parametrize("log_sizes", HEIGHTS)
def test_every_smaller_size_rolls_in_exactly_once(log_sizes: tuple[int, ...]) -> None:
    steps = fold_schedule(log_sizes, FAST)
    rolled_in = [step.log_folded_size for step in steps if step.rolls_in]
    assert rolled_in == sorted(set(log_sizes) - {max(log_sizes)}, reverse=True)


@pytest.mark.parametrize("parameters", [FAST, SETTLEMENT, replace(FAST, max_log_arity=1)])
@pytest.mark.parametrize("log_sizes", [(20, 17, 16), (16,), (16, 9, 10)])
def test_no_layer_folds_by_more_than_the_parameters_allow(
    parameters: Parameters, log_sizes: tuple[int, ...]
) -> None:
    arities = [step.log_arity for step in fold_schedule(log_sizes, parameters)]
    assert all(1 <= arity <= parameters.max_log_arity for arity in arities)


def test_the_order_of_the_sizes_does_not_matter() -> None:
    assert fold_schedule([16, 20, 17], FAST) == fold_schedule([20, 17, 16], FAST)


@pytest.mark.parametrize("parameters", KNOWN_PARAMETERS.values())
def test_the_smallest_trace_has_no_layers(parameters: Parameters) -> None:
    assert fold_schedule([final_log_size(parameters)], parameters) == ()


@pytest.mark.parametrize("log_sizes", [(), (10, 10), (5,), (24,), (10, 5), (-1,)])
def test_sizes_that_the_parameters_do_not_allow_are_refused(log_sizes: tuple[int, ...]) -> None:
    with pytest.raises(ShapeOutOfBounds):
        fold_schedule(log_sizes, FAST)
