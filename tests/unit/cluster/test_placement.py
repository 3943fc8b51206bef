"""A node's machine is the one with its resource; one machine for all needs none."""

import pytest

from cluster.errors import NoMachine
from cluster.placement import resources_for


def machine(*resources: str, alive: bool = True) -> dict[str, object]:
    return {"Alive": alive, "Resources": {"CPU": 2.0} | dict.fromkeys(resources, 1.0)}


def test_every_actor_asks_for_a_share_of_its_machine_s_resource():
    machines = [machine(), machine("validator-0"), machine("validator-1")]
    (name, share) = next(iter(resources_for(1, machines).items()))
    assert name == "validator-1"
    assert 0 < 20 * share <= 1


def test_on_one_machine_that_is_meant_for_nobody_actors_ask_for_nothing():
    assert resources_for(3, [machine()]) == {}
    assert resources_for(3, [machine(), machine("validator-3", alive=False)]) == {}


@pytest.mark.parametrize(
    ("machines", "message"),
    [
        ([machine(), machine()], "none of this Ray's 2 machines has the resource validator-0"),
        ([machine("validator-1")], "there are validator-1"),
        ([machine("validator-0", alive=False), machine("validator-1")], "there are validator-1"),
        ([], "none of this Ray's 0 machines"),
    ],
)
def test_a_node_that_no_machine_is_meant_for_is_refused(machines, message):
    with pytest.raises(NoMachine, match=message):
        resources_for(0, machines)


def test_the_refusal_says_how_to_start_the_machine():
    with pytest.raises(NoMachine) as refused:
        resources_for(2, [machine(), machine()])
    assert """--resources='{"validator-2": 1}'""" in str(refused.value)
