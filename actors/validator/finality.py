"""From finalization certificates to final blocks, in order, however late their payloads come."""

from collections.abc import Callable
from typing import Final

from actors.validator.block_tree import BlockTree, TreeBlock
from actors.validator.errors import UnknownParent
from actors.validator.history import History
from actors.validator.payloads import PayloadDesk
from consensus.effects import Finalized
from ledger.block import SealedBlock
from ledger.types import View
from ledger.votes import Finalization

MAX_WAITING: Final = 64
MAX_FETCHED_ONE_BY_ONE: Final = 4
"""A gap of more blocks than this is fetched from the history of one peer."""


class Finality:
    """Finalizations whose blocks are not all here wait; the others make blocks final.

    Parameters
    ----------
    on_added
        Told the newest of the blocks that enter the tree here together.
    on_final
        Takes the newly final blocks, oldest first, those dropped, and the certificate.
    """

    def __init__(
        self,
        tree: BlockTree,
        payloads: PayloadDesk,
        history: History,
        on_added: Callable[[TreeBlock], None],
        on_final: Callable[[list[TreeBlock], list[TreeBlock], Finalization], None],
    ) -> None:
        self._tree = tree
        self._payloads = payloads
        self._history = history
        self._on_added = on_added
        self._on_final = on_final
        self._waiting: dict[View, Finalized] = {}
        self._has_news = False
        self._is_advancing = False

    def add(self, effect: Finalized) -> None:
        """Take a finalization of consensus."""
        self._waiting[effect.certificate.proposal.view] = effect
        while len(self._waiting) > MAX_WAITING:
            del self._waiting[min(self._waiting)]  # A later one covers its block too.
        self.advance()

    def advance(self) -> None:
        """Make final what can be; called whenever the tree has grown.

        Asking for a payload may add blocks to the tree and so call this again; the
        outer call then sees to it.
        """
        self._has_news = True
        if self._is_advancing:
            return
        self._is_advancing = True
        try:
            while self._has_news and self._waiting:
                self._has_news = False
                self._advance_once()
        finally:
            self._is_advancing = False

    def adopt(self, blocks: list[SealedBlock], finalization: Finalization) -> None:
        """Make blocks final that follow the final root and that a certificate proves.

        Raises
        ------
        BlockRejected, UnknownParent
            If a rule is broken all the same; nothing is final then.
        """
        self._is_advancing = True  # What they make possible comes after them.
        newest: TreeBlock | None = None
        try:
            for sealed in blocks:
                if sealed.digest not in self._tree:
                    newest = self._tree.check(sealed, sealed.header.proposer)
                    self._tree.add(newest)
            if newest is not None:  # Of the older ones none can be built on any more.
                self._on_added(newest)
            final, dropped = self._tree.finalize(blocks[-1].digest)
            self._on_final(final, dropped, finalization)
        finally:
            self._is_advancing = False
        self.advance()

    def _advance_once(self) -> None:
        for view in sorted(self._waiting):
            effect = self._waiting[view]
            try:
                final, dropped = self._tree.finalize(effect.certificate.proposal.payload)
            except UnknownParent:
                continue
            if final:
                self._on_final(final, dropped, effect.certificate)
        final_view = self._tree.root_state.view
        self._waiting = {
            view: effect for view, effect in self._waiting.items() if view > final_view
        }
        if self._waiting:
            self._ask_for_missing(self._waiting[min(self._waiting)])
        else:
            self._history.settled()

    def _ask_for_missing(self, effect: Finalized) -> None:
        is_small_gap = effect.is_chain_complete and len(effect.chain) <= MAX_FETCHED_ONE_BY_ONE
        if not is_small_gap:
            self._history.request()
            return
        for proposal in effect.chain:
            if proposal.payload not in self._tree:
                self._payloads.want_final(proposal.payload, proposal.view)
