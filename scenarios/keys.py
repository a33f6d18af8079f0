"""The keys of a run: every one derives from the seed, so the same seed signs the same bytes."""

from __future__ import annotations

from functools import cache

from consensus.crypto import SCHEMES, Scheme, Signer
from scenarios.rng import derive


class Keys:
    """Signers by their owner; the scheme is shared, so that its verifier knows them all.

    A validator's key and its party's key are different keys, also where the names are equal.
    """

    def __init__(self, seed: int, signatures: str) -> None:
        """``signatures`` is a name of ``consensus.crypto.SCHEMES``. Raises ``KeyError``."""
        self.scheme: Scheme = SCHEMES[signatures]()
        self._seed = seed
        self.validator = cache(self._validator)
        self.party = cache(lambda id_: self._signer("party", id_))

    def _validator(self, id_: str, generation: int = 0) -> Signer:
        """The key that a validator gets with its ``generation``-th rotation (0: its first)."""
        return self._signer("validator", f"{id_}/{generation}" if generation else id_)

    def _signer(self, use: str, id_: str) -> Signer:
        return self.scheme.signer(derive(self._seed, f"key/{use}/{id_}"))
