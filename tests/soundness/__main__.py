"""`python -m tests.soundness [--quick]`: attacks the real machine and prints what was rejected."""

import sys

from tests.soundness.attacks import cell_tallies, proof_tallies, prover_tallies
from tests.support.proof_mutations import Tally, table

PROGRAMS = ["sha256 of nothing", "scalar_multiplication", "keccak256"]
PER_KIND = 3


def main() -> int:
    """Print the table; 1 if anything was accepted."""
    rows: list[Tally] = cell_tallies()
    sys.stdout.write(table(rows) + "\n\n")
    if "--quick" not in sys.argv:
        for name in PROGRAMS:
            own = proof_tallies(name, PER_KIND)
            sys.stdout.write(f"{name}\n{table(own)}\n\n")
            rows += own
        own = prover_tallies(PROGRAMS)
        sys.stdout.write(table(own) + "\n\n")
        rows += own
    tried, rejected = sum(row.tried for row in rows), sum(row.rejected for row in rows)
    sys.stdout.write(f"tried {tried}, rejected {rejected}\n")
    return int(tried != rejected)


if __name__ == "__main__":
    sys.exit(main())
