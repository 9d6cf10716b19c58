"""When a source connects again, what it asks for then, and what it waits before, for each kind of client."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from ndstream import Event, FrameTooLargeError, TruncatedError
from ndstream.serving import EventSource, UpstreamError
from ndstream.serving._event_source import sync_connection

from .scripted import (
    EVENT_STREAM,
    Answer,
    AsyncResponse,
    Clock,
    Server,
    SyncResponse,
    Way,
    each_way,
    run,
    sync_context,
    sync_response,
)

HTML = {"Content-Type": "text/html"}


@each_way
def test_it_goes_on_after_the_end_of_a_response_with_the_last_id(way: Way) -> None:
    server = Server(Answer(b"id: 1\ndata: a\n\n"), Answer(b"id: 2\ndata: b\n\ndata: c\n\n"))
    outcome = run(way, server)
    assert [(event.id, event.data) for event in outcome.events] == [("1", "a"), ("2", "b"), ("2", "c")]
    assert server.ids == [None, "1", "2"]
    assert (outcome.error, outcome.source.state) == (None, "closed")


@each_way
def test_it_goes_on_after_a_cut_and_tells_it(way: Way) -> None:
    reset = ConnectionResetError("reset")
    server = Server(Answer(b"id: 1\ndata: a\n\n", reset), Answer(b"data: b\n\n"))
    seen: list[Any] = []
    outcome = run(way, server, on_state_change=lambda source: seen.append((source.state, source.last_error)))
    assert outcome.data == ["a", "b"]
    error = dict(seen[:2])["waiting"]
    assert isinstance(error, TruncatedError)
    assert (error.reason, error.__cause__) == ("source_failed", reset)


@each_way
def test_the_response_that_the_error_of_a_request_holds_is_released(way: Way) -> None:
    refusal = Answer(status=503)

    class RefusedError(ConnectionError):
        """As that of a client's own check of the status."""

        response = (SyncResponse if way in (sync_response, sync_context) else AsyncResponse)(refusal)

    outcome = run(way, Server(RefusedError("503"), Answer(b"data: a\n\n")))
    assert (outcome.data, refusal.closed) == (["a"], 1)


@each_way
def test_errors_that_are_the_cause_of_each_other_are_an_error_like_any_other(way: Way) -> None:
    first, second = ConnectionResetError("first"), ConnectionResetError("second")
    first.__cause__, second.__context__ = second, first
    outcome = run(way, Server(first, Answer(b"data: a\n\n")))
    assert outcome.data == ["a"]


@each_way
def test_the_standard_headers_are_sent_anew_for_each_request(way: Way) -> None:
    server = Server(Answer(b"id: 1\ndata: a\n\n"), Answer(b"id: 2\ndata: a\n\n"))
    run(way, server)
    common = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
    assert server.requests == [common, {**common, "Last-Event-ID": "1"}, {**common, "Last-Event-ID": "2"}]
    assert len({id(headers) for headers in server.requests}) == 3


@each_way
def test_an_id_that_is_reset_is_not_sent(way: Way) -> None:
    server = Server(Answer(b"id: 1\ndata: a\n\n"), Answer(b"id:\ndata: b\n\n"))
    assert run(way, server).events[-1].id == ""
    assert server.ids == [None, "1", None]


@each_way
def test_an_id_whose_blank_line_did_not_come_is_not_committed(way: Way) -> None:
    server = Server(Answer(b"id: 1\ndata: a\n\nid: 2\ndata: b\n"), Answer(b"id: 2\ndata: b\n\n"))
    assert run(way, server).data == ["a", "b"]
    assert server.ids == [None, "1", "2"]


@each_way
def test_an_id_of_a_block_without_data_is_committed(way: Way) -> None:
    server = Server(Answer(b"id: 1\ndata: a\n\nid: 5\n\n"), Answer(b"id: 9\n\n", OSError()))
    assert run(way, server).data == ["a"]
    assert server.ids == [None, "5", "9"]


@each_way
def test_an_id_can_be_given_to_begin_after(way: Way) -> None:
    server = Server(Answer(b"data: a\n\n"))
    outcome = run(way, server, last_event_id="7")
    assert server.ids == ["7", "7"]
    assert outcome.events[0].id == outcome.source.last_event_id == "7"


