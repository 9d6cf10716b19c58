"""Replay: records come in order of time, each when it is due, whatever the logs and the target do.

The clock is one that moves only when somebody sleeps, or where a test says that something takes time.
"""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import math
import os
import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest
import trio

from ndstream import logs
from ndstream._errors import DecodeError
from ndstream.logs._replay.lag import Lag

BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
NANOSECONDS = 1767225600 * 10**9
"""The same."""


class Clock:
    """A clock that sleeping moves. `delay` is what each delivery takes, `overshoot` what each sleep takes too long."""

    def __init__(self, delay: int = 0, overshoot: int = 0) -> None:
        self.time = 5 * 10**9
        self.delay = delay
        self.overshoot = overshoot
        self.reads = 0
        self.deliveries: list[tuple[float, Any]] = []

    def read(self) -> int:
        self.reads += 1
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += round(seconds * 10**9) + self.overshoot

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def deliver(self, value: Any) -> None:
        self.deliveries.append(((self.time - 5 * 10**9) / 10**9, value))
        self.time += self.delay

    async def adeliver(self, value: Any) -> None:
        self.deliver(value)

    @property
    def numbers(self) -> list[Any]:
        return [value["n"] for _, value in self.deliveries]

    @property
    def moments(self) -> list[float]:
        return [moment for moment, _ in self.deliveries]


def log(*seconds: float | None, first: int = 0) -> bytes:
    """A log with one record for each time, in seconds since the first of January; None for one without a stamp."""
    return b"".join(
        orjson.dumps({"ts": None if at is None else (BEGIN + timedelta(seconds=at)).isoformat(), "n": number}) + b"\n"
        for number, at in enumerate(seconds, first)
    )


def run(source: Any, clock: Clock | None = None, **options: Any) -> tuple[Clock, logs.ReplayReport]:
    clock = Clock() if clock is None else clock
    source = io.BytesIO(source) if isinstance(source, bytes) else source
    options.setdefault("by", "ts")
    return clock, logs.replay(source, clock.deliver, clock=clock.read, sleep=clock.sleep, **options)


def test_a_record_comes_as_long_after_the_first_as_its_stamp_says() -> None:
    clock, report = run(log(0, 1.5, 2, 10))
    assert clock.deliveries == [
        (at, {"ts": (BEGIN + timedelta(seconds=at)).isoformat(), "n": number})
        for number, at in enumerate((0, 1.5, 2, 10))
    ]
    assert (report.records, report.bad, report.duration) == (4, 0, 10)
    assert (report.first, report.last) == (NANOSECONDS, NANOSECONDS + 10 * 10**9)


@pytest.mark.parametrize("speed", [0.1, 0.5, 2, 1000])
def test_speed_divides_all_distances(speed: float) -> None:
    clock, report = run(log(0, 100, 250), speed=speed)
    assert clock.moments == [0, 100 / speed, 250 / speed]
    assert report.duration == 250 / speed


def test_infinite_speed_reads_no_clock_and_does_not_wait() -> None:
    clock, report = run(log(0, 3600, 7200), speed=math.inf)
    assert clock.numbers == [0, 1, 2]
    assert clock.reads == 0
    assert (report.duration, report.lag, report.max_lag) == (0, 0, 0)


def test_delays_do_not_add_up() -> None:
    """100,000 records at 1,000 a second, with a target that takes 0.9 ms and sleeps that end 0.07 ms late."""
    data = b"".join(b'{"ts":%d.%03d,"n":%d}\n' % (*divmod(n, 1000), n) for n in range(100_000))
    clock, report = run(data, Clock(delay=900_000, overshoot=70_000))
    drift = clock.moments[-1] / 99.999 - 1
    assert abs(drift) < 0.0001
    assert clock.numbers == list(range(100_000))
    # A deadline less than a millisecond ahead is not waited for.
    late = [at - n / 1000 for n, at in enumerate(clock.moments)]
    assert (round(min(late), 6), round(max(late), 6)) == (-0.001, 0.00007)
    assert report.max_lag < 0.001


def test_a_slow_target_is_late_and_nothing_is_dropped() -> None:
    clock, report = run(log(*range(10)), Clock(delay=3 * 10**9))
    assert clock.moments == [3 * n for n in range(10)]
    assert clock.numbers == list(range(10))
    assert (report.lag, report.max_lag) == (18, 18)
    assert 18 <= report.p99_lag <= 18 * 17 / 16


