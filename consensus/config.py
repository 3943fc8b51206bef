"""What one validator has to know before its first step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from consensus.errors import InvalidTiming
from ledger.types import Digest, Ed25519Signature, Epoch, ValidatorIndex, View
from ledger.votes import Vote

GENESIS_VIEW: Final = View(0)


class VoteVerifier(Protocol):
    """The validator set as consensus sees it; ``ledger.validators.ValidatorSet`` is one."""

    epoch: Epoch
    digest: Digest
    count: int
    quorum: int

    def verify_vote(self, vote: Vote) -> None:
        """Check a vote's epoch, signer and signature.

        Raises
        ------
        SignatureError
            If one of them is wrong.
        """


@dataclass(frozen=True, slots=True)
class ConsensusConfig:
    """Identity, keys and timing of one validator.

    Parameters
    ----------
    index
        Own position among the validators.
    validators
        Keys of the epoch's validators; also names the genesis that votes are bound to.
    sign
        Signs a domain-separated message with the own Ed25519 key.
    delta_ms
        Δ, the bound on the network's delay after stabilisation.
    origin_view, origin_payload
        What the epoch starts from, final by the epoch before: its last payload and the view
        which that names (rule 16). By default view 0 and the digest of the genesis.
    skip_after_views
        A leader silent for that many views is skipped (rule 10).
    view_horizon
        Votes further ahead of the current view than this are dropped (rule 13).
    retained_views
        Votes of that many views below the last final one are kept for evidence (rule 13).
    """

    index: ValidatorIndex
    validators: VoteVerifier
    sign: Callable[[bytes], Ed25519Signature]
    delta_ms: int
    origin_view: View = GENESIS_VIEW
    origin_payload: Digest | None = None
    skip_after_views: int = 10
    view_horizon: int = 16
    retained_views: int = 10

    def __post_init__(self) -> None:
        windows = (self.delta_ms, self.skip_after_views, self.view_horizon, self.retained_views)
        if min(windows) < 1:
            raise InvalidTiming(f"delta_ms and the windows have to be positive, got {windows}")

    def __deepcopy__(self, memo: dict[int, Any]) -> "ConsensusConfig":
        """Itself: a copy of a state shares its configuration, keys included."""
        return self

    @property
    def leader_timeout_ms(self) -> int:
        """Time for the leader's proposal to arrive: 2Δ."""
        return 2 * self.delta_ms

    @property
    def advance_timeout_ms(self) -> int:
        """Time for the view to end: 3Δ."""
        return 3 * self.delta_ms

    @property
    def retry_interval_ms(self) -> int:
        """Time between rebroadcasts in a view that does not end: 2Δ."""
        return 2 * self.delta_ms

    @property
    def resolve_delay_ms(self) -> int:
        """Patience before a missing certificate is asked for: Δ/2."""
        return max(1, self.delta_ms // 2)

    @property
    def answer_interval_ms(self) -> int:
        """Least time between two answers to one peer's requests: Δ/4."""
        return max(1, self.delta_ms // 4)

    def leader_of(self, view: View) -> ValidatorIndex:
        """Leader of a view."""
        return ValidatorIndex((self.validators.epoch + view) % self.validators.count)
