"""Result codes of receipts, as LEDGER.md names them, and the refusal that carries one."""

from __future__ import annotations

from typing import Final

OK: Final = "OK"

# The envelope: a receipt and nothing else, the request number stays unused.
E_SIG: Final = "E_SIG"
E_NONCE: Final = "E_NONCE"
E_CHAIN: Final = "E_CHAIN"
E_EXPIRED: Final = "E_EXPIRED"
E_SCHEMA: Final = "E_SCHEMA"

# Access: who, when, with which licence.
E_ROLE: Final = "E_ROLE"
E_PAUSED: Final = "E_PAUSED"
E_LICENCE: Final = "E_LICENCE"

E_ALLOT_MISMATCH: Final = "E_ALLOT_MISMATCH"
E_AMOUNT: Final = "E_AMOUNT"
E_BACKING: Final = "E_BACKING"
E_CAP: Final = "E_CAP"
E_COUNTRY: Final = "E_COUNTRY"
E_CUSTODY: Final = "E_CUSTODY"
E_DATE: Final = "E_DATE"
E_DEADLINE: Final = "E_DEADLINE"
E_DENOM: Final = "E_DENOM"
E_DUP: Final = "E_DUP"
E_EDGE: Final = "E_EDGE"
E_EVIDENCE: Final = "E_EVIDENCE"
E_FREE_BAL: Final = "E_FREE_BAL"
E_FROZEN: Final = "E_FROZEN"
E_FUNDS: Final = "E_FUNDS"
E_FX_STALE: Final = "E_FX_STALE"
E_ISSUER: Final = "E_ISSUER"
E_KEY: Final = "E_KEY"
E_LATE: Final = "E_LATE"
E_LEI: Final = "E_LEI"
E_MAXBAL: Final = "E_MAXBAL"
E_NCB_CAP: Final = "E_NCB_CAP"
E_NO_NOC: Final = "E_NO_NOC"
E_NO_ORDER: Final = "E_NO_ORDER"
E_NOT_INCORPORATED: Final = "E_NOT_INCORPORATED"
E_NOT_DUE: Final = "E_NOT_DUE"
E_NOT_MATURE: Final = "E_NOT_MATURE"
E_NO_REGULATION: Final = "E_NO_REGULATION"
E_PRICE: Final = "E_PRICE"
E_QUORUM: Final = "E_QUORUM"
E_REVEAL: Final = "E_REVEAL"
E_STALE_ATTEST: Final = "E_STALE_ATTEST"
E_STATE: Final = "E_STATE"
E_TERMS: Final = "E_TERMS"
E_TOPIC: Final = "E_TOPIC"
E_TRAVEL: Final = "E_TRAVEL"
E_UNVERIFIED: Final = "E_UNVERIFIED"
E_WINDOW: Final = "E_WINDOW"

ENVELOPE: Final = frozenset({E_SIG, E_NONCE, E_CHAIN, E_EXPIRED, E_SCHEMA})
"""Codes that change nothing, the request window included."""


class Refused(Exception):
    """A transaction fails with ``code``; raised by rules, caught by execution alone."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code: Final = code
        self.detail: Final = detail