def test_a_target_that_was_dead_for_a_minute_catches_up() -> None:
    clock = Clock()

    def deliver(value: Any) -> None:
        clock.deliver(value)
        if value["n"] == 2:
            clock.time += 60 * 10**9

    report = logs.replay(io.BytesIO(log(*range(100))), deliver, by="ts", clock=clock.read, sleep=clock.sleep)
    assert clock.moments == [0, 1, *(max(62, n) if n > 2 else 2 for n in range(2, 100))]
    assert (report.lag, report.max_lag) == (0, 59)


def test_a_report_can_be_looked_at_while_the_replay_runs() -> None:
    report = logs.ReplayReport()
    seen = []
    logs.replay(
        io.BytesIO(log(0, 1, 2)), lambda _: seen.append((report.records, report.last)), by="ts",
        speed=math.inf, report=report,
    )  # fmt: skip
    assert seen == [(n, NANOSECONDS + n * 10**9) for n in range(3)]
    assert report.records == 3


def test_a_report_tells_how_much_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 1))
    (tmp_path / "b.log").write_bytes(gzip.compress(log(0, 1)))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    report = logs.ReplayReport()
    seen: list[int] = []
    options: dict[str, Any] = {"by": "ts", "speed": math.inf, "report": report, "repeat": 2}
    logs.replay(tmp_path / "*.log", lambda _: seen.append(report.compressed_bytes), **options)
    assert seen == sorted(seen)
    assert seen[-1] == report.compressed_bytes == report.to_dict()["compressed_bytes"] == 2 * size


def test_a_gap_is_shortened_and_all_that_follows_comes_earlier() -> None:
    clock, report = run(log(0, 1, 8 * 3600, 8 * 3600 + 2, 8 * 3600 + 7), max_gap=5)
    assert clock.moments == [0, 1, 6, 8, 13]
    assert (report.shortened_gaps, report.duration) == (1, 13)


def test_a_gap_is_measured_in_the_time_of_the_replay() -> None:
    clock, report = run(log(0, 20, 40), speed=10, max_gap=2)
    assert clock.moments == [0, 2, 4]
    assert report.shortened_gaps == 0
    assert run(log(0, 20, 40), max_gap=0)[0].moments == [0, 0, 0]


def test_disorder_inside_the_window_is_put_right() -> None:
    clock, report = run(log(0, 2, 1, 3, 2.5), window=1)
    assert clock.numbers == [0, 2, 1, 4, 3]
    assert clock.moments == [0, 1, 2, 2.5, 3]
    assert (report.reordered, report.out_of_order) == (2, 0)


def test_disorder_beyond_the_window_is_due_at_once_and_counted() -> None:
    clock, report = run(log(0, 3600, 3601, 3602, 1, 3603), window=1)
    assert clock.numbers == [0, 1, 2, 4, 3, 5]
    assert clock.moments == [0, 3600, 3601, 3601, 3602, 3603]
    assert report.out_of_order == 1


def test_without_a_window_the_order_is_that_of_the_log() -> None:
    clock, report = run(log(0, 0.001, 0, 1), window=0)
    assert clock.numbers == [0, 1, 2, 3]
    assert (report.reordered, report.out_of_order) == (0, 1)


def test_records_of_equal_times_stay_in_order() -> None:
    clock, report = run(log(*[1] * 500, *[0] * 500), window=1000)
    assert clock.numbers == [*range(500, 1000), *range(500)]
    assert report.out_of_order == 0


def test_nine_digits_and_then_three_are_compared_in_nanoseconds() -> None:
    lines = [
        b'{"ts":"2026-01-01T00:00:00.%sZ","n":%d}\n' % (digits, n) for n, digits in enumerate((b"480951123", b"480"))
    ]
    clock, _ = run(b"".join(lines))
    assert clock.numbers == [1, 0]


@pytest.mark.parametrize("window", [0, 1, 7, 100])
def test_any_disorder_gives_each_record_once(window: int) -> None:
    """Against a sort of what the window can see, which is another way to say the same."""
    chance = random.Random(window)
    times = [n + chance.uniform(0, 12) for n in range(300)]
    expected, seen = [], []
    for number, at in enumerate(times):
        seen.append((at, number))
        if len(seen) > window:
            expected.append(min(seen))
            seen.remove(expected[-1])
    expected += sorted(seen)
    clock, _ = run(log(*times), window=window, speed=math.inf)
    assert clock.numbers == [number for _, number in expected]


def test_several_logs_are_merged_in_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 3, 6))
    (tmp_path / "b.log").write_bytes(gzip.compress(log(1, 3, 5, first=10)))
    (tmp_path / "c.log").write_bytes(bz2.compress(log(3, first=20)))
    clock, report = run(tmp_path / "*.log")
    assert clock.numbers == [0, 10, 1, 11, 20, 12, 2]
    assert clock.moments == [0, 1, 3, 3, 3, 5, 6]
    assert report.out_of_order == 0


