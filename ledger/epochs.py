"""From the genesis to the validator set of any epoch: a chain of certificates.

The last block of an epoch names the digest of the next set, and the old set's
finalization makes it final. So whoever trusts the genesis can check any later set with
one header, one certificate and the set itself for each epoch in between.

What this cannot tell: which of two chains is the real one, if a quorum of an old set
signs another end of its epoch, years after it has left. Who joins late takes a recent
digest from somebody they trust, too.
"""

from collections.abc import Iterable
from typing import Annotated

from ledger.block import BlockHeader, header_digest
from ledger.bounds import AtMost
from ledger.codec import wire
from ledger.errors import EpochChainError, SignatureError
from ledger.genesis import Genesis
from ledger.membership import Member, members_digest
from ledger.types import MAX_VALIDATORS, Epoch
from ledger.validators import ValidatorSet
from ledger.votes import Finalization


@wire(18)
class EpochChange:
    """The last block of an epoch, the certificate that makes it final, and the next set."""

    header: BlockHeader
    certificate: Finalization
    members: Annotated[tuple[Member, ...], AtMost(MAX_VALIDATORS)]


def follow_epochs(genesis: Genesis, changes: Iterable[EpochChange]) -> ValidatorSet:
    """The set after these changes, each of them checked with the set before it.

    Parameters
    ----------
    changes
        One for each epoch that has ended, the first one first.

    Raises
    ------
    EpochChainError
        Naming the epoch whose change is wrong.
    """
    validators = ValidatorSet(genesis)
    for change in changes:
        validators = next_validators(validators, change)
    return validators


def next_validators(validators: ValidatorSet, change: EpochChange) -> ValidatorSet:
    """The set of the next epoch.

    Raises
    ------
    EpochChainError
        If the change is not that of this set's epoch, or is not proved.
    """
    header, certificate = change.header, change.certificate
    epoch, following = validators.epoch, Epoch(validators.epoch + 1)
    if header.epoch != epoch or certificate.proposal.epoch != epoch:
        raise EpochChainError(f"a change of epoch {header.epoch}, expected of epoch {epoch}")
    if certificate.proposal.payload != header_digest(header):
        raise EpochChainError(f"epoch {epoch}: the certificate is of another block")
    if header.next_members != members_digest(following, change.members):
        raise EpochChainError(f"epoch {epoch}: its last block names another set")
    try:
        validators.verify_certificate(certificate)
        return ValidatorSet.of_epoch(validators.digest, following, change.members)
    except SignatureError as error:
        raise EpochChainError(f"epoch {epoch}: {error}") from error
