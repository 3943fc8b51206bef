"""The validator's shell: consensus, payloads, mempools, execution feed, finality, catch-up.

``node.py`` wires the parts together; it knows neither Ray nor libp2p, so that
the same node runs inside a Ray actor, and in one process in tests.
"""
