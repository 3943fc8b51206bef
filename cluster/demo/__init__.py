"""The demo: one game, played across both chains, whose cap holds against a forged report."""

from cluster.demo.run import run_demo

__all__ = ["run_demo"]
