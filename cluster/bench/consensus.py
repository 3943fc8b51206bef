"""``braid bench consensus``: soft and final confirmation of an idle network."""

import time
from typing import Final

from actors.validator.latency import percentile
from cluster.bench.figures import Limit, print_figures
from cluster.output import rounded, say_progress
from cluster.session import temporary_network

LIMITS: Final = {"soft_ms_p50": Limit(40, True), "final_ms_p50": Limit(60, True)}
SETTLE_SECONDS: Final = 3.0


def run(validators: int, seconds: float, as_json: bool) -> None:
    """Measure on a fresh network.

    Soft: from the moment a proposal leaves its leader to its notarization there;
    final: to its finalization there. Idle: blocks carry no transactions.
    """
    with temporary_network(validators, say_progress) as session:
        time.sleep(SETTLE_SECONDS)
        session.ask_all("clear_latencies")
        first_height, began = session.ask_all("ledger_height")[0], time.monotonic()
        say_progress(f"measuring for {seconds:.0f} s")
        time.sleep(seconds)
        last_height, took = session.ask_all("ledger_height")[0], time.monotonic() - began
        samples = session.latency_samples()
    figures = {
        "validators": validators,
        "seconds": rounded(took),
        "soft_ms_p50": rounded(percentile(samples["soft"], 0.5)),
        "final_ms_p50": rounded(percentile(samples["final"], 0.5)),
        "final_ms_p99": rounded(percentile(samples["final"], 0.99)),
        "blocks_per_second": rounded((last_height - first_height) / took),
    }
    print_figures("Consensus, idle", figures, LIMITS, as_json)
