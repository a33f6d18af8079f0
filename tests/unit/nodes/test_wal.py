"""Rule 25: the bytes of durable files. Whatever is wrong with them shows, and nothing raises."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chainsim.testing import cluster
from consensus.effects import Effect, Persist
from consensus.encoding import encode
from consensus.records import EpochRecord, HaltedRecord, LogRecord, MutedRecord, StableRecord
from nodes import durable, wal
from nodes.block import Block
from nodes.durable import BESIDE, FORMATS, SUPERBLOCK, Superblock
from nodes.wal import FileId, Mark, Reading
from tests.unit.pbft.bench import Bench, Host

LOG = FORMATS["log"].decoder
ID = FileId("r1", "log", 3)
EVERY_RECORD = {kind.__name__ for kind in LogRecord.__args__}  # type: ignore[attr-defined]


@functools.cache
def real_logs() -> tuple[tuple[Any, ...], ...]:
    """All that the replicas of a run with a view change and checkpoints wrote to their logs, and
    what is left after the last compaction."""
    bench = Bench(4, checkpoint_interval=2, window=4)
    logs: list[list[Any]] = []
    for host in bench.hosts.values():
        logs.append([])
        host._apply = _noting(host, logs[-1])  # type: ignore[method-assign]
    for number in range(1, 4):
        bench.submit(number, to="all")
        bench.run_for(200_000)
    bench.rule = lambda source, _to, _m: source != "r0"
    bench.submit(4, to="all")
    bench.run_for(4_000_000)
    return (*(tuple(log) for log in logs), *(tuple(host.log) for host in bench.hosts.values()))


def _noting(host: Host, log: list[Any]) -> Callable[[Effect], None]:
    apply = host._apply

    def note(effect: Effect) -> None:
        if isinstance(effect, Persist):
            log.append(effect.record)
        apply(effect)

    return note


@functools.cache
def small() -> tuple[tuple[Any, ...], bytes, Mark]:
    """Three records, the file that they are in, and its mark."""
    records = tuple(HaltedRecord(f"reason {n}") for n in (1, 2, 3))
    data = wal.new_file(ID, [encode(record) for record in records])
    return records, data, Mark(ID.generation, len(records), len(data))


def read(data: bytes, mark: Mark, id_: FileId = ID) -> Reading:
    return wal.read(data, id_.owner, id_.area, mark, LOG)


# What is written is read


def test_rule_25_a_real_log_is_read_as_it_was_written() -> None:
    seen = set()
    stable = [r for log in real_logs() for r in log if isinstance(r, StableRecord)]
    others = (EpochRecord(stable[0].certified), HaltedRecord("a fork"), MutedRecord("a ray"))
    for log in (*real_logs(), others):
        data = wal.new_file(ID, [encode(record) for record in log])
        reading = read(data, Mark(ID.generation, len(log), len(data)))
        assert (reading.records, reading.damage, reading.torn) == (log, "", 0)
        assert reading.length == len(data)
        seen |= {type(record).__name__ for record in log}
    assert seen == EVERY_RECORD


def test_rule_25_what_was_signed_verifies_after_a_boot() -> None:
    """A decoded message says, byte for byte, what was signed."""
    log = real_logs()[1]
    data = wal.new_file(ID, [encode(record) for record in log])
    again = read(data, Mark(ID.generation, len(log), len(data))).records
    for before, after in zip(log, again, strict=True):
        for name in ("pre_prepare", "checkpoint", "view_change", "new_view"):
            if hasattr(before, name):
                old, new = getattr(before, name), getattr(after, name)
                assert old is not new
                assert (old.signing_bytes, old.digest_bytes) == (
                    new.signing_bytes,
                    new.digest_bytes,
                )
                assert old.signature == new.signature


def test_rule_25_blocks_are_read_as_they_were_written() -> None:
    c = cluster(n=4)
    c.submit("one", "two", "three")
    c.run()
    chain = c.chain("r0")
    assert any(block.receipts for block in chain)
    for block in chain:
        again = FORMATS["blocks"].decoder.decode(encode(block))
        assert isinstance(again, Block)
        assert again == block
        assert again.header.hash == block.header.hash
        assert again.batch.digest == block.batch.digest


# What is damaged shows


def test_rule_25_every_flipped_bit_below_the_mark_is_damage() -> None:
    records, data, mark = small()
    ends = wal.ends(data)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        reading = read(bytes(flipped), mark)
        assert reading.damage, f"bit {bit}"
        sound = sum(1 for end in ends if end * 8 <= bit)  # the header counts as one
        assert reading.records == records[: max(0, sound - 1)]


def test_rule_25_a_file_that_ends_below_the_mark_is_damage() -> None:
    records, data, mark = small()
    for length in range(len(data)):
        reading = read(data[:length], mark)
        assert reading.damage
        assert reading.records == records[: len(reading.records)]


def test_rule_25_a_torn_tail_beyond_the_mark_is_cut_at_every_byte() -> None:
    for log in real_logs()[1], real_logs()[-1]:
        payloads = [encode(record) for record in log]
        data = wal.new_file(ID, payloads)
        start = wal.ends(data)[0]
        fresh = wal.new_file(ID)
        tail = data[start:]  # what was appended to a new file and never synced
        mark = Mark(ID.generation, 0, len(fresh))
        ends = [end - start for end in wal.ends(data)]
        for kept in range(len(tail) + 1):
            reading = wal.read(fresh + tail[:kept], ID.owner, ID.area, mark, LOG)
            whole = sum(1 for end in ends[1:] if end <= kept)
            assert reading.records == log[:whole]
            assert (reading.length, reading.torn) == (
                len(fresh) + ends[whole],
                kept - ends[whole],
            )
            assert not reading.damage


def test_rule_25_a_frame_in_another_place_is_damage() -> None:
    records, data, mark = small()
    header, one, two, three = wal.ends(data)
    frames = [data[header:one], data[one:two], data[two:three]]
    for order in ((1, 0, 2), (0, 0, 2), (0, 1, 1), (0, 2, 1)):
        moved = data[:header] + b"".join(frames[n] for n in order)
        reading = read(moved, mark)
        assert reading.damage
        kept = next(n for n in range(3) if order[n] != n)
        assert reading.records == records[:kept]


@pytest.mark.parametrize(
    "other", [FileId("r2", "log", 3), FileId("r1", "blocks", 3), FileId("r1", "log", 2)]
)
def test_rule_25_a_frame_of_another_file_is_damage(other: FileId) -> None:
    """Another node's, another area's, or of the same log before it was compacted."""
    records, data, mark = small()
    foreign = wal.new_file(other, [encode(record) for record in records])
    assert len(foreign) == len(data)
    assert read(foreign, mark).damage
    ends = wal.ends(data)
    mixed = data[: ends[1]] + foreign[ends[1] : ends[2]] + data[ends[2] :]
    assert read(mixed, mark).records == records[:1]
    assert read(mixed, mark).damage


def test_rule_25_an_older_file_than_the_durable_one_is_damage() -> None:
    _, data, mark = small()
    later = Mark(mark.generation + 1, 0, 0)
    assert "generation 3 lies where 4 was durable" in read(data, later).damage


def test_a_file_that_took_its_place_before_the_mark_followed_says_itself_what_it_held() -> None:
    records, data, mark = small()
    before = Mark(mark.generation - 1, 100, 10_000)
    assert read(data, before).records == records
    assert not read(data, before).damage
    for length in range(len(data)):
        assert read(data[:length], before).damage
    more = data + wal.frame(ID.key, 4, encode(records[0]))
    assert read(more, before).records == (*records, records[0])
    assert read(more[:-1], before).records == records
    assert not read(more[:-1], before).damage


def test_a_record_that_nobody_knows_is_damage() -> None:
    """Its checksum is right; it is somebody else's format."""
    data = wal.new_file(ID, [encode({"type": "of-the-future"}), encode(None)])
    reading = read(data, Mark(ID.generation, 2, len(data)))
    assert reading.records == ()
    assert reading.damage == "record 0 is of no kind that is known here"


