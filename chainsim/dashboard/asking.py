"""A question in the bottom row, and the answer as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


class Question:
    """``take`` is given the answer once it is complete."""

    def __init__(self, words: str, take: Callable[[str], None], answer: str = "") -> None:
        self._words: Final = words
        self._take: Final = take
        self._answer = answer

    def __str__(self) -> str:
        return f"{self._words}: {self._answer}"

    def press(self, key: str) -> bool:
        """Takes a key; False once the question is answered, or nobody wants to answer it."""
        if key == "escape":
            return False
        if key == "enter":
            self._take(self._answer.strip())
            return False
        if key == "backspace":
            self._answer = self._answer[:-1]
        elif key == "ctrl-u":
            self._answer = ""
        elif len(key) == 1 and key.isprintable():
            self._answer += key
        return True
