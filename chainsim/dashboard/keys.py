"""Bytes from a raw terminal as names of keys, by prompt_toolkit's parser of escape sequences."""

from __future__ import annotations

import codecs
from typing import Final

from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys

NAMES: Final[dict[str, str]] = {
    Keys.Up.value: "up",
    Keys.Down.value: "down",
    Keys.Left.value: "left",
    Keys.Right.value: "right",
    Keys.PageUp.value: "page-up",
    Keys.PageDown.value: "page-down",
    Keys.Home.value: "home",
    Keys.End.value: "end",
    Keys.ControlM.value: "enter",
    Keys.ControlJ.value: "enter",
    Keys.ControlH.value: "backspace",
    Keys.ControlC.value: "ctrl-c",
    Keys.ControlD.value: "ctrl-d",
    Keys.ControlL.value: "ctrl-l",
    Keys.ControlZ.value: "ctrl-z",
    Keys.ControlU.value: "ctrl-u",
    Keys.Escape.value: "escape",
    Keys.Tab.value: "tab",
}


class KeyReader:
    """Feeds bytes, takes key names. A lone Escape is known only when nothing follows: ``flush``."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._decode: Final = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._parser: Final = Vt100Parser(self._on_key)

    def _on_key(self, press: KeyPress) -> None:
        key = press.key
        if isinstance(key, Keys):
            if key is Keys.BracketedPaste:
                self._found.extend(press.data)
            elif key.value in NAMES:
                self._found.append(NAMES[key.value])
        else:
            self._found.append(key)

    def feed(self, data: bytes) -> list[str]:
        """The keys that are complete."""
        self._parser.feed(self._decode(data))
        return self._take()

    def flush(self) -> list[str]:
        """What waits is all there is."""
        self._parser.flush()
        return self._take()

    def _take(self) -> list[str]:
        found, self._found = self._found, []
        return found
