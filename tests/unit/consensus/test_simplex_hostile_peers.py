"""Whatever three peers say, in whatever order: no crash, no contradiction, bounded memory."""

from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given, settings

from consensus import Broadcast, CertificateRequest, CertificateResponse, ConflictingCertificates
from ledger.types import Ed25519Signature, Epoch, View
from ledger.votes import Finalize, Notarize, Nullify
from tests.simulation.bench import Bench

PEERS = st.integers(0, 4)
VIEWS = st.integers(0, 24)
SALTS = st.sampled_from(["", "other"])
WRONG = Ed25519Signature(bytes(64))
ACTIONS = st.tuples(
    st.sampled_from(
        [
            "notarize",
            "nullify",
            "finalize",
            "notarization",
            "nullification",
            "finalization",
            "forged vote",
            "forged certificate",
            "verdict",
            "bad verdict",
            "built",
            "wait",
            "request",
            "response",
        ]
    ),
    PEERS,
    VIEWS,
    VIEWS,
    SALTS,
)
Action = tuple[str, int, int, int, str]


def apply(bench: Bench, action: Action) -> None:
    """Do one thing that peers, shell or time may do."""
    kind, peer, view, parent, salt = action
    signer = min(peer, 3)
    proposal = bench.proposal(view, parent, salt)
    if kind == "notarize":
        bench.hear(peer, bench.notarize(signer, proposal))
    elif kind == "nullify":
        bench.hear(peer, bench.nullify(signer, view))
    elif kind == "finalize":
        bench.hear(peer, bench.finalize(signer, proposal))
    elif kind == "notarization":
        bench.hear(peer, bench.notarization(proposal))
    elif kind == "nullification":
        bench.hear(peer, bench.nullification(view))
    elif kind == "finalization":
        bench.hear(peer, bench.finalization(proposal))
    elif kind == "forged vote":
        bench.hear(peer, replace(bench.notarize(signer, proposal), signature=WRONG))
    elif kind == "forged certificate":
        bench.hear(peer, replace(bench.finalization(proposal), signatures=(WRONG,) * 3))
    elif kind in ("verdict", "bad verdict"):
        bench.verdict(proposal, is_valid=kind == "verdict")
    elif kind == "built":
        bench.built(proposal)
    elif kind == "wait":
        bench.wait(view * 25)
    elif kind == "request":
        bench.hear(peer, CertificateRequest(Epoch(0), View(parent), (View(view),) * 32))
    else:
        held = (bench.nullification(view), bench.notarization(proposal))
        bench.hear(peer, CertificateResponse(held))


def own_votes(bench: Bench) -> list[Notarize | Nullify | Finalize]:
    messages = [effect.message for effect in bench.effects if isinstance(effect, Broadcast)]
    return [m for m in messages if isinstance(m, (Notarize, Nullify, Finalize))]


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=60))
def test_no_sequence_of_messages_makes_an_honest_validator_contradict_itself(
    actions: list[Action],
) -> None:
    bench = Bench(index=0)
    bench.start()
    for action in actions:
        try:
            apply(bench, action)
        except ConflictingCertificates:
            break
    votes = own_votes(bench)
    notarized = {(v.proposal.view, v) for v in votes if isinstance(v, Notarize)}
    finalized = {(v.proposal.view, v) for v in votes if isinstance(v, Finalize)}
    nullified = {v.round.view for v in votes if isinstance(v, Nullify)}
    assert len({view for view, _ in notarized}) == len(notarized)
    assert len({view for view, _ in finalized}) == len(finalized)
    assert not nullified & {view for view, _ in finalized}


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTIONS, max_size=60))
def test_any_run_is_the_same_a_second_time(actions: list[Action]) -> None:
    benches = [Bench(index=0), Bench(index=0)]
    for bench in benches:
        bench.start()
        for action in actions:
            try:
                apply(bench, action)
            except ConflictingCertificates:
                break
    assert benches[0].effects == benches[1].effects
    assert replace(benches[0].state, config=benches[1].config) == benches[1].state
