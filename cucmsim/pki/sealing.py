"""Sealing: private keys at rest, encrypted under the cluster security password.

A key is derived from password and salt with scrypt (n = 2**14, some 60 ms, once per cluster) and
seals any number of secrets with AES-256-GCM. `associated` binds a blob to its place: one that
is moved to another row does not open. The layout, ours and found nowhere else:

    version (1 byte, 1) . nonce (12) . ciphertext and tag (16)

A nonce must never repeat under one key, so the entropy given has to be the machine's whenever the
secrets are real.
"""

from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cucmsim.entropy import Entropy
from cucmsim.errors import VerificationError

__all__ = ["SALT_SIZE", "SealingKey"]

SALT_SIZE = 16
_NONCE_SIZE = 12
_KEY_SIZE = 32
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**14, 8, 1
_VERSION = b"\x01"
_WRAPPED = b"sealing key"


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A key that seals and opens secrets."""

    _key: bytes = field(repr=False)

    @classmethod
    def derive(cls, password: str, salt: bytes) -> Self:
        """Derive the key of `password` under `salt` (16 bytes). Blocks for some 60 ms."""
        scrypt = Scrypt(salt=salt, length=_KEY_SIZE, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P)
        return cls(scrypt.derive(password.encode()))

    def seal(self, secret: bytes, entropy: Entropy, associated: bytes = b"") -> bytes:
        """Encrypt `secret`, bound to `associated`."""
        nonce = entropy.token(_NONCE_SIZE)
        return _VERSION + nonce + AESGCM(self._key).encrypt(nonce, secret, associated)

    def wrap(self, key: "SealingKey", entropy: Entropy) -> bytes:
        """Seal another key, for `unwrap`."""
        return self.seal(key._key, entropy, _WRAPPED)  # noqa: SLF001  of its own kind

    def unwrap(self, blob: bytes) -> "SealingKey":
        """Return the key that `wrap` sealed. Raises VerificationError as `open`."""
        return SealingKey(self.open(blob, _WRAPPED))

    def open(self, blob: bytes, associated: bytes = b"") -> bytes:
        """Decrypt what `seal` made.

        Raises:
            VerificationError: another key, another `associated`, or a damaged blob.

        """
        nonce, ciphertext = blob[1 : 1 + _NONCE_SIZE], blob[1 + _NONCE_SIZE :]
        if blob[:1] != _VERSION or len(nonce) != _NONCE_SIZE:
            raise VerificationError("found no sealed secret", "damaged")
        try:
            return AESGCM(self._key).decrypt(nonce, ciphertext, associated)
        except InvalidTag:
            raise VerificationError(
                "a sealed secret does not open: the security password is not the one it was"
                " sealed with, or it was altered",
                "wrong password",
            ) from None
