"""Validators that break the protocol, each in one named way."""

from collections.abc import Callable

from tests.simulation.adversaries.base import Byzantine
from tests.simulation.adversaries.conflicter import Conflicter
from tests.simulation.adversaries.corrupter import Corrupter
from tests.simulation.adversaries.equivocator import Equivocator
from tests.simulation.adversaries.forger import Forger
from tests.simulation.adversaries.impersonator import Impersonator
from tests.simulation.adversaries.nuller import Nuller
from tests.simulation.adversaries.outdated import Outdated
from tests.simulation.adversaries.silent import Silent
from tests.simulation.adversaries.twins import Twins
from tests.simulation.adversaries.withholder import Withholder
from tests.simulation.world import World

Adversary = Byzantine | Twins

ADVERSARIES: dict[str, Callable[[World, int], Adversary]] = {
    "conflicter": Conflicter,
    "corrupter": Corrupter,
    "equivocator": Equivocator,
    "forger": Forger,
    "impersonator": Impersonator,
    "nuller": Nuller,
    "outdated": Outdated,
    "silent": Silent,
    "twins": Twins,
    "withholder": Withholder,
}
