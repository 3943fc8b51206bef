"""`python -m tests.soundness [--full]`: attacks the real machine and prints what was rejected."""

import sys
from time import perf_counter

from tests.soundness.cells import cell_tallies
from tests.soundness.hostile_bytes import hostile_tallies
from tests.soundness.proofs import proof_tallies, statement_tallies
from tests.soundness.provers import cell_proof_tallies, forged_run_tallies
from tests.soundness.worlds import SMALL
from tests.support.proof_mutations import Tally, table

PROGRAMS = ["long_arithmetic", "keccak-f of zeros", "modular_power", "scalar_multiplication"]
"""Attacked with `--full`; together they use every chip."""
PER_KIND = 3


def main() -> int:
    """Print the table; 1 if anything was accepted."""
    started = perf_counter()
    rows: list[Tally] = []

    def show(title: str, own: list[Tally]) -> None:
        sys.stdout.write(f"{title}\n{table(own)}\n\n")
        sys.stdout.flush()
        rows.extend(own)

    names = [SMALL, *(PROGRAMS if "--full" in sys.argv else [])]
    show("every column of every chip", cell_tallies())
    show("bytes from anywhere", hostile_tallies(SMALL))
    for name in names:
        show(f"proof of '{name}'", proof_tallies(name, PER_KIND))
    if "--full" in sys.argv:
        show("proofs for other statements", statement_tallies(names))
        show("proofs of forged runs", forged_run_tallies())
        show("proofs over changed cells", cell_proof_tallies(names))
    tried, rejected = sum(row.tried for row in rows), sum(row.rejected for row in rows)
    seconds = perf_counter() - started
    sys.stdout.write(f"tried {tried}, rejected {rejected}, {seconds:.0f} s\n")
    return int(tried != rejected)


if __name__ == "__main__":
    sys.exit(main())
