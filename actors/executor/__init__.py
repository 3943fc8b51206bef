"""The executor of one chain: engine, unfinal blocks in memory, final ones on disk, reads.

``core.py`` is the executor without Ray; the actor class is in ``actors/actor_classes.py``.
"""
