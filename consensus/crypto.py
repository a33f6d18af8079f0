"""Signatures: Ed25519 (RFC 8032), and a fast keyed-hash double for sweeps.

Both are used through ``Scheme``: it derives a ``Signer`` from a 32-byte seed and makes a
``Verifier``. The double is unforgeable *inside one process*: a public key is the hash of a
secret that only the signer and the scheme's own verifier hold, so a node that was given one
``Signer`` can't sign for another.
"""

from __future__ import annotations

from hashlib import blake2b, sha256
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_SIZE: Final = 32
MEMO_LIMIT: Final = 1 << 16
"""Verdicts a ``Verifier`` remembers before it forgets all of them and starts again."""
MEMO_BYTES: Final = 1 << 26
"""Bytes of payloads that those verdicts are about, likewise: 64 MiB."""


class Signer(Protocol):
    """Holds one private key."""

    @property
    def public_key(self) -> bytes:
        """32 bytes that identify the key."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """Signature over ``payload``; the same payload always gives the same bytes."""
        ...


class Verifier(Protocol):
    """Checks signatures; holds no secrets that its owner could sign with."""

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """True if ``signature`` is valid. Never raises, whatever the bytes."""
        ...


class Scheme(Protocol):
    """A signature scheme: makes signers and the verifier that goes with them."""

    name: str

    def signer(self, seed: bytes) -> Signer:
        """The signer whose key derives from ``seed`` (32 bytes)."""
        ...

    def verifier(self) -> Verifier:
        """A verifier for every key of this scheme."""
        ...


class _MemoisingVerifier:
    """Remembers verdicts per (key, payload, signature): one message reaches many receivers.

    The modelled CPU cost is still charged to each of them; see ``effects.Compute``.
    """

    def __init__(self) -> None:
        self._verdicts: dict[tuple[bytes, bytes, bytes], bool] = {}
        self._bytes = 0

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        key = (public_key, payload, signature)
        verdict = self._verdicts.get(key)
        if verdict is None:
            self._bytes += len(payload)
            if len(self._verdicts) >= MEMO_LIMIT or self._bytes > MEMO_BYTES:
                self._verdicts.clear()
                self._bytes = len(payload)
            verdict = self._verdicts[key] = self._check(public_key, payload, signature)
        return verdict

    def _check(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        raise NotImplementedError


class _Ed25519Signer:
    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key: Final = self._private.public_key().public_bytes_raw()

    def sign(self, payload: bytes) -> bytes:
        return self._private.sign(payload)


class _Ed25519Verifier(_MemoisingVerifier):
    def _check(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, payload)
        except (InvalidSignature, ValueError):
            return False
        return True


class Ed25519Scheme:
    """RFC 8032 signatures by the ``cryptography`` package."""

    name = "ed25519"

    def signer(self, seed: bytes) -> Signer:
        return _Ed25519Signer(seed)

    def verifier(self) -> Verifier:
        return _Ed25519Verifier()


class _FastSigner:
    def __init__(self, secret: bytes, public_key: bytes) -> None:
        self._secret = secret
        self.public_key: Final = public_key

    def sign(self, payload: bytes) -> bytes:
        return blake2b(payload, key=self._secret, digest_size=16).digest()


class _FastVerifier(_MemoisingVerifier):
    def __init__(self, secrets: dict[bytes, bytes]) -> None:
        super().__init__()
        self._secrets = secrets

    def _check(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        secret = self._secrets.get(public_key)
        if secret is None:
            return False
        return blake2b(payload, key=secret, digest_size=16).digest() == signature


class FastScheme:
    """Keyed BLAKE2b with secrets known to the scheme alone: for sweeps, not for the world."""

    name = "fast"

    def __init__(self) -> None:
        self._secrets: dict[bytes, bytes] = {}

    def signer(self, seed: bytes) -> Signer:
        secret = sha256(b"chainsim/fast/secret" + seed).digest()
        public_key = sha256(b"chainsim/fast/public" + secret).digest()
        self._secrets[public_key] = secret
        return _FastSigner(secret, public_key)

    def verifier(self) -> Verifier:
        return _FastVerifier(self._secrets)


SCHEMES: Final[dict[str, type[Ed25519Scheme] | type[FastScheme]]] = {
    "ed25519": Ed25519Scheme,
    "fast": FastScheme,
}
