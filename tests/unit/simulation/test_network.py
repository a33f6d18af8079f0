"""Lines: latency, bandwidth, chance, and that draws hang on a message's identity alone."""

from __future__ import annotations

from functools import partial

import pytest

from chainsim.simulation import latency
from chainsim.simulation.latency import LatencyModel, constant
from chainsim.simulation.lines import chance
from chainsim.simulation.settings import NetworkSettings, SimulationError, WorldSettings
from chainsim.simulation.world import World
from chainsim.trace import MessageMoved, Recorder
from consensus.effects import Broadcast, Effect, Send, SetTimer
from consensus.events import Event, Receive
from tests.unit.simulation.dummies import (
    MS,
    SECOND,
    Dummy,
    Stage,
    on_boot,
    on_timer,
    ping,
    quiet,
)

COUNT = 4000


def many(network: NetworkSettings, seed: int = 1, count: int = COUNT) -> list[tuple[int, int]]:
    """(when, number) of pings 1..count that leave at time 0 over one line."""
    sends = [Send("b", ping("a", number)) for number in range(1, count + 1)]
    stage = Stage("ab", {"a": on_boot(*sends)}, network=network, seed=seed)
    stage.world.run(1000 * SECOND)
    return [(at_us, number) for at_us, _, number in stage.received("b")]


def quantiles(model: LatencyModel, jitter_ppm: int = 0) -> list[int]:
    times = sorted(at for at, _ in many(NetworkSettings(latency=model, jitter_ppm=jitter_ppm)))
    return [times[len(times) * percent // 100] for percent in (1, 25, 50, 75, 99)]


def near(got: list[int], wanted: list[int], percent: int = 10) -> bool:
    return all(abs(g - w) * 100 <= percent * w for g, w in zip(got, wanted, strict=True))


# Latency


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (constant(5000), [5000] * 5),
        (latency.uniform(1000, 9000), [1080, 3000, 5000, 7000, 8920]),
        (latency.normal(50_000, 10_000), [26_737, 43_255, 50_000, 56_745, 73_263]),
        (latency.lognormal(20_000, 100_000), [4_000, 12_540, 20_000, 31_900, 100_000]),
        (latency.exponential(10_000, 5_000), [5_100, 7_877, 11_931, 18_863, 51_052]),
    ],
    ids=["constant", "uniform", "normal", "lognormal", "exponential"],
)
def test_draws_follow_the_distribution(model: LatencyModel, wanted: list[int]) -> None:
    assert near(quantiles(model), wanted)


def test_normal_is_cut_at_zero() -> None:
    assert quantiles(latency.normal(100, 1000))[0] == 0


