"""Tests that share one running network: a package, so that they can share its fixture."""
