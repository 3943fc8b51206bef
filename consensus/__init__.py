"""Simplex consensus without IO: events in, effects out. This page is the protocol.

There are n validators, at most f = ⌊(n−1)/3⌋ of them traitors; a *quorum* is n−f,
that is 2f+1 of n = 3f+1. Two quorums share an honest validator. Time is cut into
*views*; view 0 is the genesis, final without a certificate. Δ bounds the delay of
messages once the network is stable. A *certificate* is a quorum of votes.

Source: B. Y. Chan and R. Pass, "Simplex Consensus: A Simple and Fast Consensus
Protocol", 2023 (eprint 2023/463), with what production systems added to it.

Rules
-----
1.  **Enter** view v: its leader is validator ``(epoch + v) mod n``. Arm the leader
    timer (2Δ) and the advance timer (3Δ).
2.  **Propose**: the leader of v builds on the highest view p < v whose payload is
    certified (rule 8) such that all views between p and v are nullified. Its
    proposal is its notarize vote; the payload travels beside it.
3.  **Notarize**: the first genuine notarize vote of v's leader is *the proposal* and
    stops the leader timer. Vote for it once p is notarized and certified, every view
    between nullified, and the payload checked, unless nullified v. A payload, parent or
    nullification that is not here is pending, never false. At most one such vote in v.
4.  **Notarization**: a quorum of notarize votes for one proposal. Broadcast it, enter v+1.
5.  **Nullify** v, while in v, when a timer fires, when v's leader nullifies v, or when
    its proposal or payload is bad; at most once, and never after finalize. While v
    lasts, repeat the own votes every 2Δ with the best certificate of v−1.
6.  **Nullification**: a quorum of nullify votes. Broadcast it, enter v+1.
7.  **Finalize** v when its notarized payload is certified (rule 8), also after v has
    ended; never after nullify, nor when v's leader was seen to propose twice. At most once.
8.  **Certify**: a payload that others notarized is checked like a proposal before it
    is finalized or built on. The check gives one answer on all honest validators.
9.  **Finalization**: a quorum of finalize votes for one proposal. It and all its
    ancestors are final, v becomes the *floor*, which never moves back; enter v+1 if
    this validator is not beyond.
10. **Skip**: if v's leader was not heard in the last ``skip_after_views`` views while
    quorums ended them, both timers are zero. Any vote of its own in a recent view,
    nullify included, makes it a leader again. Who jumps over views has not listened,
    and skips no silent leader for as many views. A leader that the ledger convicts is
    skipped for good, while at most f are; its votes count as before, since a quorum of
    n must not shrink.
11. **Resolve**: certificates that rules 2, 3 and 8 lack are asked for, by view, from two
    peers every Δ/2, other ones each time. A peer that lacks them is not blamed.
    Requests are answered at most once per peer and Δ/4, by a finalization above the
    asker's floor and the certificates of the views that it names.
12. **Verify late, never twice**: votes are counted unverified; their signatures are
    checked when a quorum's worth is here, until a quorum of them is genuine. A leader's
    vote is checked when it is acted on. Certificates are checked before use, but for
    signatures that were checked in votes. Votes are taken from their signer only, so a
    forger has a name, and its further votes in that view are refused.
13. **Bounds**: votes are held for views from ``retained_views`` below the floor to
    ``view_horizon`` above the current view, one per kind and validator. Everything
    below is forgotten when the floor moves.
14. **Evidence**: two notarize or two finalize votes for different proposals, or a nullify
    and a finalize vote, of one validator in one view, both genuine, whether sent as
    votes or found in certificates. Once per view, kind and validator.
15. **Restart**: every own vote is in the journal, synced, before it leaves, and every
    certificate is in it too. Replay gives back all votes, so none is contradicted; the
    own votes of the current view and all pending finalize votes are said again.
16. **Epochs**: each epoch has its own set of validators and its own run of this protocol,
    which starts from the last payload of the epoch before. All that is signed names the
    epoch. A payload may be the last of its epoch: the ledger's rules say so of it. Nothing
    else extends it; until it is final, leaders propose the payload itself again, on top of
    itself. When it is final the epoch is over, and nothing is said in it any more. Who
    hears a message of an epoch that is over answers with the finalization that ended it.
17. **Forgotten votes**: a validator whose journal was lost, or is older than its last vote,
    casts none at first. It asks all others, under a challenge drawn for this start, in which
    view they are; an answer is what ended the view before. When 2f+1 others have answered,
    it votes in the views from w+2 on, w being the highest of theirs; that goes into the
    journal, synced, before the first vote. Who may not vote in its own view does not answer.

Why it is safe: a finalization of v means that f+1 honest validators voted finalize in v.
They never nullify v (5, 7), so v has no nullification, and only one payload of v can be
notarized (3). Every proposal above v therefore has v among its ancestors (2, 3).
So at most one last payload of an epoch is final, all start the next epoch from it, and
no vote is counted by another set than that of its epoch (16).
And forgotten votes are never contradicted (17): the last one, in view u, was cast with a
certificate of u−1 at hand. Of its quorum of signers at least n−2f−1 are others and honest,
and were in u−1 or later when they signed; of any 2f+1 others one is among them. It answered
after this start, and views never go back: w ≥ u−1.

Deviations from the paper
-------------------------
- Missing certificates are asked for (11); proposals do not carry the whole chain.
- Nullify is a vote of its own, and may follow a notarize vote in the same view.
- Leader timer, leader's own nullify and skipping end hopeless views early (1, 5, 10).
  They move deadlines only: what a validator may vote is the same whenever they fire.
- Messages may be lost, so what is needed to leave a view is repeated (5).
- Notarization does not wait for the own check of the payload, finalize does (8).
- A validator that has nullified a view does not notarize in it any more.
- Epochs (16): the paper has one set of validators.
- Forgotten votes (17): the paper's validators forget nothing.
- ``cryptography`` verifies Ed25519 one by one, so a forged vote in a quorum's worth is
  named by checking in turn; there is no batch to bisect.

Form
----
:func:`~consensus.step.step` maps a state and an event to a state and effects. No
module here knows a clock, randomness, IO, logging, asyncio or Ray.
"""

