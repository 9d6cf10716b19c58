"""Posting in batches: whatever the server answers, each line arrives, or is refused and kept, or the replay fails."""

from __future__ import annotations

import email.utils
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.batch_server import Answer, BatchServer, Decide, failing_at_times, script
from ndstream._cli.replay_http import DeliveryError, HTTPSink
from ndstream.logs import DeadLetter, DeadLetters, ReplayedRecord


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@contextmanager
def sink_to(
    decide: Decide, letters: DeadLetters | None = None, **options: Any
) -> Iterator[tuple[Any, BatchServer, Time]]:
    time = Time()
    with BatchServer(decide).running() as server, httpx.Client(headers={"x-test": "1"}) as client:
        yield HTTPSink(client, server.url, letters, clock=time.read, sleep=time.sleep, **options), server, time


def record(number: int, value: bytes | None = None) -> ReplayedRecord:
    return ReplayedRecord(b'{"n":%d}' % number if value is None else value, 0, "a.log", 10 * number, number + 1)


def deliver(sink: HTTPSink, *numbers: int) -> None:
    for number in numbers:
        sink.deliver(record(number))


def values(*numbers: int) -> list[bytes]:
    return [b'{"n":%d}' % number for number in numbers]


def test_a_full_batch_is_sent_and_the_rest_when_it_is_flushed() -> None:
    with sink_to(script(), batch_lines=3) as (sink, server, _):
        deliver(sink, *range(7))
        assert server.batches == [values(0, 1, 2), values(3, 4, 5)]
        sink.flush()
        sink.flush()
        assert server.batches[2:] == [values(6)]
    assert sink.counts == {"batches": 3, "retries": 0, "refused": 0}
    assert {(each["content-type"], each["x-test"]) for each in server.headers} == {("application/x-ndjson", "1")}


def test_a_batch_is_full_by_its_bytes_too() -> None:
    with sink_to(script(), batch_bytes=20) as (sink, server, _):
        deliver(sink, 0, 1)
        sink.deliver(record(2, b"5" * 100))
        deliver(sink, 3)
        sink.flush()
    assert server.batches == [values(0, 1), [b"5" * 100], values(3)]


def test_a_line_waits_for_its_batch_no_longer_than_it_may() -> None:
    with sink_to(script(), linger=2.0) as (sink, server, time):
        sink.wait(10.0)
        deliver(sink, 0)
        sink.wait(1.5)
        deliver(sink, 1)
        sink.wait(10.0)
        assert (server.batches, time.slept) == ([], [10.0, 1.5, 0.5])
        # The caller asks again, as long as the next line is not due.
        sink.wait(9.5)
        assert server.batches == [values(0, 1)]
        sink.wait(9.5)
    assert time.slept[3:] == [9.5]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 404])
def test_a_failure_that_may_pass_is_tried_again(status: int) -> None:
    with sink_to(script(Answer(status), Answer(status)), retry_on=[404]) as (sink, server, time):
        deliver(sink, 0)
        sink.flush()
    assert server.answers == [status, status, 200]
    assert server.batches == [values(0)]
    assert len(time.slept) == 2
    assert all(0 <= seconds <= 2 for seconds in time.slept)
    assert sink.counts["retries"] == 2


def test_a_lost_connection_is_tried_again() -> None:
    with sink_to(script(Answer(0), Answer(0, takes=True))) as (sink, server, _):
        deliver(sink, 0)
        sink.flush()
    assert server.answers == [0, 0, 200]
    # Whose answer was lost arrives twice: at least once is what holds.
    assert server.batches == [values(0), values(0)]


def test_retry_after_is_kept_to_in_seconds_and_as_a_date() -> None:
    date = email.utils.formatdate(time.time() + 50, usegmt=True)
    without_zone = email.utils.formatdate(time.time() + 50)
    assert without_zone.endswith("-0000")
    answers = [Answer(503, (("Retry-After", value),)) for value in ("7", date, "0", "soon", without_zone)]
    with sink_to(script(*answers)) as (sink, server, clock):
        deliver(sink, 0)
        sink.flush()
    assert clock.slept[0] == 7
    assert 30 < clock.slept[1] <= 50
    assert clock.slept[2] == 0
    assert clock.slept[3] <= 8
    assert 30 < clock.slept[4] <= 50
    assert server.batches == [values(0)]


def test_a_batch_that_is_too_large_is_halved_until_it_is_not() -> None:
    with sink_to(lambda lines: Answer(413) if len(lines) > 3 else Answer(), batch_lines=10) as (sink, server, time):
        deliver(sink, *range(10))
    assert server.batches == [values(0, 1), values(2, 3, 4), values(5, 6), values(7, 8, 9)]
    assert server.answers.count(413) == 3
    assert time.slept == []


def test_a_single_line_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with DeadLetters(tmp_path / "bad") as letters:
        decide: Decide = lambda lines: Answer(413) if b'{"n":1}' in lines else Answer()  # noqa: E731
        with sink_to(decide, letters) as (sink, server, _):
            deliver(sink, 0, 1, 2)
            sink.flush()
    assert sorted(server.lines) == values(0, 2)
    assert [letter.offset for letter in read_letters(tmp_path / "bad")] == [10]


