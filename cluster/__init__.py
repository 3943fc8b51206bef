"""Configuration, development genesis, launcher, command line, demo and benchmarks."""
