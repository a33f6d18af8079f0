"""A hand-made run for the specification: n validators, of whom some may be hostile."""

from __future__ import annotations

from collections.abc import Iterable

from chainsim.specification import (
    Block,
    Certificate,
    Facts,
    NewView,
    Request,
    Specification,
    Statement,
    ViewChange,
)
from chainsim.specification.facts import Validator

NULL = b"null"
K, L = 2, 4
Kind = str


class Scene:
    """Says what happens, and returns what the specification makes of it."""

    def __init__(self, n: int = 4, hostile: Iterable[str] = ()) -> None:
        self.names = tuple(f"r{i}" for i in range(n))
        bad = set(hostile)
        self.honest = tuple(name for name in self.names if name not in bad)
        self.facts = Facts(self.names, self.honest, K, L, NULL)
        self.rules = Specification(self.facts)

    def __getitem__(self, name: str) -> Validator:
        return self.facts.validators[name]

    def others(self, name: str) -> tuple[str, ...]:
        return tuple(other for other in self.names if other != name)

    def primary(self, view: int) -> str:
        return self.names[view % len(self.names)]

    # -- votes ------------------------------------------------------------------------------

    def proposes(self, view: int, sequence: int, digest: bytes, to: Iterable[str] = ()) -> str:
        """The primary's proposal reaches everybody (or those named)."""
        primary = self.primary(view)
        fault = ""
        if primary in self.honest:
            fault = self.rules.accepts(self[primary], view, sequence, digest)
            fault = fault or self.says(primary, "pre-prepare", view, sequence, digest)
        self.heard(primary, "pre-prepare", view, sequence, digest, to)
        return fault

    def says(self, name: str, kind: Kind, view: int, sequence: int, digest: bytes) -> str:
        fault = self.rules.says(self[name], kind, 0, view, sequence, digest)
        if kind == "commit" and not fault:
            self.facts.sent.setdefault((name, (kind, 0, view, sequence, digest)), set()).add(b"")
        return fault

    def heard(
        self,
        signer: str,
        kind: Kind,
        view: int,
        sequence: int,
        digest: bytes,
        by: Iterable[str] = (),
    ) -> None:
        statement: Statement = (kind, 0, view, sequence, digest)
        for name in tuple(by) or self.honest:
            self.rules.hears(self[name], signer, statement)

    def votes(self, kind: Kind, view: int, sequence: int, digest: bytes, *signers: str) -> str:
        """These say so, and everybody hears it."""
        for signer in signers:
            if signer in self.honest:
                fault = self.says(signer, kind, view, sequence, digest)
                if fault:
                    return fault
            self.heard(signer, kind, view, sequence, digest)
        return ""

    def prepared(self, view: int, sequence: int, digest: bytes) -> None:
        """Everybody honest prepares and commits; each step is allowed."""
        assert self.proposes(view, sequence, digest) == ""
        where = (view, sequence, digest)
        backups = [name for name in self.honest if name != self.primary(view)]
        for name in backups:
            assert self.rules.accepts(self[name], *where) == ""
        assert self.votes("prepare", *where, *backups) == ""
        for name in self.honest:
            assert self.rules.prepares(self[name], *where) == ""
        assert self.votes("commit", *where, *self.honest) == ""

    def decided(self, view: int, sequence: int, digest: bytes) -> None:
        """As ``prepared``; then everybody commits and executes."""
        self.prepared(view, sequence, digest)
        for name in self.honest:
            assert self.rules.commits(self[name], view, sequence, digest) == ""
            assert self.executes(name, sequence, digest, view) == ""

    def executes(
        self,
        name: str,
        sequence: int,
        digest: bytes,
        view: int = 0,
        *,
        signers: Iterable[str] | None = None,
        state: bytes = b"",
        requests: tuple[Request, ...] = (),
        replayed: bool = False,
        schedules: bool = False,
        successors: tuple[str, ...] = (),
    ) -> str:
        vote = ("commit", self.facts.era_at(sequence).epoch, view, sequence, digest)
        block = Block(
            sequence,
            b"h%d" % (sequence - 1),
            digest,
            b"h%d" % sequence,
            state or b"s%d" % sequence,
            b"r%d" % sequence,
            tuple((s, vote, b"") for s in (self.honest if signers is None else signers)),
            view,
            requests,
            schedules,
            successors,
        )
        return self.rules.executes(self[name], block, replayed)

    def vouched(self, sequence: int, *signers: str, digest: bytes = b"cp") -> None:
        """CHECKPOINTs, heard by all."""
        for signer in signers:
            if signer in self.honest:
                fault = self.rules.says(self[signer], "checkpoint", 0, 0, sequence, digest)
                assert fault == ""
            self.heard(signer, "checkpoint", 0, sequence, digest)

    # -- views --------------------------------------------------------------------------------

    def certificate(self, view: int, sequence: int, digest: bytes, *voters: str) -> Certificate:
        vote = ("prepare", 0, view, sequence, digest)
        names = voters or [n for n in self.names if n != self.primary(view)][:2]
        votes = tuple((name, vote) for name in names)
        return Certificate(view, sequence, digest, self.primary(view), votes)

    def leaves(self, name: str, view: int, *prepared: Certificate, stable: int = 0) -> ViewChange:
        """An honest one's timer runs out; its VIEW-CHANGE goes to everybody."""
        message = self.view_change(name, view, *prepared, stable=stable)
        if name in self.honest:
            self.rules.timer(self[name], "request")
            assert self.rules.leaves(self[name], view) == ""
            assert self.rules.says(self[name], "view-change", 0, view, 0, message.name) == ""
            assert self.rules.sends_view_change(self[name], message) == ""
        for other in self.honest:
            self.rules.hears_view_change(self[other], message)
        return message

    def view_change(
        self, name: str, view: int, *prepared: Certificate, stable: int = 0
    ) -> ViewChange:
        proof = tuple((n, stable, b"cp") for n in self.names[:3]) if stable else ()
        label = f"{name} wants {view}: {prepared}".encode()
        return ViewChange(name, label, 0, view, stable, proof, prepared)

    def new_view(self, view: int, changes: Iterable[ViewChange], *order: bytes) -> NewView:
        """A NEW-VIEW whose O holds these digests from 1 on; it is sent, if its primary is honest,
        and everybody hears it."""
        primary = self.primary(view)
        proposals = tuple((primary, view, n, digest) for n, digest in enumerate(order, 1))
        named = tuple((change.sender, change.name) for change in changes)
        return NewView(primary, f"NEW-VIEW {view} {order}".encode(), 0, view, named, proposals)

    def hears_new_view(self, message: NewView) -> None:
        for name in self.honest:
            self.rules.hears_new_view(self[name], message)
