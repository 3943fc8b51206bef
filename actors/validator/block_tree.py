"""The valid blocks that are not final yet, and the last final one as their root."""

from dataclasses import dataclass

from actors.validator.errors import UnknownParent
from bridge.rules import apply_block
from bridge.state import BridgeState
from bridge.work import ChainWork
from ledger.block import SealedBlock
from ledger.types import ChainRole, Digest, ValidatorIndex
from ledger.validators import ValidatorSet


@dataclass(frozen=True, slots=True)
class TreeBlock:
    """A valid block with the bridge state after it and the system work that it has to do.

    ``chain_parents`` maps each chain to the digest of its newest block up to this
    one (this block itself on its own chain), or that of the genesis.
    """

    sealed: SealedBlock
    state: BridgeState
    work: ChainWork
    chain_parent: Digest
    chain_heads: dict[ChainRole, Digest]

    @property
    def digest(self) -> Digest:
        """Digest of the block."""
        return self.sealed.digest

    @property
    def role(self) -> ChainRole:
        """Chain of the block."""
        return self.sealed.header.chain


class BlockTree:
    """Blocks by digest above a final root."""

    def __init__(
        self,
        validators: ValidatorSet,
        root: Digest,
        state: BridgeState,
        chain_heads: dict[ChainRole, Digest],
    ) -> None:
        self._validators = validators
        self._blocks: dict[Digest, TreeBlock] = {}
        self.root = root
        self.root_state = state
        self.root_chain_heads = chain_heads

    def __contains__(self, digest: Digest) -> bool:
        return digest == self.root or digest in self._blocks

    def __len__(self) -> int:
        return len(self._blocks)

    def get(self, digest: Digest) -> TreeBlock | None:
        """A block above the root."""
        return self._blocks.get(digest)

    def state_after(self, digest: Digest) -> BridgeState:
        """Bridge state after a block of the tree or the root.

        Raises
        ------
        UnknownParent
            If the tree does not hold it.
        """
        if digest == self.root:
            return self.root_state
        return self._require(digest).state

    def check(self, sealed: SealedBlock, leader: ValidatorIndex) -> TreeBlock:
        """Apply a block to its parent's state without adding it.

        Raises
        ------
        UnknownParent
            If its parent is not here.
        BlockRejected
            If it breaks a rule of the ledger.
        """
        parent = sealed.header.parent
        state, work = apply_block(self.state_after(parent), sealed, self._validators, leader)
        heads = self.root_chain_heads if parent == self.root else self._require(parent).chain_heads
        role = sealed.header.chain
        return TreeBlock(sealed, state, work, heads[role], heads | {role: sealed.digest})

    def add(self, block: TreeBlock) -> None:
        """Add a block that :meth:`check` made."""
        self._blocks[block.digest] = block

    def path(self, digest: Digest) -> list[TreeBlock]:
        """Blocks above the root up to this one, oldest first.

        Raises
        ------
        UnknownParent
            If one of them is not here.
        """
        blocks = []
        while digest != self.root:
            block = self._require(digest)
            blocks.append(block)
            digest = block.sealed.header.parent
        return blocks[::-1]

    def finalize(self, digest: Digest) -> tuple[list[TreeBlock], list[TreeBlock]]:
        """Make a block the root; gives the newly final ones, oldest first, and those dropped.

        Raises
        ------
        UnknownParent
            If a block on the way is not here; nothing changes then.
        """
        final = self.path(digest)
        if not final:
            return [], []
        newest = final[-1]
        self.root, self.root_state = newest.digest, newest.state
        self.root_chain_heads = newest.chain_heads
        for block in final:
            del self._blocks[block.digest]
        return final, self._drop_detached()

    def _drop_detached(self) -> list[TreeBlock]:
        attached = {self.root}
        for block in sorted(self._blocks.values(), key=lambda block: block.sealed.header.height):
            if block.sealed.header.parent in attached:
                attached.add(block.digest)
        dropped = [block for digest, block in self._blocks.items() if digest not in attached]
        for block in dropped:
            del self._blocks[block.digest]
        return dropped

    def _require(self, digest: Digest) -> TreeBlock:
        block = self._blocks.get(digest)
        if block is None:
            raise UnknownParent(f"block {digest.hex()[:16]} is not in the tree")
        return block