def test_each_log_has_stamps_of_its_own_form(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 2))
    (tmp_path / "b.log").write_bytes(b'{"ts":1767225601000,"n":"ms"}\n')
    clock, _ = run([tmp_path / "a.log", tmp_path / "b.log"])
    assert clock.numbers == [0, "ms", 1]


def test_the_generations_of_one_log_are_read_one_after_the_other(tmp_path: Path) -> None:
    """More of them than a process may open."""
    for number in range(50):
        (tmp_path / f"app.log.{50 - number}").write_bytes(log(number, first=number))
    (tmp_path / "app.log").write_bytes(log(50, first=50))
    opened: set[int] = set()
    numbers = []

    def deliver(value: Any) -> None:
        numbers.append(value["n"])
        opened.add(sum(f"{tmp_path}/app.log" in str(link) for link in map(_target, Path("/proc/self/fd").iterdir())))

    names = [tmp_path / "app.log", *(tmp_path / f"app.log.{n}" for n in range(1, 51))]
    logs.replay(names, deliver, by="ts", speed=math.inf, window=0)
    assert numbers == list(range(51))
    if opened != {0}:
        assert max(opened) == 1


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def test_a_file_under_two_names_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 1))
    (tmp_path / "b.log").symlink_to(tmp_path / "a.log")
    assert run(tmp_path / "*.log")[0].numbers == [0, 1]


def test_start_and_end_choose_records_and_the_first_one_is_due_at_once() -> None:
    for start, end in (
        (BEGIN + timedelta(seconds=2), BEGIN + timedelta(seconds=4)),
        ("2026-01-01T01:00:02+01:00", "2026-01-01 00:00:04Z"),
        (NANOSECONDS + 2 * 10**9, NANOSECONDS + 4 * 10**9),
    ):
        clock, report = run(log(0, 1, 2, 3, 4, 5), start=start, end=end)
        assert clock.numbers == [2, 3]
        assert clock.moments == [0, 1]
        assert (report.outside, report.records) == (4, 2)


def test_a_replay_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 2, 5))
    clock, report = run(tmp_path / "a.log", repeat=3)
    assert clock.moments == [0, 2, 5, 5, 7, 10, 10, 12, 15]
    assert clock.numbers == [0, 1, 2] * 3
    assert (report.records, report.out_of_order, report.duration) == (9, 0, 15)


def test_an_endless_replay_ends_with_what_the_target_raises(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 1))
    count = 0

    def deliver(_: Any) -> None:
        nonlocal count
        count += 1
        if count == 1001:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        logs.replay(tmp_path / "a.log", deliver, by="ts", speed=math.inf, repeat=math.inf)
    assert count == 1001


def test_an_endless_replay_of_nothing_ends(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 1))
    assert run(tmp_path / "a.log", repeat=math.inf, start="2027-01-01T00:00:00Z")[1].records == 0


def test_bad_lines_are_dead_letters_of_the_first_round_alone(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, None, 1) + b"{\n")
    letters: list[logs.DeadLetter] = []
    clock, report = run(tmp_path / "a.log", repeat=2, dead_letters=letters)
    assert clock.numbers == [0, 2, 0, 2]
    assert [(letter.line, letter.reason) for letter in letters] == [(2, "timestamp"), (4, "invalid_json")]
    assert report.bad == 4


STAMPS = {
    "missing": b'{"n":1}',
    "null": b'{"n":1,"ts":null}',
    "empty": b'{"n":1,"ts":""}',
    "of a wrong type": b'{"n":1,"ts":[]}',
    "of an unknown form": b'{"n":1,"ts":"today"}',
    "of another unit": b'{"n":1,"ts":1767225600}',
    "in the year 1": b'{"n":1,"ts":"0001-01-01T00:00:00Z"}',
    "in the year 9999": b'{"n":1,"ts":"9999-01-01T00:00:00Z"}',
    "in a line that is no object": b"1",
}


@pytest.mark.parametrize("line", STAMPS.values(), ids=STAMPS)
def test_a_line_with_a_stamp_that_cannot_be_used_is_a_bad_line(line: bytes) -> None:
    data = log(0) + line + b"\n" + log(2, first=2)
    letters: list[logs.DeadLetter] = []
    clock, report = run(data, dead_letters=letters)
    assert clock.numbers == [0, 2]
    assert [(letter.offset, letter.line, letter.reason, letter.raw) for letter in letters] == [
        (len(log(0)), 2, "timestamp", line)
    ]
    assert "cannot be put in order of time: the" in letters[0].message
    assert report.bad == 1


