"""Ed25519 keys of validators: votes and network identities."""

from cryptography.exceptions import InvalidSignature as CryptographyInvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PublicKey as CryptographyPublicKey,
)

from ledger.errors import InvalidKey, InvalidSignature
from ledger.types import Ed25519PublicKey, Ed25519Signature


class Ed25519Signer:
    """A private key.

    Parameters
    ----------
    seed
        32 secret bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = Ed25519PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> Ed25519Signature:
        """Sign a domain-separated message."""
        return Ed25519Signature(self._key.sign(message))


class Ed25519Verifier:
    """A public key, parsed once."""

    def __init__(self, public_key: Ed25519PublicKey) -> None:
        try:
            self._key = CryptographyPublicKey.from_public_bytes(public_key)
        except ValueError as error:
            raise InvalidKey(f"not an Ed25519 public key: {error}") from error

    def verify(self, message: bytes, signature: Ed25519Signature) -> None:
        """Check a signature.

        Raises
        ------
        InvalidSignature
            If it does not verify.
        """
        try:
            self._key.verify(signature, message)
        except CryptographyInvalidSignature as error:
            raise InvalidSignature("Ed25519 signature does not verify") from error