@pytest.mark.parametrize("wrong", ["1\n", "\r", "a\0b", "\ud800"])
def test_an_id_that_no_event_can_have_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="last_event_id"):
        EventSource(lambda headers: [], last_event_id=wrong)


@each_way
def test_the_last_event_is_handed_to_connect(way: Way) -> None:
    server = Server(Answer(b'data: {"sequence_number":4}\n\n', OSError()), Answer(b'data: {"sequence_number":5}\n\n'))
    outcome = run(way, server)
    assert server.last_events == [None, *outcome.events]
    assert server.last_events[1] is outcome.events[0]


@each_way
def test_the_last_event_is_the_one_that_was_handed_out(way: Way) -> None:
    """Others may have arrived with it."""
    answer = Answer(b"id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n")
    for most in (1, 2, 3):
        outcome = run(way, Server(answer), most=most)
        assert outcome.source.last_event is outcome.events[-1]
        assert outcome.source.last_event_id == outcome.events[-1].id == str(most)


def test_a_connect_without_that_parameter_is_given_headers_alone() -> None:
    given: list[Any] = []

    def connect(headers: Any, timeout: float = 5) -> list[bytes]:
        given.append((headers, timeout))
        return [b"data: a\n\n"]

    with EventSource(connect) as source:
        assert next(source).data == "a"
    assert given[0][1] == 5


# What the server's `retry` and Retry-After do to the delay.


@each_way
def test_delays_grow_from_three_seconds_to_a_minute(way: Way) -> None:
    outcome = run(way, Server(*[OSError("down")] * 8), random=lambda: 1.0)
    assert outcome.delays == [3.75, 6, 12, 24, 48, 60, 60, 60]


@each_way
def test_delays_are_drawn_at_random_above_the_first(way: Way) -> None:
    assert run(way, Server(*[OSError("down")] * 3), random=lambda: 0.5).delays == [3.375, 4.5, 7.5]


@each_way
def test_retry_sets_the_delay_and_is_never_undercut(way: Way) -> None:
    server = Server(Answer(b"retry: 7000\ndata: a\n\n"), OSError(), OSError())
    assert run(way, server).delays == [7, 7, 7]


@each_way
def test_retry_of_a_block_without_data_counts(way: Way) -> None:
    assert run(way, Server(Answer(b"retry: 500\n\n"))).delays == [0.5]


@each_way
def test_retry_of_zero_counts_after_an_event_and_has_a_floor_after_a_failure(way: Way) -> None:
    server = Server(Answer(b"retry: 0\ndata: a\n\n"), Answer(b"data: b\n\n"), OSError(), Answer(b"retry: 0\n\n"))
    assert run(way, server).delays == [0.1, 0.1]


@each_way
def test_retry_of_one_millisecond_has_a_floor_after_a_failure(way: Way) -> None:
    server = Server(Answer(b"retry: 1\ndata: a\n\n"), OSError())
    assert run(way, server).delays == [0.001, 0.1]


@each_way
def test_a_huge_retry_is_clamped_to_what_the_decoder_keeps(way: Way) -> None:
    outcome = run(way, Server(Answer(b"retry: %d\ndata: a\n\n" % 2**63)))
    assert outcome.source.retry == 2**31 - 1
    assert outcome.delays == [(2**31 - 1) / 1000]


@each_way
def test_retry_is_kept_over_connections(way: Way) -> None:
    server = Server(Answer(b"retry: 1500\ndata: a\n\n"), Answer(b"data: b\n\n"), Answer(b"data: c\n\n"))
    assert run(way, server).delays == [1.5, 1.5, 1.5]


@each_way
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_a_lower_bound(way: Way, status: int) -> None:
    refusing = Answer(b"busy", status=status, headers={"Retry-After": "120"})
    assert run(way, Server(refusing, refusing)).delays == [120, 120]
    assert run(way, Server(refusing), random=lambda: 0.99).delays[0] > 120


