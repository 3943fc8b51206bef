"""Errors of chaos.

ClusterError
└── ChaosError
    ├── UnknownScenario     no scenario has that name
    ├── BadScenarioFile     a file of scenarios cannot be used
    ├── InvariantBroken     what a scenario promises does not hold
    └── NotPossibleHere     this machine does not let the fault be injected
"""

from cluster.errors import ClusterError


class ChaosError(ClusterError):
    """Base of everything that chaos raises."""


class UnknownScenario(ChaosError):
    """No scenario has that name."""


class BadScenarioFile(ChaosError):
    """A file of scenarios cannot be used."""


class InvariantBroken(ChaosError):
    """What a scenario promises does not hold: a bug in the product, or in the scenario."""


class NotPossibleHere(ChaosError):
    """This machine does not let the fault be injected; the scenario is skipped."""