@pytest.mark.parametrize("line", STAMPS.values(), ids=STAMPS)
def test_a_line_with_a_stamp_that_cannot_be_used_is_due_at_once_if_that_is_told(line: bytes) -> None:
    data = log(0, 1) + line + b"\n" + log(2, first=2)
    clock, report = run(data, unstamped="at_once")
    assert clock.moments == [0, 1, 1, 2]
    assert clock.deliveries[2][1] == orjson.loads(line)
    assert (report.unstamped, report.bad, report.records) == (1, 0, 4)


def test_without_any_stamp_all_is_due_at_once() -> None:
    clock, report = run(log(None, None), unstamped="at_once")
    assert clock.moments == [0, 0]
    assert (report.unstamped, report.first, report.duration) == (2, None, 0)


def test_a_bad_line_is_raised_after_what_precedes_it() -> None:
    clock = Clock()
    with pytest.raises(DecodeError) as caught:
        run(log(0, 1) + b"x\n" + log(2), clock)
    assert clock.numbers == [0, 1]
    assert (caught.value.offset, caught.value.line) == (len(log(0, 1)), 3)


def test_a_bad_line_that_is_raised_names_its_file(tmp_path: Path) -> None:
    for name, data in (("a.log", log(0, 1)), ("b.log", log(0) + b"x\n"), ("c.log", log(0) + b'{"n":1}\n')):
        (tmp_path / name).write_bytes(data)
    for name in ("b.log", "c.log"):
        with pytest.raises(DecodeError) as caught:
            logs.replay([tmp_path / "a.log", tmp_path / name], by="ts", dry_run=True)
        assert caught.value.path == str(tmp_path / name)  # type: ignore[attr-defined]


def test_bad_lines_can_be_skipped_or_handed_to_a_callable(tmp_path: Path) -> None:
    data = log(0, None, 1) + b"x\n"
    assert run(data, on_error="skip")[1].bad == 2
    errors: list[Any] = []
    assert run(data, on_error=errors.append)[1].bad == 2
    assert [error.reason for error in errors] == ["timestamp", "invalid_json"]
    run(data, dead_letters=tmp_path / "bad.ndjson")
    assert len((tmp_path / "bad.ndjson").read_bytes().splitlines()) == 2


def test_the_damage_of_an_archive_is_raised_after_what_precedes_it() -> None:
    clock = Clock()
    several: list[dict[str, Any]] = [{}, {"on_error": "skip"}, {"dead_letters": []}]
    for options in several:
        clock.deliveries.clear()
        with pytest.raises(logs.LogFileError):
            run(gzip.compress(log(0, 1))[:-4], clock, **options)
        assert clock.numbers == [0, 1]


def test_stamps_are_rewritten_to_now_in_their_form_and_nothing_else_is() -> None:
    lines = (
        b'{ "n" : 1.50, "ts":"2026-01-01T00:00:00.5+02:00", "x":"\\u20ac" }\n'
        b'{"ts":"2026-01-01T00:00:02.500000+02:00"}\n'
    )
    clock, _ = run(lines, rewrite="now", loads=bytes, wall_clock=lambda: 1_000_000_000_500_000_000)
    assert [line for _, line in clock.deliveries] == [
        b'{ "n" : 1.50, "ts":"2001-09-09T03:46:40.5+02:00", "x":"\\u20ac" }',
        b'{"ts":"2001-09-09T03:46:42.500000+02:00"}',
    ]


def test_rewritten_values_are_decoded_again() -> None:
    clock, _ = run(log(0, 2), rewrite="now", speed=2, wall_clock=lambda: 0)
    assert clock.deliveries == [
        (0, {"ts": "1970-01-01T00:00:00+00:00", "n": 0}),
        (1, {"ts": "1970-01-01T00:00:01+00:00", "n": 1}),
    ]


def test_rewritten_stamps_go_on_in_each_round_and_are_now_without_a_pace(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 2))
    clock, _ = run(tmp_path / "a.log", rewrite="now", repeat=2, wall_clock=lambda: 0)
    assert [value["ts"][17:19] for _, value in clock.deliveries] == ["00", "02", "02", "04"]
    walls = iter(range(0, 10**12, 10**9))
    clock, _ = run(log(0, 2, 4), rewrite="now", speed=math.inf, wall_clock=lambda: next(walls))
    assert [value["ts"][17:19] for _, value in clock.deliveries] == ["00", "01", "02"]
    assert clock.reads == 0


