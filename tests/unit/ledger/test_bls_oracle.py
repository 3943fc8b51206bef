"""BLS against py_ecc, the reference implementation. Few cases: a check there takes 0.4 s."""

import pytest
from ledger_network import CHECKPOINT, KEYS, NETWORK, attest
from py_ecc.bls import G2ProofOfPossession

from ledger.bls import BlsSigner, BlsVerifier, aggregate, verify_aggregate, verify_possession
from ledger.crossing import checkpoint_message
from ledger.types import BlsSignature

SECRETS = (1, 0x263DBD792F5B1BE47ED85F8938C0F29586AF0D3AC7B977F21C278FE1462040E3)


@pytest.mark.parametrize("secret", SECRETS)
def test_keys_signatures_and_proofs_are_the_references(secret: int) -> None:
    signer = BlsSigner(secret)
    assert signer.public_key == G2ProofOfPossession.SkToPk(secret)
    assert signer.sign(b"message") == G2ProofOfPossession.Sign(secret, b"message")
    assert signer.prove_possession() == G2ProofOfPossession.PopProve(secret)


def test_the_reference_accepts_our_certificate_and_we_accept_its_signatures() -> None:
    message = checkpoint_message(NETWORK.digest, CHECKPOINT)
    total = aggregate([attest(signer).signature for signer in range(3)])
    keys = [entry.checkpoint.public_key for entry in KEYS[:3]]
    assert G2ProofOfPossession.FastAggregateVerify(keys, message, total)
    assert not G2ProofOfPossession.FastAggregateVerify(keys[:2], message, total)
    theirs = BlsSignature(G2ProofOfPossession.Sign(SECRETS[1], message))
    verify_aggregate([BlsVerifier(BlsSigner(SECRETS[1]).public_key)], message, theirs)


def test_the_reference_accepts_our_proofs_of_possession() -> None:
    signer = KEYS[0].checkpoint
    assert G2ProofOfPossession.PopVerify(signer.public_key, signer.prove_possession())
    verify_possession(
        BlsVerifier(BlsSigner(SECRETS[1]).public_key),
        BlsSignature(G2ProofOfPossession.PopProve(SECRETS[1])),
    )
