"""Real validators on real libp2p, each in a network namespace: bridges part, packets are lost.

Needs Linux, root and iproute2, and the kernel's netem for what shapes packets; skipped elsewhere.
"""

import time

import pytest
from namespaces import Namespaces

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

STANDSTILL_SECONDS = 5.0
IN_FLIGHT_BLOCKS = 2


def test_three_of_four_go_on_and_the_fourth_catches_up(namespaces: Namespaces) -> None:
    namespaces.part(3)
    namespaces.wait_for_growth(40, 0, 1, 2)
    assert namespaces.heights[3] < min(namespaces.heights[:3])
    namespaces.heal()
    namespaces.wait_for_growth(10)


def test_two_halves_make_nothing_final_and_go_on_after_the_heal(namespaces: Namespaces) -> None:
    namespaces.part(2, 3)
    before = max(namespaces.heights)
    until = time.monotonic() + STANDSTILL_SECONDS
    namespaces.wait_until(lambda: time.monotonic() > until, "the time of the partition")
    assert max(namespaces.heights) <= before + IN_FLIGHT_BLOCKS
    namespaces.heal()
    namespaces.wait_for_growth(10)


def test_a_partition_that_moves_around_leaves_one_ledger(namespaces: Namespaces) -> None:
    for parted in range(4):
        namespaces.part(parted)
        namespaces.wait_for_growth(10, *(node for node in range(4) if node != parted))
        namespaces.heal()
        namespaces.wait_for_growth(3)


def test_delay_and_loss_of_packets_cost_time_only(namespaces: Namespaces) -> None:
    namespaces.shape("delay", "60ms", "20ms", "loss", "3%")
    namespaces.wait_for_growth(20)
    namespaces.part(1)
    namespaces.wait_for_growth(10, 0, 2, 3)
    namespaces.heal()
    namespaces.wait_for_growth(10)