def test_a_line_without_a_stamp_is_not_rewritten() -> None:
    clock, _ = run(log(None), rewrite="now", unstamped="at_once", loads=bytes)
    assert clock.deliveries == [(0, log(None).strip())]


def test_a_dry_run_reads_all_and_delivers_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, 10, 5, 3600) + b"x\n")
    clock, report = run(tmp_path / "a.log", dry_run=True, speed=10, max_gap=100, on_error="skip")
    assert clock.deliveries == []
    assert clock.reads == 0
    assert (report.records, report.bad, report.reordered, report.shortened_gaps) == (4, 1, 1, 1)
    assert report.duration == 101
    assert logs.replay(tmp_path / "a.log", by="ts", dry_run=True, on_error="skip").duration == 3600


async def replay_async(target: Clock, **options: Any) -> Any:
    return await logs.replay(io.BytesIO(log(0, 1, 2.5)), target.adeliver, by="ts", **options)


@pytest.mark.parametrize("runner", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_an_async_target_is_awaited(runner: Any) -> None:
    clock = Clock()

    async def main() -> Any:
        return await replay_async(clock, clock=clock.read, sleep=clock.asleep)

    report = _run(runner, main)
    assert clock.moments == [0, 1, 2.5]
    assert report.records == 3


def _run(runner: Any, main: Any) -> Any:
    return runner(main()) if runner is asyncio.run else runner(main)


@pytest.mark.parametrize("runner", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_the_event_loop_sleeps_by_itself(runner: Any) -> None:
    clock = Clock()

    async def main() -> Any:
        return await replay_async(clock, speed=50)

    report = _run(runner, main)
    assert len(clock.deliveries) == 3
    assert report.duration == 0.05


def test_an_async_dry_run_is_awaited_as_well() -> None:
    clock = Clock()
    assert asyncio.run(replay_async(clock, dry_run=True)).duration == 2.5
    assert clock.deliveries == []


class Awaitable:
    def __await__(self) -> Any:
        raise AssertionError("nobody awaits it")


def test_a_callable_that_returns_something_to_await_is_refused() -> None:
    clock = Clock()
    awaitables: list[Callable[[Any], Any]] = [lambda value: clock.adeliver(value), lambda _: Awaitable()]
    for to in awaitables:
        with pytest.raises(TypeError, match="pass an async function"):
            logs.replay(io.BytesIO(log(0)), to, by="ts", speed=math.inf)


def test_a_pipe_is_named_that_cannot_be_read_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=f"which {tmp_path}/pipe does not allow"):
        logs.replay(str(tmp_path / "pipe"), print, by="ts", repeat=2)


def test_files_are_closed_when_the_target_fails(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0))
    file = (tmp_path / "a.log").open("rb")
    with pytest.raises(ZeroDivisionError):
        logs.replay(file, lambda _: 1 / 0, by="ts", speed=math.inf)
    # A file of the caller's stays open; one that was opened by path would warn when it is collected.
    file.close()
    with pytest.raises(ZeroDivisionError):
        logs.replay(tmp_path / "a.log", lambda _: 1 / 0, by="ts", speed=math.inf)


def test_texts_in_the_envelopes_of_containers_are_replayed_by_their_own_stamps(tmp_path: Path) -> None:
    source = tmp_path / "0.log"
    texts = [b'{"ts":"2026-01-01T00:00:00Z","n":1}', b'{"n":2}', b'{"ts":"2026-01-01T00:00:30Z","n":3}', b"no JSON"]
    parts = [b"F " + texts[0], b"F " + texts[1], b"P " + texts[2][:9], b"F " + texts[2][9:], b"F " + texts[3]]
    source.write_bytes(b"".join(b"2027-07-07T00:00:00Z stdout %s\n" % part for part in parts))
    errors: list[Any] = []
    clock, _ = run(source, unwrap="cri", on_error=errors.append)
    assert clock.deliveries == [(0, orjson.loads(texts[0])), (30, orjson.loads(texts[2]))]
    assert [(error.reason, error.envelope.stream) for error in errors] == [
        ("timestamp", "stdout"), ("invalid_json", "stdout"),
    ]  # fmt: skip
    checkpoint = tmp_path / "checkpoint"
    for expected in ([1, 3], []):
        clock, _ = run(source, unwrap="cri", on_error="skip", checkpoint=checkpoint, window=0)
        assert clock.numbers == expected


