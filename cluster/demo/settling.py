"""Settlement of the demo's ZK chain: the batch is posted and, where that is wanted, proved."""

import time
from collections.abc import Callable
from typing import Any, Final

import ray

from cluster.demo.asset import AssetLife, WithdrawalProof
from cluster.errors import DemoFailed
from cluster.session import Session
from ledger.types import ChainRole
from settlement.pipeline.plan import Stage

POST_SECONDS: Final = 120.0
PROVE_SECONDS: Final = 3600.0
POLL_SECONDS: Final = 0.5
_BEFORE_COMMIT: Final = (Stage.POSTING, Stage.COMMITTING)

OnStage = Callable[[str], None]


class DemoSettlement:
    """The settling node of a demo's network."""

    def __init__(self, session: Session) -> None:
        self._session = session
        handles = session.nodes[0].settlement
        assert handles is not None, "the demo's network settles on L1"
        self._settlement = handles.settlement

    def deployment(self) -> dict[str, str]:
        """Addresses of the contracts on L1, once they are there."""

        def found() -> dict[str, str] | None:
            status = self.status()
            return status if status["rollup"] is not None and "account" in status else None

        addresses: dict[str, str] = self._wait("the contracts on L1", found, POST_SECONDS)
        return addresses

    def status(self) -> dict[str, Any]:
        """What the settlement actor says of itself."""
        answer: dict[str, Any] = ray.get(self._settlement.status.remote())
        return answer

    def post(self, zk_block: int) -> int:
        """Have the chain up to a block posted and committed; gives the block the batch ends in."""
        ray.get(self._settlement.settle_up_to.remote(zk_block))

        def committed() -> int | None:
            status = self.status()
            if status["proven_block"] >= zk_block:
                return int(status["proven_block"])
            for batch in status.get("batches", ()):
                if batch["last_block"] >= zk_block and batch["stage"] not in _BEFORE_COMMIT:
                    return int(batch["last_block"])
            return None

        return int(self._wait("the commitment of the batch", committed, POST_SECONDS))

    def wait_until_final(self, zk_block: int, on_stage: OnStage) -> float:
        """Wait until a block is final on L1; gives the seconds that its proofs took."""
        started = time.monotonic()
        proved_at: float | None = None

        def final() -> bool:
            nonlocal proved_at
            status = self.status()
            stages = {batch["stage"] for batch in status.get("batches", ())}
            for stage in sorted(stages):
                on_stage(stage)
            if proved_at is None and Stage.PROVING.value not in stages:
                proved_at = time.monotonic()
            return bool(status["proven_block"] >= zk_block)

        self._wait(f"block {zk_block} final on L1", final, PROVE_SECONDS)
        return (proved_at or time.monotonic()) - started

    def wait_until_tagged(self, zk_block: int) -> int:
        """The ZK chain's `finalized` tag as JSON-RPC tells it, once it has come so far."""
        zk = self._session.client(0, ChainRole.ZK)

        def tagged() -> int | None:
            number = int(zk.web3.eth.get_block("finalized")["number"])
            return number if number >= zk_block else None

        return int(self._wait(f"the finalized tag of block {zk_block}", tagged, POST_SECONDS))

    def figures(self) -> dict[str, Any]:
        """Batches and gas so far."""
        status = self.status()
        return {
            "batches_posted": status["batches_posted"],
            "batches_proven": status["batches_proven"],
            "l1_transactions": status["transactions_settled"],
            "l1_gas_total": status["gas_used"],
            "l1_gas_largest_tx": status["largest_gas_used"],
        }

    def _wait(self, what: str, look: Callable[[], Any], seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        problem: str | None = None
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            status = self.status()
            problem = status["problem"]
            if status["alarm"]:
                raise DemoFailed(f"settlement has stopped: {status['alarm']}")
            time.sleep(POLL_SECONDS)
        raise DemoFailed(f"{what} did not come in {seconds:.0f} s: {problem or 'no reason known'}")


def take_out_when_final(
    settlement: DemoSettlement,
    life: AssetLife,
    proofs: list[WithdrawalProof],
    last_block: int,
    on_stage: OnStage,
) -> dict[str, Any]:
    """Wait for the batch to be final, and take the asset out on L1."""
    proof_seconds = settlement.wait_until_final(last_block, on_stage)
    finalized = settlement.wait_until_tagged(last_block)
    is_out = life.take_out(proofs)
    return {
        "batch_status": "final",
        "proof_seconds": round(proof_seconds, 1),
        "withdrawal_ok": is_out,
        "zk_finalized_block": finalized,
        "zk_proven_block": last_block,
        **settlement.figures(),
    }
