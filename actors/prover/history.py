"""A node's final ZK-chain blocks with the checkpoint certificates that they consume."""

from __future__ import annotations

from types import TracebackType

from actors.config import NodeConfig
from actors.executor.chain_store import ChainStore
from actors.executor.export import block_inputs
from actors.prover.errors import HistoryIncomplete
from actors.validator.archive import Archive
from execution.block_data import BatchBlock
from execution.genesis import chain_spec
from execution.types import ChainSpec, Hash32
from ledger.codec import encode
from ledger.crossing import CheckpointCertificate
from ledger.genesis import Genesis
from ledger.hashing import keccak
from ledger.types import ChainRole, Height
from ledger.validators import ValidatorSet
from storage.store import Store


class ChainHistory:
    """The final ZK chain of one node; open beside the running node, which may write on.

    It shows what was final when it was opened.
    """

    def __init__(self, config: NodeConfig, genesis: Genesis) -> None:
        self.spec: ChainSpec = chain_spec(genesis, ChainRole.ZK)
        self.l1_chain_id = genesis.l1.chain_id
        self._fast_chain_id = chain_spec(genesis, ChainRole.FAST).chain_id
        self._blocks = ChainStore(
            Store(config.chain_directory(ChainRole.ZK), is_read_only=True), self.spec.chain_id
        )
        self._ledger_store = Store(config.ledger_directory, is_read_only=True)
        self._ledger = Archive(self._ledger_store, genesis, ValidatorSet(genesis))

    def __enter__(self) -> ChainHistory:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def last_number(self) -> int:
        """Number of the newest final block; 0 before the first."""
        progress = self._blocks.progress()
        return 0 if progress is None else progress.number

    def batch_blocks(self, first: int, last: int) -> list[BatchBlock]:
        """Blocks `first` to `last` as a batch holds them.

        Raises
        ------
        HistoryIncomplete
            The node has not finalized that many blocks.
        """
        if not 1 <= first <= last <= self.last_number:
            raise HistoryIncomplete(
                f"expected blocks of 1..{self.last_number}, got {first}..{last}"
            )
        return [
            BatchBlock(block, self._certificates_of(block.number))
            for block in block_inputs(self._blocks, first, last, self.l1_chain_id)
        ]

    def block_hash(self, number: int) -> bytes:
        """Hash of a final block.

        Raises
        ------
        HistoryIncomplete
            The node has not finalized it.
        """
        block = self._blocks.block(number)
        if block is None:
            raise HistoryIncomplete(f"block {number} is missing")
        return block.block_hash

    def gas_used(self, number: int) -> int:
        """Gas of the users' transactions of a final block.

        Raises
        ------
        HistoryIncomplete
            The node has not finalized it.
        """
        block = self._blocks.block(number)
        if block is None:
            raise HistoryIncomplete(f"block {number} is missing")
        return block.gas_used

    def certificate_of(self, number: int) -> CheckpointCertificate | None:
        """Certificate of the checkpoint of a block, if the final ledger holds one by now."""
        certified = self._ledger.checkpoint(ChainRole.ZK, number)
        return None if certified is None else certified.certificate

    def close(self) -> None:
        """Close both stores."""
        self._blocks.close()
        self._ledger_store.close()

    def _certificates_of(self, number: int) -> tuple[Hash32, ...]:
        """Hashes of the fast chain's certificates ordered since the ZK block before this one."""
        heights = range(self._ledger_height(number - 1) + 1, self._ledger_height(number) + 1)
        hashes = []
        for height in heights:
            sealed = self._ledger.block(Height(height))
            if sealed is None:
                raise HistoryIncomplete(f"ledger block {height} is missing")
            hashes += [
                Hash32(keccak(encode(certified.certificate)))
                for certified in sealed.body.checkpoints
                if certified.certificate.checkpoint.chain_id == self._fast_chain_id
            ]
        return tuple(hashes)

    def _ledger_height(self, number: int) -> int:
        if number == 0:
            return 0
        block = self._blocks.block(number)
        if block is None or block.ledger is None:
            raise HistoryIncomplete(f"block {number} is missing")
        return block.ledger.height
