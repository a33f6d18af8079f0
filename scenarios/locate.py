"""Finds the line on which a path of a TOML document was written.

``tomllib`` forgets where values came from. Paths are wanted only for error messages, so a
scan of the text is enough: it follows table headers, and keys that begin a line or stand in
an inline table, and steps over strings, comments and brackets.
"""

from __future__ import annotations

import re
from typing import Final

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_TOKEN: Final = re.compile(
    r'(?P<string>"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<comment>#[^\n]*)"
    r"|(?P<newline>\n)"
    r"|(?P<mark>[\[\]{},=])"
    r"|(?P<word>[^\s\[\]{},=#\"']+)",
    re.DOTALL,
)


class _Scan:
    """One pass over a document; ``lines`` maps paths to line numbers."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._prefix = ""
        self._stack: list[list[str | int]] = []
        """Open brackets inside a value: [path so far, index or -1 for a table]."""
        self._key = ""
        self._path = ""

    def note(self, path: str, line: int) -> None:
        self.lines.setdefault(path, line)

    def header(self, array: bool, dotted: str, line: int) -> None:
        parts = [part.strip().strip("\"'") for part in dotted.split(".")]
        path = ""
        for position, part in enumerate(parts):
            path = f"{path}.{part}" if path else part
            last = position == len(parts) - 1
            if last and array:
                self._counts[path] = self._counts.get(path, -1) + 1
                self.note(path, line)
            if path in self._counts:
                path = f"{path}[{self._counts[path]}]"
        self._prefix = path
        self.note(path, line)

    def word(self, text: str) -> None:
        self._key = self._key + text

    def mark(self, mark: str, line: int) -> None:
        if mark == "=":
            base = str(self._stack[-1][0]) if self._stack else self._prefix
            keys = [part.strip("\"'") for part in self._key.split(".")]
            self._path = ".".join(part for part in (base, *keys) if part)
            self.note(self._path, line)
            self._key = ""
        elif mark in "[{":
            if self._stack and self._stack[-1][1] != -1:
                self._path = self._item(line)
            self._stack.append([self._path, 0 if mark == "[" else -1])
        elif mark in "]}" and self._stack:
            self._stack.pop()
            self._key = ""
        elif mark == "," and self._stack:
            index = self._stack[-1][1]
            if isinstance(index, int) and index >= 0:
                self._stack[-1][1] = index + 1
            self._key = ""

    def _item(self, line: int) -> str:
        base, index = self._stack[-1]
        path = f"{base}[{index}]"
        self.note(path, line)
        return path

    def value(self, line: int) -> None:
        """A string or word that may be an array's item."""
        if self._stack and self._stack[-1][1] != -1:
            self._item(line)

    @property
    def inside(self) -> bool:
        return bool(self._stack)

    def end_of_line(self) -> None:
        if not self._stack:
            self._key = ""


def key_lines(text: str) -> dict[str, int]:
    """Line numbers (from 1) of every table, key and array item of a valid TOML text."""
    scan = _Scan()
    line, position, line_start = 1, 0, True
    while position < len(text):
        if line_start and not scan.inside:
            stop = text.find("\n", position)
            found = _HEADER.match(text[position : stop if stop >= 0 else len(text)])
            if found is not None:
                scan.header(found[1] == "[[", found[2], line)
                position += found.end()
                line_start = False
                continue
        line_start = False
        token = _TOKEN.match(text, position)
        if token is None:
            position += 1
            continue
        if token["newline"]:
            scan.end_of_line()
            line_start = True
        elif token["mark"]:
            scan.mark(token["mark"], line)
        elif token["string"] or token["word"]:
            scan.value(line)
            scan.word(token["string"] or token["word"])
        line += token[0].count("\n")
        position = token.end()
    return scan.lines


def line_of(path: str, lines: dict[str, int]) -> int | None:
    """The line of ``path``, or of the nearest thing around it that was written."""
    while path:
        if path in lines:
            return lines[path]
        cut = max(path.rfind("."), path.rfind("["))
        path = path[:cut] if cut > 0 else ""
    return None
