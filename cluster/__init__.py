"""Configuration, development genesis, launcher, command line, demo and benchmarks.

Importing this package sets how this process talks to a Ray: Ray reads these
variables once, when it is imported itself, so they have to be there before.
"""

import os

os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
