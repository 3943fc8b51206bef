"""The executor of one chain: engine, unfinal blocks in memory, final ones on disk, reads.

``core.py`` is the executor without Ray; ``actor.py`` is the Ray shell around it.
"""
