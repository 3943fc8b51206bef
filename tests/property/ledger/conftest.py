"""Makes the helpers of the ledger's unit tests importable here too; the same examples each run."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "ledger"))

settings.register_profile("deterministic", derandomize=True, print_blob=True)
settings.load_profile("deterministic")
