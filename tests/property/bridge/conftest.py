"""Makes the world of the bridge's unit tests importable here too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "bridge"))
sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