# Nothing raises


@settings(max_examples=300)
@given(st.binary(max_size=400), st.integers(0, 5), st.integers(0, 5), st.integers(0, 500))
def test_arbitrary_bytes_never_raise(data: bytes, generation: int, records: int, n: int) -> None:
    for whole in (data, wal.MAGIC + data, small()[1] + data):
        for format_ in FORMATS.values():
            reading = wal.read(whole, "r1", "log", Mark(generation, records, n), format_.decoder)
            assert reading.length + reading.torn in (len(whole), reading.length)
    assert wal.read(data, "r1", "log", Mark(generation, records, n), LOG).records == ()
    assert durable.read_superblock(data, "r1") is None
    assert durable.read_superblock(wal.MAGIC + data, "r1") is None
    files = {SUPERBLOCK: data, "log": data, "blocks": data, "log" + BESIDE: data}
    assert durable.find(files, "r1", FORMATS).forgotten


@settings(max_examples=300)
@given(st.data())
def test_arbitrary_edits_of_a_log_never_raise_nor_invent_a_record(data: st.DataObject) -> None:
    log = real_logs()[1]
    whole = wal.new_file(ID, [encode(record) for record in log])
    marked = data.draw(st.integers(0, len(log)))
    mark = Mark(ID.generation, marked, wal.ends(whole)[marked])
    garbled = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(garbled)))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "delete", "copy"])):
            case "flip" if at < len(garbled):
                garbled[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del garbled[at:]
            case "insert":
                garbled[at:at] = data.draw(st.binary(min_size=1, max_size=40))
            case "delete":
                del garbled[at : at + data.draw(st.integers(1, 40))]
            case _:
                source = data.draw(st.integers(0, len(garbled)))
                garbled[at:at] = garbled[source : source + data.draw(st.integers(1, 400))]
    reading = read(bytes(garbled), mark)
    assert reading.records == log[: len(reading.records)]
    if bytes(garbled[: mark.length]) == whole[: mark.length]:
        assert not reading.damage
    else:
        assert reading.damage


# The superblock


def superblock(booted: bool = True, **marks: Mark) -> bytes:
    return durable.write_superblock(Superblock("r1", booted, dict(marks)))


def test_rule_25_every_flipped_bit_and_every_cut_of_the_superblock_is_amnesia() -> None:
    records, log, mark = small()
    sound = superblock(log=mark)
    assert durable.find({SUPERBLOCK: sound, "log": log}, "r1", FORMATS).files["log"] == read(
        log, mark
    )
    broken = [sound[:length] for length in range(1, len(sound))] + [sound + b"\0"]
    for bit in range(len(sound) * 8):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        broken.append(bytes(flipped))
    for data in broken:
        found = durable.find({SUPERBLOCK: data, "log": log}, "r1", FORMATS)
        assert "its superblock is damaged" in found.forgotten
        assert not found.files
    assert durable.read_superblock(sound, "r2") is None
    assert records


def test_rule_25_a_disk_without_superblock_is_amnesia_and_so_is_one_without_its_log() -> None:
    _, log, mark = small()
    assert "its disk is empty" in durable.find({}, "r1", FORMATS).forgotten
    assert "its superblock" in durable.find({"log": log}, "r1", FORMATS).forgotten
    lost = durable.find({SUPERBLOCK: superblock(log=mark)}, "r1", FORMATS)
    assert "its vote log is damaged" in lost.forgotten


def test_rule_25_a_disk_that_is_said_to_be_new_holds_no_votes() -> None:
    _, log, mark = small()
    image = {SUPERBLOCK: superblock(booted=False, log=mark), "log": log}
    assert "said to be new" in durable.find(image, "r1", FORMATS).forgotten
    empty = wal.new_file(FileId("r1", "log"))
    image = {SUPERBLOCK: superblock(booted=False, log=Mark(1, 0, len(empty))), "log": empty}
    assert not durable.find(image, "r1", FORMATS).forgotten


def test_rule_25_damage_in_the_vote_log_is_amnesia_and_elsewhere_is_cut_off() -> None:
    records, log, mark = small()
    known = {
        "log": FORMATS["log"],
        "blocks": msgspec.structs.replace(FORMATS["log"], binds=False),
    }
    blocks = wal.new_file(FileId("r1", "blocks", 3), [encode(record) for record in records])
    sound = {SUPERBLOCK: superblock(log=mark, blocks=mark), "log": log, "blocks": blocks}
    assert not durable.find(sound, "r1", known).repaired  # type: ignore[arg-type]
    ends = wal.ends(log)
    rotten = bytearray(sound["log"])
    rotten[ends[1] + 5] ^= 1
    found = durable.find({**sound, "log": bytes(rotten)}, "r1", known)  # type: ignore[arg-type]
    assert found.forgotten == "its vote log is damaged: record 1 can't be read"
    rotten = bytearray(sound["blocks"])
    rotten[ends[1] + 5] ^= 1
    found = durable.find({**sound, "blocks": bytes(rotten)}, "r1", known)  # type: ignore[arg-type]
    assert not found.forgotten
    assert found.repaired == "blocks from 2 on are damaged, and fetched again"
    assert found.files["blocks"].records == records[:1]
    assert found.files["log"].records == records


@example(b"")
@given(st.binary(max_size=30))
def test_what_lies_beside_a_file_is_never_read(data: bytes) -> None:
    _, log, mark = small()
    image = {SUPERBLOCK: superblock(log=mark), "log": log, "log" + BESIDE: data}
    found = durable.find(image, "r1", FORMATS)
    assert found.files["log"] == read(log, mark)
    assert bool(found.repaired) == bool(data)
