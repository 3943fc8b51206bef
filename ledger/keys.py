"""A validator's secret keys, all derived from one seed by HKDF (RFC 5869)."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.bls import CURVE_ORDER, BlsSigner
from ledger.ed25519 import Ed25519Signer
from ledger.genesis import GenesisValidator
from ledger.hashing import Domain, domain_prefix, keccak
from ledger.membership import Member, Newcomer, newcomer_message
from ledger.types import NO_VALIDATOR, Digest, EvmAddress, ValidatorIndex
from ledger.validators import ValidatorSet


class ValidatorKeys:
    """Consensus, network and checkpoint keys of one validator.

    Parameters
    ----------
    seed
        32 secret bytes; the same seed always gives the same keys.
    """

    def __init__(self, seed: bytes) -> None:
        self.consensus = Ed25519Signer(_derive(seed, b"consensus", 32))
        self.network_seed = _derive(seed, b"network", 32)
        secret = int.from_bytes(_derive(seed, b"checkpoint", 48), "big")
        self.checkpoint = BlsSigner(secret % (CURVE_ORDER - 1) + 1)

    def genesis_entry(self, name: str) -> GenesisValidator:
        """The public side of these keys, as a genesis lists it."""
        return GenesisValidator(
            name=name,
            consensus_key=self.consensus.public_key,
            network_key=Ed25519Signer(self.network_seed).public_key,
            checkpoint_key=self.checkpoint.public_key,
            possession_proof=self.checkpoint.prove_possession(),
            coinbase=EvmAddress(keccak(self.consensus.public_key)[12:]),
        )

    def newcomer(self, network: Digest, name: str, address: str) -> Newcomer:
        """These keys as a change of the validator set names them, with all proofs.

        Parameters
        ----------
        network
            Digest of the genesis.
        address
            Where the libp2p host listens, ``host:port``.
        """
        member = Member(self.genesis_entry(name), address)
        message = newcomer_message(network, member)
        return Newcomer(
            member,
            consensus_proof=self.consensus.sign(message),
            network_proof=Ed25519Signer(self.network_seed).sign(message),
        )


def own_validator(
    validators: ValidatorSet, keyring: Sequence[ValidatorKeys]
) -> tuple[ValidatorIndex, ValidatorKeys]:
    """Which validator of a set a node is, and with which of its keys.

    ``NO_VALIDATOR`` and the first keys, if the set has none of them.
    """
    for keys in keyring:
        index = validators.index_of(keys.consensus.public_key)
        if index is not None:
            return index, keys
    return NO_VALIDATOR, keyring[0]


def _derive(seed: bytes, purpose: bytes, length: int) -> bytes:
    info = domain_prefix(Domain.VALIDATOR_KEYS) + purpose
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(seed)