from consensus.config import ConsensusConfig, VoteVerifier
from consensus.effects import (
    Broadcast,
    CheckPayload,
    Effect,
    EnteredView,
    EvidenceFound,
    Fault,
    Finalized,
    Notarized,
    Nullified,
    PeerFault,
    Persist,
    PublishPayload,
    RequestProposal,
    Send,
    SetTimer,
)
from consensus.epochs import epoch_of
from consensus.errors import (
    ConflictingCertificates,
    ConsensusError,
    InvalidTiming,
    JournalContradiction,
)
from consensus.events import (
    Event,
    LeadersConvicted,
    MessageReceived,
    PayloadChecked,
    ProposalBuilt,
    Start,
    Tick,
)
from consensus.messages import (
    CertificateRequest,
    CertificateResponse,
    ConsensusMessage,
    Record,
    ViewRequest,
    ViewResponse,
    VotesFrom,
    open_message,
    open_record,
    view_of,
)
from consensus.recovery import compact
from consensus.state import ConsensusState, initial_state
from consensus.step import step

__all__ = [
    "Broadcast",
    "CertificateRequest",
    "CertificateResponse",
    "CheckPayload",
    "ConflictingCertificates",
    "ConsensusConfig",
    "ConsensusError",
    "ConsensusMessage",
    "ConsensusState",
    "Effect",
    "EnteredView",
    "Event",
    "EvidenceFound",
    "Fault",
    "Finalized",
    "InvalidTiming",
    "JournalContradiction",
    "LeadersConvicted",
    "MessageReceived",
    "Notarized",
    "Nullified",
    "PayloadChecked",
    "PeerFault",
    "Persist",
    "ProposalBuilt",
    "PublishPayload",
    "Record",
    "RequestProposal",
    "Send",
    "SetTimer",
    "Start",
    "Tick",
    "ViewRequest",
    "ViewResponse",
    "VoteVerifier",
    "VotesFrom",
    "compact",
    "epoch_of",
    "initial_state",
    "open_message",
    "open_record",
    "step",
    "view_of",
]
