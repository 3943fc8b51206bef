"""Seeds that once failed, kept for ever: one a line in seeds.txt, with what was wrong."""

from pathlib import Path
from typing import Final

SEEDS_PATH: Final = Path(__file__).with_name("seeds.txt")


def kept_seeds() -> list[int]:
    """All seeds of the file."""
    lines = SEEDS_PATH.read_text(encoding="utf-8").splitlines()
    return [int(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


def keep_seed(seed: int, reason: str) -> None:
    """Add a seed, unless it is there already."""
    if seed in kept_seeds():
        return
    first_line = " ".join(reason.split())[:100]
    with SEEDS_PATH.open("a", encoding="utf-8") as file:
        file.write(f"{seed}  # {first_line}\n")
