"""Chaos: faults put on a real network, and what has to hold all the same.

A scenario is a :class:`~cluster.chaos.scenario.Scenario`: data, and a function that is given an
:class:`~cluster.chaos.arena.Arena` on a running network of its own (real Ray, real libp2p). The
function injects its faults, waits for what it promises, and gives what was lost; it raises
:class:`~cluster.chaos.errors.InvariantBroken` where a promise does not hold. What every scenario
promises is checked by the runner afterwards: see ``invariants.py``.

To add one: a module under ``scenarios/`` with a tuple ``SCENARIOS``; or a file of your own with
the same tuple, and ``braid chaos run NAME --scenarios FILE.py``.
"""
