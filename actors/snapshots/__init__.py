"""Snapshots: making them beside a running node, serving them, fetching and verifying them.

``shelf`` and ``builder`` make them, ``server`` serves them; ``state_sync`` fetches one into
``files``, ``verification`` judges it as a whole, ``installation`` puts it in the place of a
node's ledger. Why it may be believed: ``docs/adr/0010-state-sync.md``.
"""