def test_selection_and_decoding_are_those_of_read() -> None:
    assert run(log(0, 1, 2), contains=b'"n":1')[0].numbers == [1]
    assert run(log(*range(1000)), sample=0.1, seed=3, speed=math.inf)[1].records in range(50, 200)
    clock, _ = run(log(0), loads=lambda line: len(line))
    assert clock.deliveries == [(0, len(log(0)) - 1)]
    assert run(log(0) + log(1), max_frame_size=5, on_error="skip")[1].bad == 2


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "speed of 0": ({"speed": 0}, "speed must be more than 0"),
    "a negative speed": ({"speed": -1}, "speed must be more than 0"),
    "a speed that is no number": ({"speed": math.nan}, "speed must be more than 0"),
    "a negative gap": ({"max_gap": -1}, "max_gap must be"),
    "a gap that is no number": ({"max_gap": math.nan}, "max_gap must be"),
    "repeat of 0": ({"repeat": 0}, "repeat must be"),
    "repeat of 1.5": ({"repeat": 1.5}, "repeat must be"),
    "repeat that is no number": ({"repeat": math.nan}, "repeat must be"),
    "repeat of less than all": ({"repeat": -math.inf}, "repeat must be"),
    "a window that is no number": ({"window": math.nan}, "window must be"),
    "a window without an end": ({"window": math.inf}, "window must be"),
    "a negative window": ({"window": -1}, "window must be"),
    "start after end": ({"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "start must not be later"),
    "start without a zone": ({"start": "2026-01-01T00:00:00"}, "start states no zone"),
    "a datetime without a zone": ({"end": datetime(2026, 1, 1)}, "end: .* has no zone"),
    "start that is no time": ({"start": "today"}, "start must be like"),
    "another rewrite": ({"rewrite": "then"}, "rewrite must be"),
    "another unstamped": ({"unstamped": "skip"}, "unstamped must be"),
    "repeat of a pipe": ({"repeat": 2}, "which .* does not allow"),
    "rewrite of what a callable reads": ({"rewrite": "now", "format": int}, "rewrite= cannot write"),
    "two places for bad lines": ({"dead_letters": [], "on_error": "skip"}, "leave out on_error="),
    "another unwrap": ({"unwrap": "podman"}, "unwrap must be"),
    "a path of no key": ({"by": ""}, "has an empty one"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_options_that_make_no_sense_are_refused_before_anything_is_read(options: dict[str, Any], message: str) -> None:
    source = io.BytesIO(log(0))
    with pytest.raises(ValueError, match=message):
        run(source, **options)
    assert source.tell() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"speed": "1"},
        {"speed": True},
        {"speed": None},
        {"repeat": None},
        {"window": "1"},
        {"window": None},
        {"start": 1.5},
        {"start": True},
        {"by": 5},
        {"by": ()},
        {"zone": "Europe/Berlin"},
        {"year": "2026"},
    ],
    ids=str,
)
def test_options_of_a_wrong_type_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="must be"):
        run(log(0), **options)


@pytest.mark.parametrize("options", [{"speed": 5e-324, "max_gap": 1}, {"max_gap": 1e300}, {"speed": 1e300}], ids=str)
def test_no_number_is_too_large_or_too_small(options: dict[str, Any]) -> None:
    report = logs.replay(io.BytesIO(log(0, 1)), by="ts", dry_run=True, **options)
    assert (report.records, report.duration) == (2, 0.0 if options.get("speed") == 1e300 else 1.0)
    assert math.isfinite(logs.replay(io.BytesIO(log(0, 1)), by="ts", dry_run=True, speed=5e-324).duration)


def test_a_stamp_that_cannot_be_written_is_a_bad_line() -> None:
    lines = b'{"ts":1500000000}\n{"ts":1.5e9}\n{"ts":1500000001}\n'
    with pytest.raises(DecodeError, match="has an exponent") as caught:
        run(lines, rewrite="now")
    assert (caught.value.reason, caught.value.offset, caught.value.line) == ("timestamp", 18, 2)
    clock, report = run(lines, rewrite="now", on_error="skip", wall_clock=lambda: 0)
    assert ([value["ts"] for _, value in clock.deliveries], report.bad) == ([0, 1], 1)
    clock, report = run(lines, rewrite="now", unstamped="at_once", loads=bytes, wall_clock=lambda: 0)
    assert (clock.deliveries[1][1], report.unstamped) == (b'{"ts":1.5e9}', 1)


def test_a_replay_to_nothing_is_a_dry_run_or_an_error() -> None:
    with pytest.raises(TypeError, match="to must be a callable"):
        logs.replay(io.BytesIO(log(0)), by="ts")


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.log", tmp_path / "*.log"):
        with pytest.raises(FileNotFoundError):
            run(path)


