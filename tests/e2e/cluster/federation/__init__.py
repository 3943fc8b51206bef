"""Tests that share one federation: a package, so that they can share its fixture."""
