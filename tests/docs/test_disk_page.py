"""The page about disks says enough to read one: its own reader, its own example."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from consensus.encoding import encode
from nodes import wal
from tests.docs.generated import example_log
from tests.docs.pages import ROOT, blocks
from tests.unit.nodes.test_wal import real_logs

PAGE = (ROOT / "docs" / "disk.md").read_text("utf-8")


def reader() -> Any:
    """``frames`` as the page gives it."""
    (source,) = [block.text for block in blocks(PAGE) if block.language == "python"]
    names: dict[str, Any] = {}
    exec(source, names)
    return names["frames"]


def test_the_example_is_read_by_the_reader_of_the_page() -> None:
    (dump,) = [block.text for block in blocks(PAGE) if block.language == "text"]
    data = b"".join(
        bytes.fromhex(line) for line in re.findall(r"^ *\d+  ([0-9a-f ]{2,47})", dump, re.MULTILINE)
    )
    assert data == example_log()
    header, record = reader()(data, "v0", "log")
    assert header == [1, 0, 0]
    assert record == {"type": "halted", "reason": "another state"}


def test_the_reader_of_the_page_reads_what_is_written_and_stops_at_damage() -> None:
    frames = reader()
    for log in real_logs():
        payloads = [encode(record) for record in log]
        data = wal.new_file(wal.FileId("r1", "log", 7), payloads)
        read = list(frames(data, "r1", "log"))
        assert read[0] == [7, len(log), len(data) - wal.ends(data)[0]]
        assert read[1:] == [msgspec.msgpack.decode(payload) for payload in payloads]
        assert list(frames(data, "r2", "log")) == []
        flipped = bytearray(data)
        flipped[wal.ends(data)[1]] ^= 1
        assert list(frames(bytes(flipped), "r1", "log")) == read[:2]