def test_a_quantile_is_right_to_one_part_in_sixteen() -> None:
    chance = random.Random(5)
    for size in (1, 2, 99, 1000):
        delays = [int(2 ** chance.uniform(0, 40)) for _ in range(size)]
        lag = Lag()
        for delay in delays:
            lag.add(delay)
        for share in (0.5, 0.99, 1.0):
            exact = sorted(delays)[math.ceil(share * size) - 1]
            assert exact <= lag.quantile(share) <= exact * 17 / 16 + 1
        assert (lag.last, lag.max) == (delays[-1], max(delays))
    for delay in range(2000):
        lag = Lag()
        lag.add(delay)
        lag.add(10**9)
        assert delay <= lag.quantile(0.5) <= delay * 17 / 16 + 1
    assert Lag().quantile(0.99) == 0


def test_the_report_can_be_written_as_json() -> None:
    _, report = run(log(0, 1))
    found = orjson.loads(orjson.dumps(report.to_dict()))
    assert (found["records"], found["duration"], found["max_lag"]) == (2, 1.0, 0.0)
    assert set(found) >= {"lag", "p99_lag", "out_of_order", "shortened_gaps", "assumed_utc", "first", "last"}


def test_a_record_says_where_it_is_from(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(
        log(0) + b"\n" + log(1, first=1) + log(2, first=2).replace(b"\n", b"\r\n") + log(3, first=3).rstrip()
    )
    clock, _ = run(tmp_path / "a.log", with_places=True)
    size = len(log(0))
    path = str(tmp_path / "a.log")
    assert [record for _, record in clock.deliveries] == [
        logs.ReplayedRecord(orjson.loads(log(n, first=n)), NANOSECONDS + n * 10**9, path, offset, line)
        for n, offset, line in ((0, 0, 1), (1, size + 1, 3), (2, 2 * size + 1, 4), (3, 3 * size + 2, 5))
    ]


def test_the_places_of_generations_are_those_in_each_file(tmp_path: Path) -> None:
    (tmp_path / "a.log.1").write_bytes(log(0, 1))
    (tmp_path / "a.log").write_bytes(log(2, 3, first=2))
    clock, _ = run(tmp_path / "a.log*", with_places=True)
    places = [(Path(record.path).name, record.offset, record.line) for _, record in clock.deliveries]
    size = len(log(0))
    assert places == [("a.log.1", 0, 1), ("a.log.1", size, 2), ("a.log", 0, 1), ("a.log", size, 2)]


def test_the_place_of_a_text_in_envelopes_is_where_its_first_part_was(tmp_path: Path) -> None:
    texts = [b'{"ts":"2026-01-01T00:00:0%dZ","n":%d}' % (n, n) for n in range(3)]
    parts = [b"F " + texts[0], b"P " + texts[1][:9], b"P " + texts[1][9:20], b"F " + texts[1][20:], b"F " + texts[2]]
    lines = [b"2027-07-07T00:00:00Z stdout %s\n" % part for part in parts]
    (tmp_path / "0.log").write_bytes(b"".join(lines))
    clock, _ = run(tmp_path / "0.log", unwrap="cri", with_places=True)
    assert [(record.value["n"], record.offset, record.line) for _, record in clock.deliveries] == [
        (0, 0, 1),
        (1, len(lines[0]), 2),
        (2, sum(map(len, lines[:4])), 5),
    ]


class Stop(Exception):
    """What a test ends a replay with."""


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_replay_goes_on_at_the_record_where_it_was_stopped(compress: Any, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(compress(log(*range(2000))))
    delivered: list[int] = []
    stops = [0, 1, 7, 500, 1999]

    def deliver(value: Any) -> None:
        if stops and value["n"] == stops[0]:
            stops.pop(0)
            raise Stop
        delivered.append(value["n"])

    options: dict[str, Any] = {"by": "ts", "speed": math.inf, "window": 0}
    for _ in range(5):
        with pytest.raises(Stop):
            logs.replay(tmp_path / "a.log", deliver, checkpoint=tmp_path / "checkpoint", **options)
    report = logs.replay(tmp_path / "a.log", deliver, checkpoint=tmp_path / "checkpoint", **options)
    assert delivered == list(range(2000))
    assert report.records == 1
    assert logs.replay(tmp_path / "a.log", deliver, checkpoint=tmp_path / "checkpoint", **options).records == 0


def test_a_replay_of_several_logs_goes_on_in_each_of_them_where_it_was_stopped(tmp_path: Path) -> None:
    """Three logs, in turns and at equal times; one ends early, and one is rotated between two runs."""
    lines = [log(number // 2, first=number) for number in range(600)]
    (tmp_path / "a.log").write_bytes(b"".join(lines[0:400:4]))
    (tmp_path / "b.log").write_bytes(gzip.compress(b"".join(sorted(lines[1::4] + lines[3::4]))))
    (tmp_path / "c.log").write_bytes(b"".join(lines[2::4]))
    delivered: list[int] = []
    stop: int | None = None

    def deliver(value: Any) -> None:
        if len(delivered) == stop:
            raise Stop
        delivered.append(value["n"])

    def go_on() -> int:
        options: dict[str, Any] = {"window": 0, "checkpoint": tmp_path / "checkpoint"}
        return logs.replay(tmp_path / "*.log*", deliver, by="ts", speed=math.inf, **options).records

    for stop in (0, 1, 2, 3, 50, 51, 300, 420, 430):
        with pytest.raises(Stop):
            go_on()
        if stop == 300:
            (tmp_path / "c.log").rename(tmp_path / "c.log.1")
            (tmp_path / "c.log").write_bytes(log(400, first=600))
    stop = None
    assert go_on() == 551 - 430
    expected = [*range(0, 400, 4), *range(1, 600, 4), *range(3, 600, 4), *range(2, 600, 4), 600]
    # At equal times the logs come in the order of their names.
    assert delivered == sorted(
        expected, key=lambda number: (number // 2 if number < 600 else 400, (0, 1, 2, 1)[number % 4])
    )
    assert go_on() == 0
    with (tmp_path / "a.log").open("ab") as file:
        file.write(log(401, first=601))
    assert go_on() == 1
    assert delivered[-1] == 601


def test_a_checkpoint_is_saved_after_what_still_waits_was_sent(tmp_path: Path) -> None:
    """A target that sends batches, and fails at the third: the next run begins with the first record of that."""
    (tmp_path / "a.log").write_bytes(log(*range(100)))
    sent: list[list[int]] = []
    batch: list[int] = []
    fails = True

    def send() -> None:
        if fails and len(sent) == 2:
            raise Stop
        if batch:
            sent.append(list(batch))
            batch.clear()

    def deliver(value: Any) -> None:
        batch.append(value["n"])
        if len(batch) == 10:
            send()

    def go_on() -> None:
        checkpoint = logs.Checkpoint(tmp_path / "checkpoint", interval=0, before_save=send)
        logs.replay(tmp_path / "a.log", deliver, by="ts", speed=math.inf, window=0, checkpoint=checkpoint)

    with pytest.raises(Stop):
        go_on()
    before = [number for numbers in sent for number in numbers]
    fails = False
    batch.clear()
    go_on()
    assert [number for numbers in sent for number in numbers] == list(range(100))
    assert before == list(range(len(before)))


def test_dead_letters_are_on_the_disk_before_the_checkpoint_and_are_appended(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, None, 1, None))
    clock = Clock()
    options: dict[str, Any] = {"window": 0, "dead_letters": tmp_path / "bad.ndjson", "checkpoint": tmp_path / "c"}
    run(tmp_path / "a.log", clock, **options)
    with (tmp_path / "a.log").open("ab") as file:
        file.write(log(None, 2, first=4))
    run(tmp_path / "a.log", clock, **options)
    assert clock.numbers == [0, 2, 5]
    letters = map(logs.DeadLetter.from_json, (tmp_path / "bad.ndjson").read_bytes().splitlines())
    assert [orjson.loads(letter.raw)["n"] for letter in letters] == [1, 3, 4]


def test_before_a_save_what_waits_is_sent_and_then_dead_letters_are_brought_to_the_disk(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0, None, 1))
    done: list[str] = []

    class Letters(logs.DeadLetters):
        def sync(self) -> None:
            super().sync()
            done.append("letters")

    checkpoint = logs.Checkpoint(tmp_path / "c", before_save=lambda: done.append("what waits"))
    with Letters(tmp_path / "bad.ndjson") as letters:
        run(tmp_path / "a.log", window=0, dead_letters=letters, checkpoint=checkpoint)
    assert done == ["what waits", "letters"] * (len(done) // 2) != []


@pytest.mark.parametrize("options", [{"window": 1}, {"repeat": 2}, {"dry_run": True}], ids=str)
def test_a_checkpoint_goes_with_logs_in_their_order(options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(log(0))
    options = {"window": 0, "checkpoint": tmp_path / "c", **options}
    with pytest.raises(ValueError, match="a place in each log"):
        run(tmp_path / "a.log", **options)
    assert not (tmp_path / "c.lock").exists()
