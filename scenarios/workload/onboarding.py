"""``onboarding``: exchanges from their no-objection certificate to a licence and first clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from nodes.ledger import transactions as tx
from scenarios.errors import did_you_mean
from scenarios.genesis_spec import PartyId
from scenarios.units import Duration
from scenarios.workload.base import Problem, Submission, Workload, sender
from scenarios.workload.context import Context

ROLES = ("mof", "pvara", "secp")
STARTS = ("NONE", "NOC_GRANTED")
"""Licence states from which onboarding begins."""


class Onboarding(Workload, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="onboarding"):
    """One step after another, all exchanges alike; each is sent ``step`` after the one before.

    Regulations commence (unless they have), the certificate is granted to who has none, goAML is
    attested, the subsidiary incorporated, the licence applied for and granted; then each exchange
    registers its clients and opens an account for each.
    """

    start: Duration = 1_000_000
    step: Duration = 3_000_000
    exchanges: tuple[PartyId, ...] = ()
    """Left out: all of genesis that hold no more than a no-objection certificate."""
    clients: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    """Of each exchange; called ``EXCHANGE-client-1`` and so on."""

    def _exchanges(self, context: Context) -> tuple[str, ...]:
        found = tuple(
            p.id for p in context.genesis.parties if p.role == "vasp" and p.licence in STARTS
        )
        return self.exchanges or found

    def submissions(self, context: Context) -> Iterator[Submission]:
        mof, pvara, secp = (sender(context.genesis, role) for role in ROLES)
        licences = {party.id: party.licence for party in context.genesis.parties}
        names = self._exchanges(context)
        stages: list[list[tuple[str, tx.AnyBody, tuple[str, ...]]]] = []
        if not context.genesis.regulations_commenced:
            stages.append([(mof, tx.RegulationsCommence(), (pvara,))])
        new = [name for name in names if licences[name] == "NONE"]
        if new:
            stages.append([(pvara, tx.LicenceSet(party=n, state="NOC_GRANTED"), ()) for n in new])
        stages.append([(pvara, tx.GoamlAttest(party=name), ()) for name in names])
        stages.append([(secp, tx.SecpIncorporate(party=name), ()) for name in names])
        stages.append([(pvara, tx.LicenceSet(party=n, state="APPLIED"), ()) for n in names])
        stages.append([(pvara, tx.LicenceSet(party=n, state="LICENSED"), ()) for n in names])
        clients = [
            (name, f"{name}-client-{k}") for name in names for k in range(1, self.clients + 1)
        ]
        stages.append(
            [
                (
                    name,
                    tx.PartyRegister(
                        id=client,
                        role="investor",
                        public_key=context.keys.party(client).public_key,
                    ),
                    (),
                )
                for name, client in clients
            ]
        )
        stages.append(
            [
                (name, tx.AccountOpen(id=f"{client}/main", owner=client), ())
                for name, client in clients
            ]
        )
        for number, stage in enumerate(filter(None, stages)):
            for party, body, cosigners in stage:
                at_us = self.start + number * self.step
                operation = tx.Transaction(body).encode()
                yield Submission(at_us, party, tx.TYPES[type(body)], operation, cosigners)

    def problems(self, context: Context) -> Iterator[Problem]:
        for role in ROLES:
            if not any(party.role == role for party in context.genesis.parties):
                yield Problem("", f"needs a party with the role {role} in genesis")
        known = {p.id: p for p in context.genesis.parties}
        for index, name in enumerate(self.exchanges):
            party = known.get(name)
            if party is None:
                hint = did_you_mean(name, known)
                yield Problem(f"exchanges[{index}]", f'unknown party "{name}"{hint}')
            elif party.role != "vasp" or party.licence not in STARTS:
                what = f'"{name}" is not an exchange on its way to a licence'
                yield Problem(f"exchanges[{index}]", what)
        if not self._exchanges(context):
            yield Problem("", "genesis has no exchange on its way to a licence")
        if self.start + 8 * self.step > context.duration_us:
            yield Problem("step", "the last step would come after the end of the run (duration)")
