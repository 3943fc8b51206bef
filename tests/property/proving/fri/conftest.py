"""Makes the helpers of FRI's unit tests importable here too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "unit" / "proving" / "fri"))
