"""Deterministic simulation of consensus: one seed, one run."""