def test_jitter_adds_an_exponential_share_of_the_latency() -> None:
    # base + 10 % of base times an exponential with mean 1
    base = 100_000
    wanted = [base + base * e // 10_000 for e in (10, 288, 693, 1386, 4605)]
    assert near(quantiles(constant(base), 100_000), wanted, 3)


def test_jitter_comes_on_top_of_a_distribution() -> None:
    plain = quantiles(latency.uniform(50_000, 50_100))
    jittered = quantiles(latency.uniform(50_000, 50_100), 100_000)
    assert min(plain) >= 50_000
    assert max(plain) <= 50_100
    assert near(jittered, [50_100, 51_490, 53_515, 57_000, 73_000], 2)


def test_the_city_matrix_gives_half_the_round_trip() -> None:
    world = World(
        WorldSettings(
            seed=1, network=NetworkSettings(latency=latency.city_matrix("pakistan-gulf"))
        ),
        Recorder(),
    )
    cities = ("islamabad", "karachi", "dubai", "karachi")
    memories: list[list[Event]] = [[] for _ in cities]
    others = tuple(f"n{i}" for i in range(1, 4))
    for number, city in enumerate(cities):
        react = on_boot(Broadcast(others, ping("n0"))) if number == 0 else quiet
        world.add_node(
            f"n{number}",
            partial(Dummy, f"n{number}", react, memories[number]),
            kind="validator",
            city=city,
        )
    world.run(SECOND)
    arrivals = [[e.now_us for e in memory if isinstance(e, Receive)] for memory in memories]
    assert arrivals == [[], [12_500], [27_500], [12_500]]


def test_a_city_that_the_matrix_has_not_is_refused() -> None:
    settings = NetworkSettings(latency=latency.city_matrix("pakistan-gulf"))
    world = World(WorldSettings(seed=1, network=settings), Recorder())
    with pytest.raises(SimulationError, match='no city "atlantis"'):
        world.add_node("a", lambda: Dummy("a", quiet, []), kind="validator", city="atlantis")
    with pytest.raises(KeyError):
        latency.city_matrix("nowhere")


# Chance


def test_loss_is_about_as_configured_and_counted() -> None:
    sends = [Send("b", ping("a", number)) for number in range(COUNT)]
    stage = Stage(
        "ab", {"a": on_boot(*sends)}, network=NetworkSettings(latency=constant(1), loss_ppm=200_000)
    )
    stage.world.run(SECOND)
    counts = stage.world.messages()
    lost = counts.dropped_by_cause["loss"]
    assert 720 < lost < 880
    assert counts.sent == {"ping": COUNT}
    assert counts.delivered == {"ping": COUNT - lost} == {"ping": len(stage.received("b"))}


def test_duplicates_arrive_twice_with_a_latency_each() -> None:
    network = NetworkSettings(latency=latency.uniform(1000, 9000), duplicate_ppm=100_000)
    arrivals = many(network)
    twice = [n for n in range(1, COUNT + 1) if sum(1 for _, m in arrivals if m == n) == 2]
    assert 340 < len(twice) < 460
    assert len(arrivals) == COUNT + len(twice)
    gaps = {abs(a - b) for n in twice for a, b in [[at for at, m in arrivals if m == n]]}
    assert len(gaps) > len(twice) // 2


def test_certain_and_impossible_chances_are_exact() -> None:
    assert many(NetworkSettings(latency=constant(1), loss_ppm=1_000_000)) == []
    doubled = many(NetworkSettings(latency=constant(1), duplicate_ppm=1_000_000))
    assert len(doubled) == 2 * COUNT


def test_reorder_adds_a_further_delay() -> None:
    arrivals = many(NetworkSettings(latency=constant(7000), reorder_ppm=250_000))
    late = [at for at, _ in arrivals if at != 7000]
    assert 900 < len(late) < 1100
    assert set(late) == {14_000}


# Bandwidth


def test_the_senders_card_puts_one_copy_after_another_on_the_wire() -> None:
    message = ping("a", 1, "x" * 1000)
    bits = message.wire_size * 8
    network = NetworkSettings(latency=constant(10 * MS), bandwidth_bps=1_000_000)
    boot = [Broadcast(("b", "c"), message), Send("b", ping("a", 2, "x" * 1000))]
    stage = Stage(
        "abc", {"a": on_boot(*boot), "c": on_boot(Send("b", ping("c", 9)))}, network=network
    )
    stage.world.run(SECOND)
    # One bit takes a microsecond. c's card is its own.
    assert stage.times("c") == [10 * MS + 2 * bits]
    from_a = [at for at, sender, _ in stage.received("b") if sender == "a"]
    assert from_a == [10 * MS + bits, 10 * MS + 3 * bits]
    assert next(at for at, sender, _ in stage.received("b") if sender == "c") < 10 * MS + bits


def test_the_card_is_still_busy_with_what_came_before_and_ends_on_whole_microseconds() -> None:
    message = ping("a", 1, "x" * 1000)
    bits = message.wire_size * 8
    network = NetworkSettings(latency=constant(10 * MS), bandwidth_bps=3_000_000)
    boot = [Broadcast(("b",), message), Broadcast(("b",), ping("a", 2, "x" * 1000))]
    stage = Stage("ab", {"a": on_boot(*boot)}, network=network)
    stage.world.run(SECOND)
    ends = [-(-bits // 3), -(-2 * bits // 3)]  # rounded up: never before the last bit
    assert stage.times("b") == [10 * MS + end for end in ends]


def test_chances_are_never_rounded_away() -> None:
    assert [chance(ppm) for ppm in (0, 1, 500_000, 1_000_000)] == [0, 2, 1 << 19, 1 << 20]


def test_a_message_to_oneself_takes_no_line_and_a_strangers_is_counted() -> None:
    network = NetworkSettings(latency=constant(10 * MS), bandwidth_bps=1000, loss_ppm=1_000_000)
    boot = [Send("a", ping("a", 1)), Broadcast(("nobody", "a"), ping("a", 2))]
    stage = Stage("a", {"a": on_boot(*boot)}, network=network)
    stage.world.run(SECOND)
    assert [(at, number) for at, _, number in stage.received("a")] == [(0, 1), (0, 2)]
    assert stage.world.messages().dropped_by_cause == {"unknown": 1}


def test_naming_a_receiver_twice_sends_twice() -> None:
    stage = Stage("ab", {"a": on_boot(Broadcast(("b", "b"), ping("a")))})
    stage.world.run(SECOND)
    assert stage.times("b") == [10 * MS, 10 * MS]


# Identity


RANDOM = NetworkSettings(latency=latency.uniform(1000, 90_000), loss_ppm=300_000)


def test_draws_depend_on_the_seed() -> None:
    assert many(RANDOM, seed=1) == many(RANDOM, seed=1)
    assert many(RANDOM, seed=1) != many(RANDOM, seed=2)


def test_draws_ignore_content_and_what_else_is_sent() -> None:
    def run(sends: list[Effect]) -> dict[int, list[int]]:
        stage = Stage("abc", {"a": on_boot(*sends)}, network=RANDOM)
        stage.world.run(10 * SECOND)
        numbers: dict[int, list[int]] = {}
        for at, _, number in stage.received("b"):
            numbers.setdefault(number, []).append(at)
        return numbers

    plain = run([Send("b", ping("a", n)) for n in range(50)])
    told = run([Send("b", ping("a", n, "different content")) for n in range(50)])
    assert plain == told
    mixed = run(
        [
            effect
            for n in range(50)
            for effect in (
                Send("c", ping("a", n)),
                Send("b", ping("a", n)),
                Send("b", ping("x", n)),
            )
        ]
    )
    assert all(set(times) <= set(mixed[n]) for n, times in plain.items())


def test_repeats_of_one_message_draw_afresh() -> None:
    sends = [Send("b", ping("a", 1)) for _ in range(200)]
    stage = Stage("ab", {"a": on_boot(*sends)}, network=RANDOM)
    stage.world.run(SECOND)
    assert 110 < len(stage.received("b")) < 170
    assert len(set(stage.times("b"))) > 100


@pytest.mark.parametrize("loss_ppm", [0, 1])
def test_a_broadcast_draws_apart_for_each_receiver(loss_ppm: int) -> None:
    names = [f"n{i}" for i in range(200)]
    stage = Stage(
        names,
        {"n0": on_boot(Broadcast(tuple(names[1:]), ping("n0")))},
        network=NetworkSettings(latency=latency.uniform(0, SECOND), loss_ppm=loss_ppm),
    )
    stage.world.run(2 * SECOND)
    times = {at for name in names for at in stage.times(name)}
    assert len(times) > 180


def test_absurd_numbers_are_a_liars_and_harm_nobody() -> None:
    for number in ((1 << 64) - 1, -(1 << 63)):
        stage = Stage("abc", {"a": on_boot(Broadcast(("b", "c"), ping("a", number)))})
        stage.world.run(SECOND)
        assert len(stage.received("b")) == len(stage.received("c")) == 1


# Tracing


def story(level: str) -> tuple[str, Stage]:
    network = NetworkSettings(latency=constant(7000), jitter_ppm=500_000, bandwidth_bps=10_000_000)
    boot: list[Effect] = [Broadcast(("b", "c"), ping("a", n, "x" * n)) for n in range(1, 50)]
    timers: dict[str, list[Effect]] = {"t": [Send("c", ping("a", 99)), Send("down", ping("a", 98))]}
    stage = Stage(
        "abc",
        {"a": on_timer(timers, [*boot, SetTimer(("t",), 500)])},
        network=network,
        recorder=Recorder(level),  # type: ignore[arg-type]
    )
    if level == "messages":
        stage.listen(MessageMoved)
    stage.world.run(SECOND)
    return stage.recorder.digest(), stage


def test_tracing_messages_changes_nothing() -> None:
    quiet_digest, silent = story("off")
    traced_digest, traced = story("messages")
    assert quiet_digest == traced_digest
    assert silent.memory == traced.memory
    moved = [r.what for r in traced.records if isinstance(r, MessageMoved)]
    assert (moved.count("sent"), moved.count("delivered"), moved.count("dropped")) == (99, 99, 1)
    assert traced.world.messages() == silent.world.messages()


def test_a_delivery_record_says_who_sent_what() -> None:
    _, stage = story("messages")
    last = [r for r in stage.records if isinstance(r, MessageMoved) and r.sequence == 99][-1]
    assert (last.what, last.node, last.peer, last.type) == ("delivered", "c", "a", "ping")
    assert last.size == ping("a", 99).wire_size