@each_way
def test_an_event_resets_the_delay(way: Way) -> None:
    server = Server(OSError(), OSError(), OSError(), Answer(b"data: a\n\n"), OSError())
    assert run(way, server, random=lambda: 1.0).delays == [3.75, 6, 12, 3.75, 6]


@each_way
def test_connections_that_open_and_close_at_once_do_not_reset_it(way: Way) -> None:
    delays = run(way, Server(*[Answer(b": hello\n\n") for _ in range(1000)]), random=lambda: 1.0).delays
    assert delays[:6] == [3.75, 6, 12, 24, 48, 60]
    assert delays[6:] == [60] * 994


class Elapsing:
    """Passes time while a body is read."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.source: EventSource | None = None

    def note(self, source: EventSource) -> None:
        self.source = source

    def __call__(self) -> None:
        assert self.source is not None
        self.source._settings.clock.time += self.seconds  # type: ignore[attr-defined]


def attempts_after(way: Way, server: Server, passing: Elapsing, **options: Any) -> list[int]:
    """Which attempt each wait was for."""
    attempts: list[int] = []

    def note(source: EventSource) -> None:
        passing.note(source)
        if source.state == "waiting":
            attempts.append(source.attempt)

    run(way, server, on_state_change=note, **options)
    return attempts


@each_way
@pytest.mark.parametrize(("seconds", "attempts"), [(29, [1, 2, 3]), (31, [1, 1, 2])])
def test_a_minute_of_heartbeats_alone_resets_it(way: Way, seconds: float, attempts: list[int]) -> None:
    passing = Elapsing(seconds)
    server = Server(OSError(), Answer(b":\n\n", passing, b":\n\n", passing, b":\n\n"), OSError())
    assert attempts_after(way, server, passing) == attempts


@each_way
def test_two_halves_of_a_minute_are_not_a_minute_of_one_connection(way: Way) -> None:
    passing = Elapsing(31)
    server = Server(OSError(), Answer(b":\n\n", passing, b":\n\n"), Answer(b":\n\n", passing, b":\n\n"))
    assert attempts_after(way, server, passing) == [1, 2, 3]


@each_way
def test_the_time_that_the_reader_takes_is_no_time_of_an_open_stream(way: Way) -> None:
    """An hour passes between two steps of the iteration, the first of which raised."""
    passing = Elapsing(3600)
    source: EventSource | None = None
    server = Server(OSError(), Answer(b"data: " + bytes(80_000) + b"\n\n", b":\n\n"), OSError())
    attempts: list[int] = []

    def note(changed: EventSource) -> None:
        passing.note(changed)
        if changed.state == "waiting":
            attempts.append(changed.attempt)

    source = EventSource(way(server), max_frame_size=10, clock=Clock(), on_state_change=note)

    async def step() -> None:
        await source.__anext__()

    def take() -> None:
        next(source)

    is_sync = way in (sync_response, sync_context)

    async def iterate() -> None:
        with pytest.raises(FrameTooLargeError):
            take() if is_sync else await step()
        passing()
        with pytest.raises((StopIteration, StopAsyncIteration)):
            take() if is_sync else await step()

    asyncio.run(iterate())
    assert attempts == [1, 2, 3]


@each_way
def test_a_rule_of_the_user_replaces_the_delay(way: Way) -> None:
    asked: list[Any] = []

    def delay(attempt: int, retry: int | None) -> float:
        asked.append((attempt, retry))
        return attempt * 10.0

    refusing = Answer(status=503, headers={"Retry-After": "2"})
    server = Server(Answer(b"retry: 500\ndata: a\n\n"), OSError(), refusing)
    assert run(way, server, delay=delay).delays == [10, 20, 30]
    assert asked == [(1, 500), (2, 500), (3, 2000)]


@each_way
def test_a_rule_that_gives_up_raises_the_last_error(way: Way) -> None:
    server = Server(Answer(b"data: a\n\n"), OSError(1), OSError(2))
    outcome = run(way, server, delay=lambda attempt, retry: None if attempt == 3 else 0)
    assert isinstance(outcome.error, OSError)
    assert outcome.error.args == (2,)
    assert outcome.source.state == "closed"


@each_way
def test_a_rule_that_gives_up_after_a_quiet_end_ends_quietly(way: Way) -> None:
    outcome = run(way, Server(Answer(b"data: a\n\n")), delay=lambda attempt, retry: None)
    assert (outcome.data, outcome.error) == (["a"], None)


@each_way
@pytest.mark.parametrize("wrong", ["3", True, -1, float("nan")])
def test_a_rule_that_gives_no_seconds_is_told_so(way: Way, wrong: Any) -> None:
    outcome = run(way, Server(OSError()), delay=lambda attempt, retry: wrong)
    assert isinstance(outcome.error, TypeError)
    assert "delay" in str(outcome.error)


# What answers mean.


@each_way
def test_204_ends_it_quietly_at_first_and_later(way: Way) -> None:
    assert run(way, Server(Answer(status=204))).error is None
    server = Server(Answer(b"data: a\n\n"), Answer(status=204), Answer(b"data: never\n\n"))
    assert run(way, server).data == ["a"]
    assert len(server.requests) == 2


@each_way
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 599])
def test_statuses_that_may_pass_are_tried_again(way: Way, status: int) -> None:
    errors: list[Any] = []
    server = Server(Answer(b"why", status=status), Answer(b"data: a\n\n"))
    outcome = run(way, server, on_state_change=lambda source: errors.append(source.last_error))
    assert outcome.data == ["a"]
    assert (errors[0].status, errors[0].body) == (status, b"why")


@each_way
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 201, 206])
def test_other_statuses_raise(way: Way, status: int) -> None:
    server = Server(Answer(b"no", b"pe", status=status), Answer(b"data: never\n\n"))
    outcome = run(way, server)
    assert isinstance(outcome.error, UpstreamError)
    assert (outcome.error.status, outcome.error.body) == (status, b"nope")
    assert outcome.source.last_error is outcome.error
    assert outcome.source.state == "closed"
    assert len(server.requests) == 1


def test_the_body_of_a_refusal_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_connection, "MAX_BODY_SECONDS", 0.1)
    drops = [b"x", lambda: time.sleep(0.01)] * 2000
    refusal = Answer(*drops, status=403, headers={"Content-Length": "2000"})
    with pytest.raises(UpstreamError) as caught:
        list(EventSource(sync_response(Server(refusal))))
    assert 0 < len(caught.value.body) < 100
    assert refusal.closed == 1


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusal_to_a_sync_client_in_async_for_does_not_stop_the_event_loop(status: int) -> None:
    refusal = Answer(b"nope", status=status)
    caught: list[BaseException] = []

    async def main() -> None:
        try:
            await anext(EventSource(sync_response(Server(refusal)), delay=lambda attempt, retry: None))
        except UpstreamError as error:
            caught.append(error)

    # In a thread, since the event loop may never come back.
    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    thread.join(20)
    assert [error.status for error in caught if isinstance(error, UpstreamError)] == [status]
    assert refusal.closed == 1


@each_way
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_that_was_not_followed_names_the_switch(way: Way, status: int) -> None:
    outcome = run(way, Server(Answer(status=status, headers={"Location": "/there"})))
    assert isinstance(outcome.error, UpstreamError)
    assert "'/there'" in str(outcome.error)
    assert "follow_redirects=True" in str(outcome.error)


@each_way
@pytest.mark.parametrize("headers", [HTML, {}, {"Content-Type": "text/event-streams"}])
def test_a_wrong_content_type_raises_with_the_first_bytes(way: Way, headers: Any) -> None:
    outcome = run(way, Server(Answer(b"<html>" + bytes(100_000), headers=headers)))
    assert isinstance(outcome.error, UpstreamError)
    assert outcome.error.body == b"<html>" + bytes(65_530)
    assert "any_content_type=True" in str(outcome.error)
    assert outcome.error.content_type == headers.get("Content-Type", "")


@each_way
@pytest.mark.parametrize("headers", [EVENT_STREAM, {"content-type": "TEXT/EVENT-STREAM;charset=x"}, None])
def test_the_content_type_is_compared_as_the_standard_does(way: Way, headers: Any) -> None:
    assert run(way, Server(Answer(b"data: a\n\n", headers=headers)), most=1).data == ["a"]


@each_way
def test_any_content_type_is_read_if_that_is_asked_for(way: Way) -> None:
    assert run(way, Server(Answer(b"data: a\n\n", headers=HTML)), most=1, any_content_type=True).data == ["a"]


@each_way
@pytest.mark.parametrize("mistake", [TypeError, ValueError, AttributeError, KeyError, RuntimeError, AssertionError])
def test_a_mistake_in_connect_passes_at_once(way: Way, mistake: type[Exception]) -> None:
    error = mistake("a bug")
    outcome = run(way, Server(error))
    assert (outcome.error, outcome.source.state, outcome.delays) == (error, "closed", [])


@each_way
def test_a_sentinel_ends_it_for_good(way: Way) -> None:
    server = Server(Answer(b"data: a\n\ndata: [DONE]\n\ndata: never\n\n"), Answer(b"data: never\n\n"))
    outcome = run(way, server, done="[DONE]")
    assert (outcome.data, outcome.source.state, len(server.requests)) == (["a"], "closed", 1)


@each_way
def test_an_event_that_is_too_large_raises_and_the_next_one_comes(way: Way) -> None:
    errors: list[Any] = []
    server = Server(Answer(b"data: a\n\ndata: " + bytes(80_000) + b"\n\ndata: c\n\n"))
    assert run(way, server, max_frame_size=10, on_error=errors.append).data == ["a", "c"]
    assert [type(error) for error in errors] == [FrameTooLargeError]
    server = Server(Answer(b"data: a\n\ndata: " + bytes(80_000) + b"\n\ndata: c\n\n"))
    assert isinstance(run(way, server, max_frame_size=10).error, FrameTooLargeError)


# Events that a server sends again.

RESENT = [b"id: 7\ndata: a\n\n", b"id: 7\ndata: a\n\nid: 7\ndata: b\n\nid: 8\ndata: c\n\nid: 7\ndata: d\n\n"]


@each_way
def test_an_event_with_the_id_of_the_last_one_comes_again_unless_it_is_to_be_left_out(way: Way) -> None:
    assert run(way, Server(*map(Answer, RESENT))).data == ["a", "a", "b", "c", "d"]
    assert run(way, Server(*map(Answer, RESENT)), skip_resent=True).data == ["a", "c", "d"]


@each_way
def test_an_event_without_an_id_of_its_own_is_never_left_out(way: Way) -> None:
    server = Server(Answer(b"id: 7\ndata: a\n\n"), Answer(b"data: b\n\nid: 7\ndata: c\n\n"))
    assert run(way, server, skip_resent=True).data == ["a", "b", "c"]


# What is told of it.


@each_way
def test_the_states_are_told_in_order(way: Way) -> None:
    states: list[str] = []
    server = Server(OSError(), Answer(b"data: a\n\n"))
    outcome = run(way, server, on_state_change=lambda source: states.append(source.state))
    assert states == ["waiting", "connecting", "open", "waiting", "connecting", "closed"]
    assert isinstance(outcome.events[0], Event)


def test_a_new_source_is_connecting_and_has_made_no_request() -> None:
    server = Server()
    source = EventSource(lambda headers: server.answer(headers))
    assert (source.state, source.attempt, source.last_error, source.last_event) == ("connecting", 0, None, None)
    assert (source.last_event_id, source.retry, source.seconds_left, server.requests) == ("", None, 0, [])


def test_options_of_the_wrong_type_are_refused_at_once() -> None:
    wrong: Any
    for wrong in (None, "http://localhost", 5):
        with pytest.raises(TypeError, match="connect"):
            EventSource(wrong)
    for name in ("delay", "on_state_change"):
        wrong = {name: 3}
        with pytest.raises(TypeError, match=name):
            EventSource(lambda headers: [], **wrong)
    for value, kind in (("1", TypeError), (True, TypeError), (0, ValueError), (float("nan"), ValueError)):
        wrong = {"read_timeout": value}
        with pytest.raises(kind, match="read_timeout"):
            EventSource(lambda headers: [], **wrong)
    with pytest.raises(ValueError, match="max_frame_size"):
        EventSource(lambda headers: [], max_frame_size=-1)
