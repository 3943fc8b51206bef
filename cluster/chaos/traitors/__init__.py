"""Validators that break the protocol on the real stack, each in one named way.

A traitor is a running validator like all others, with real disks and real libp2p, whose words
pass through a :class:`~cluster.chaos.traitors.base.Traitor` before they leave: see ``turning.py``.
Nothing in the product knows of it. All of them are also in the simulator (``tests/simulation``),
by the thousand and in virtual time; here each meets codecs, queues, streams and disks.
"""

from cluster.chaos.traitors.base import Traitor
from cluster.chaos.traitors.corrupter import Corrupter
from cluster.chaos.traitors.double_voter import DoubleVoter
from cluster.chaos.traitors.equivocator import Equivocator
from cluster.chaos.traitors.flooder import Flooder
from cluster.chaos.traitors.forger import Forger
from cluster.chaos.traitors.replayer import Replayer
from cluster.chaos.traitors.stuffer import Stuffer
from cluster.chaos.traitors.turning import arrest, turn
from cluster.chaos.traitors.withholder import Withholder

__all__ = [
    "Corrupter",
    "DoubleVoter",
    "Equivocator",
    "Flooder",
    "Forger",
    "Replayer",
    "Stuffer",
    "Traitor",
    "Withholder",
    "arrest",
    "turn",
]
