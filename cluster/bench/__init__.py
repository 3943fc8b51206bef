"""Benchmarks of the running product; each figure stands next to the limit that it has to reach."""
