"""Castro and Liskov's PBFT, the signed-message variant: theory of operation.

Sources: Castro & Liskov, OSDI '99 and TOCS '02; Castro's thesis. Rule numbers are those of
``consensus/pbft/README.md``.

**The problem.** n validators, of which at most f = floor((n-1)/3) are hostile, must execute the
same batches in the same order. A decision needs Q = ceil((n+f+1)/2) votes: two sets of Q
validators share at least f+1, hence an honest one, so two decisions can't contradict each other
(rule 1). A statement of W = f+1 validators has at least one honest author.

**Views.** In view v the validator v mod n is the primary and proposes. Everybody else is a
backup. If the primary doesn't bring a client's request to execution in time, the backups move
to the next view.

**Normal case** (``requests``, ``proposing``, ``normal_case``, ``slot``; rules 3 to 8)::

    client      primary         backups
      | request    |               |
      |----------->| pre-prepare   |   "in view v, slot n is batch d"
      |            |-------------->|
      |            |<-- prepare -->|   "I accepted d at (v, n)": Q-1 of them and the
      |            |               |    PRE-PREPARE make a prepared certificate; no other
      |            |               |    digest can have one in this view
      |            |<-- commit --->|   "d is prepared with me": Q of them decide; a quorum
      |            |               |    holds certificates, so every later view knows d
      |<-- reply --|-- reply ------|   after execution; the client believes f+1 alike

**Checkpoints** (``checkpoints``; rules 9 to 11). Every K slots a replica signs a digest of its
state. Q alike make it stable: the low watermark h moves there, the log below is dropped, and
slots up to H = h + L may be proposed.

**View change** (``view_change``, ``new_view``, ``view_entrance``; rules 12 to 16, 19). A replica
that gives up on view v signs VIEW-CHANGE(v+1) with its stable checkpoint C and, for each slot
above it, the prepared certificate of the highest view (P). From Q of those the new primary
computes what its view must start with: for each slot the digest of the highest certificate, or
null. Everybody computes the same from the same VIEW-CHANGEs, so a NEW-VIEW is checked by doing it
again. A decided slot had Q certificates; any Q VIEW-CHANGEs hold one of an honest replica; so the
decision survives.

**Timers** (``timeouts``; rules 18 and 20) only bring liveness: each client's oldest waiting
request has a deadline; a view change that leads nowhere is followed by the next with doubled
time-outs.

**Retransmission and catching up** (``catch_up``; rules 16 and 17). Replicas say where they stand;
peers resend what is missing. Decided batches travel with their commit certificates, so nobody
needs to be believed.

**State transfer** (``state_transfer``; rule 22). Old batches are not kept for ever. Who is behind
by more than a window fetches the state at a checkpoint instead: W matching CHECKPOINTs are enough
to start, Q to adopt it. The digest that they sign commits to header, reply table and epoch; the
header to the state; so each piece is checked when it comes, whoever sent it, and who sent a wrong
one isn't asked again::

    r3 (lags)        r0              r1              r2
      | STATUS         |               |               |    "I executed 29"
      |<- STATE-PROOF -|               |               |    225: Q CHECKPOINTs and their state
      |- FETCH-STATE ->|-------------->|-------------->|    header, replies, what differs
      |<-- STATE ------|<- junk -------|<-- STATE -----|    wrong: r1 isn't asked again
      | install: one record, state, replies and epoch; h = 225; only now it votes

A replica whose own state is not the one that a quorum signed (rule 11) does the same, and follows
from then on without a vote. The ledger is hidden behind ``StateStore``; its validator keeps the
last stable states as trees that share what didn't change, and serves and writes only differences.

**Durability** (``recovery``, ``guard``; rules 23 and 24). What a message promises is persisted
before the message leaves: the order of effects says so. After a crash the log implies what was
signed; the guard refuses a second digest under one key.

**Membership** (``membership``, ``consensus/configurations``; rules 26 to 29). A change of the
committee is ordered like any request; executed in block c, it takes effect after B, the first
checkpoint by which nothing that the old committee may have in flight is undecided. Up to B the
primary fills with nulls; CHECKPOINT(B), signed by a quorum of the old committee, names the new
one and ends the epoch. The next begins in view 0 with h = B and an empty log. Whoever knows the
first committee can follow such checkpoints to the newest, without having seen a block::

        slots    … c ········· B | B+1 …
        decided by  epoch e      | epoch e+1
                 change ordered  ^ CHECKPOINT(B) stable: everybody switches

``replica`` only routes events to these rooms; ``core`` is the state that they share.
"""
