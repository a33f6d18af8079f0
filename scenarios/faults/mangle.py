"""``mangle``: something happens to just those messages that match."""

from __future__ import annotations

from consensus.messages import MESSAGE_TYPES
from scenarios.faults import primitives
from scenarios.faults.base import Ends, LineFault, Whole, several
from scenarios.units import Duration, Probability

_FIELDS = {kind.TYPE: kind.__struct_fields__ for kind in MESSAGE_TYPES}
_ACTIONS = ("drop", "delay", "duplicate", "replay", "corrupt")
_MOST_COPIES = 8


class Mangle(LineFault, frozen=True, kw_only=True, tag="mangle"):
    """Messages that match all of what is given are dropped, delayed, doubled, replayed or
    damaged. Of several that match a message, the first in the file has it to itself."""

    type: Ends = ()
    """Types of messages (``prepare``, ``new-view`` …); left out: all."""
    view: Whole | None = None
    """The view that the message names (0, if its type names none)."""
    sequence: Whole | None = None
    """The sequence or request number that it names (0, if its type names none)."""
    nth: Whole | None = None
    """Only the nth that matches the above, from 1, counted over all lines (a broadcast is one
    message to each receiver) since the fault began."""
    probability: Probability = 1_000_000
    """The share of what matches that is hit."""

    drop: bool = False
    """It is lost."""
    delay: Duration | None = None
    """It takes so much longer."""
    duplicate: Whole | None = None
    """So many copies more arrive (1 to 8), each in its own time."""
    replay: Duration | None = None
    """It arrives, and a second time so much later."""
    corrupt: str | None = None
    """This field is damaged on the way, the signature left as it is."""

    def _may_be_everywhere(self) -> bool:
        return True

    def check(self) -> None:
        given = [name for name in _ACTIONS if getattr(self, name) not in (None, False)]
        if len(given) != 1:
            raise ValueError(f"wanted exactly one of {', '.join(_ACTIONS)}")
        unknown = [kind for kind in several(self.type) if kind not in _FIELDS]
        if unknown:
            raise ValueError(f'no message has the type "{unknown[0]}"; one of {", ".join(_FIELDS)}')
        if self.nth == 0:
            raise ValueError("nth counts from 1")
        if self.duplicate is not None and not 1 <= self.duplicate <= _MOST_COPIES:
            raise ValueError(f"wanted 1 to {_MOST_COPIES} copies (duplicate)")
        if not self.probability:
            raise ValueError("probability must be above zero")
        self._check_field()

    def _check_field(self) -> None:
        if self.corrupt is None:
            return
        kinds = several(self.type) or tuple(_FIELDS)
        fields = sorted({name for kind in kinds for name in _FIELDS[kind]})
        if self.corrupt not in fields:
            raise ValueError(f'no field "{self.corrupt}" to corrupt; one of {", ".join(fields)}')

    def primitives(self) -> tuple[primitives.Primitive, ...]:
        return (
            primitives.Mangle(
                sources=self.sources(),
                targets=self.targets(),
                types=several(self.type),
                view=self.view,
                sequence=self.sequence,
                nth=self.nth,
                ppm=self.probability,
                drop=self.drop,
                delay_us=self.delay or 0,
                copies=self.duplicate or 0,
                replay_us=self.replay,
                field=self.corrupt,
            ),
        )