def read_letters(path: Path) -> list[DeadLetter]:
    return [DeadLetter.from_json(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_lines_that_are_refused_are_kept_with_the_answer(status: int, tmp_path: Path) -> None:
    answer = Answer(status, body=b"what is\n this?" + b"x" * 1000)
    with DeadLetters(tmp_path / "bad") as letters, sink_to(script(answer), letters) as (sink, server, time):
        deliver(sink, 0, 1)
        sink.flush()
        deliver(sink, 2)
        sink.flush()
    assert server.batches == [values(2)]
    assert (time.slept, sink.counts["refused"]) == ([], 2)
    found = read_letters(tmp_path / "bad")
    assert [(each.file, each.offset, each.line, each.reason, each.raw, each.length) for each in found] == [
        ("a.log", 0, 1, "refused", values(0)[0], 7),
        ("a.log", 10, 2, "refused", values(1)[0], 7),
    ]
    assert found[0].message.startswith(f"the server answered {status}")
    assert "what is this?xxx" in found[0].message
    assert len(found[0].message) < 300


def test_without_a_place_for_refused_lines_the_replay_fails() -> None:
    with (
        sink_to(script(Answer(400, body=b"no")), batch_lines=2) as (sink, _, _),
        pytest.raises(DeliveryError) as caught,
    ):
        deliver(sink, 3, 4)
    error = caught.value
    assert (error.reason, error.offset, error.line, error.frame) == ("refused", 30, 4, values(3)[0])
    assert str(error) == (
        "the batch of 2 lines from line 4 of a.log (byte 30) on was answered with 400 Bad Request: no; "
        "--bad FILE keeps such lines and goes on"
    )


@pytest.mark.parametrize("status", [301, 307, 501, 505])
def test_an_answer_that_nothing_can_be_done_about_fails(status: int, tmp_path: Path) -> None:
    answer = Answer(status, (("location", "https://else.where/"),))
    with (
        DeadLetters(tmp_path / "bad") as letters,
        sink_to(script(answer), letters) as (sink, _, _),
        pytest.raises(DeliveryError, match=r"pass https://else\.where/ instead"),
    ):
        deliver(sink, 0)
        sink.flush()


def test_a_line_that_came_from_no_file_and_is_sent_nowhere_else_is_named_by_its_number() -> None:
    with (
        sink_to(script(Answer(501))) as (sink, _, _),
        pytest.raises(DeliveryError, match=r"^the line from line 3 \(byte 20\) on was answered with 501 [\w ]+$"),
    ):
        sink.deliver(ReplayedRecord(b"1", None, None, 20, 3))
        sink.flush()


def test_a_server_that_stays_away_is_given_up_after_a_while() -> None:
    answers = [Answer(503, (("retry-after", "200"),))] * 2
    with sink_to(script(*answers), retry_for=300) as (sink, _, time):
        # Real time has hardly passed when it is asked to wait for 400 seconds.
        deliver(sink, 0)
        sink.flush()
        assert time.slept == [200, 200]
    with sink_to(script(Answer(503, (("retry-after", "400"),), b"busy"))) as (sink, _, time):
        deliver(sink, 0)
        with pytest.raises(
            DeliveryError, match=r"1 attempts, the last of which was answered with 503 .*: busy"
        ) as caught:
            sink.flush()
        assert (time.slept, caught.value.reason) == ([], "unreachable")


def test_no_server_is_an_error_that_says_why() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with httpx.Client() as client:
            sink = HTTPSink(client, url, None, retry_for=0)
            sink.deliver(record(0))
            with pytest.raises(DeliveryError, match="ConnectError") as caught:
                sink.flush()
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_after_a_failure_nothing_is_sent_any_more() -> None:
    """So that a checkpoint is not saved past what did not arrive."""
    with sink_to(script(Answer(400))) as (sink, server, _):
        for _ in range(3):
            deliver(sink, 0)
            with pytest.raises(DeliveryError, match="400"):
                sink.flush()
    assert server.answers == [400]


@pytest.mark.parametrize("seed", range(5))
def test_all_arrives_at_a_server_that_fails_at_times(seed: int, tmp_path: Path) -> None:
    poison = {17, 18, 100, 299}
    decide, size = failing_at_times(seed), 1 + seed * 10
    with DeadLetters(tmp_path / "bad") as letters, sink_to(decide, letters, batch_lines=size) as (sink, server, _):
        for number in range(300):
            sink.deliver(record(number, b'"poison"' if number in poison else None))
        sink.flush()
    refused = {letter.line - 1 for letter in read_letters(tmp_path / "bad") if letter.line is not None}
    taken = list(dict.fromkeys(server.lines))
    # Those that were in one batch with a poisoned one are refused with it; all others come, in order.
    assert taken == values(*sorted(set(range(300)) - refused))
    assert poison <= refused
    assert len(refused) <= 7 * len(poison)
