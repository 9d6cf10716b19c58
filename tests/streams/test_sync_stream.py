"""Sync streams: where values and errors come out, and that the source is released once on every way."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import ndstream
from doubles.sources import Source


def test_a_stream_is_its_own_iterator() -> None:
    stream = ndstream.ndjson(b"1\n2\n")
    assert iter(stream) is stream
    assert (next(stream), list(stream), list(stream)) == (1, [2], [])


def test_chunks_are_pulled_only_when_values_run_out() -> None:
    source = Source(b"1\n2\n", b"3\n")
    stream = ndstream.ndjson(source)
    assert len(source.chunks) == 2
    assert [next(stream), next(stream)] == [1, 2]
    assert len(source.chunks) == 1


def test_the_end_of_the_iteration_releases_the_source_once() -> None:
    source = Source(b"1\n", b"2")
    with ndstream.ndjson(source) as stream:
        assert list(stream) == [1, 2]
        assert (source.closed, stream.closed) == (1, True)
    stream.close()
    del stream
    assert source.closed == 1


def test_the_source_is_released_before_the_last_value_is_used() -> None:
    source = Source(b"1")
    assert next(ndstream.ndjson(source)) == 1
    assert source.closed == 1


def test_leaving_with_releases_the_source_and_ends_the_iteration() -> None:
    source = Source(b"1\n2\n")
    with ndstream.ndjson(source) as stream:
        next(stream)
    assert source.closed == 1
    assert list(stream) == []


def test_an_exception_in_the_loop_releases_the_source_and_passes() -> None:
    source = Source(b"1\n2\n")
    with pytest.raises(ZeroDivisionError), ndstream.ndjson(source) as stream:
        for value in stream:
            value / 0
    assert source.closed == 1


def test_a_stream_that_is_left_behind_releases_its_source() -> None:
    source = Source(b"1\n2\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in ndstream.ndjson(source):
            break
        gc.collect()
    assert source.closed == 1


def test_a_generator_is_closed_where_it_stands() -> None:
    seen: list[str] = []

    def chunks() -> Iterator[bytes]:
        try:
            yield b"1\n2\n"
        except GeneratorExit:
            seen.append("closed")
            raise

    with ndstream.ndjson(chunks()) as stream:
        next(stream)
    assert seen == ["closed"]


def test_a_source_without_close_needs_none() -> None:
    with ndstream.ndjson([b"1\n"]) as stream:
        assert list(stream) == [1]


def test_a_failing_close_is_not_swallowed() -> None:
    class Failing(Source):
        def close(self) -> None:
            super().close()
            raise OSError("close failed")

    source = Failing(b"1\n")
    stream = ndstream.ndjson(source)
    assert next(stream) == 1
    with pytest.raises(OSError, match="close failed"):
        next(stream)
    assert list(stream) == []
    assert source.closed == 1


def test_a_bad_frame_does_not_end_the_stream() -> None:
    source = Source(b"1\nx\n2\n")
    stream = ndstream.ndjson(source)
    assert next(stream) == 1
    with pytest.raises(ndstream.DecodeError):
        next(stream)
    assert source.closed == 0
    assert list(stream) == [2]
    assert source.closed == 1


def test_skipped_errors_are_counted() -> None:
    stream = ndstream.ndjson(b"1\nx\n2\n", on_error="skip")
    assert list(stream) == [1, 2]
    assert stream.decoder is not None
    assert (stream.decoder.frames, stream.decoder.errors) == (2, 1)


@pytest.mark.parametrize("open_stream", [ndstream.ndjson, ndstream.sse, ndstream.jsonseq, ndstream.stream])
def test_a_source_that_fails_in_mid_frame_is_a_truncated_stream(open_stream: Callable[..., Any]) -> None:
    failure = ConnectionResetError("reset by peer")
    data = {ndstream.sse: b"data: 1\n\nda", ndstream.jsonseq: b"\x1e1\n\x1e[2"}.get(open_stream, b"1\n[2")
    source = Source(data, failure)
    stream = open_stream(source)
    next(stream)
    with pytest.raises(ndstream.TruncatedError) as caught:
        next(stream)
    error = caught.value
    assert error.__cause__ is failure
    assert error.reason == "source_failed"
    assert data.endswith(error.frame)
    assert error.offset + len(error.frame) == len(data)
    assert "1 frames" in str(error)
    assert source.closed == 1
    assert list(stream) == []


def test_a_source_that_fails_before_the_framing_is_told_is_truncated_too() -> None:
    source = Source(b"da", OSError("gone"))
    stream = ndstream.stream(source)
    with pytest.raises(ndstream.TruncatedError) as caught:
        next(stream)
    assert (caught.value.frame, caught.value.offset) == (b"da", 0)
    assert source.closed == 1


def test_skipping_bad_frames_does_not_hide_that_the_source_failed() -> None:
    stream = ndstream.ndjson(Source(b"1\n", OSError("gone")), on_error="skip")
    with pytest.raises(ndstream.TruncatedError):
        list(stream)


def test_ctrl_c_while_reading_passes_and_the_stream_can_go_on() -> None:
    source = Source(b"1\n", KeyboardInterrupt(), b"2\n")
    stream = ndstream.ndjson(source)
    assert next(stream) == 1
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    assert source.closed == 0
    assert list(stream) == [2]


def test_the_sentinel_ends_the_stream_at_once() -> None:
    source = Source(b"data: 1\n\ndata: [DONE]\n\n", b"data: 2\n\n")
    stream = ndstream.stream(source)
    assert list(stream) == [1]
    assert source.closed == 1
    # The chunk after the sentinel was not even asked for.
    assert len(source.chunks) == 1


def test_a_stream_that_must_have_its_sentinel_is_truncated_without_it() -> None:
    stream = ndstream.stream(b"data: 1\n\n", require_done=True)
    assert next(stream) == 1
    with pytest.raises(ndstream.TruncatedError) as caught:
        next(stream)
    assert caught.value.reason == "no_sentinel"
    assert list(stream) == []
    assert list(ndstream.stream(b"data: 1\n\ndata: [DONE]\n\n", require_done=True)) == [1]


def test_no_sentinel_means_none() -> None:
    data = b"data: [1]\n\ndata: [DONE]\n\n"
    with pytest.raises(ndstream.DecodeError):
        list(ndstream.stream(data, done=None))
    assert [event.data for event in ndstream.sse(data)] == ["[1]", "[DONE]"]
    assert [event.data for event in ndstream.sse(data, done="[DONE]")] == ["[1]"]


def test_events_without_data_are_passed_over_in_json_and_keep_their_id() -> None:
    stream = ndstream.stream(b"id: 7\ndata:\n\ndata: 1\n\n", format="sse")
    assert list(stream) == [1]
    assert isinstance(stream.decoder, ndstream.SSEDecoder)
    assert stream.decoder.last_event_id == "7"


def test_a_stream_cannot_be_used_from_its_own_source() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"1\n"
        next(stream)

    stream = ndstream.ndjson(chunks())
    assert next(stream) == 1
    with pytest.raises(ndstream.TruncatedError) as caught:
        next(stream)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_loads_may_leave_the_loop_without_harm() -> None:
    def loads(payload: bytes) -> Any:
        if payload == b"2":
            raise KeyboardInterrupt
        return int(payload)

    stream = ndstream.ndjson(b"1\n2\n3\n", loads=loads)
    assert next(stream) == 1
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            next(stream)


def test_a_subclass_may_override_next() -> None:
    class Doubling(ndstream.Stream[int]):
        def __next__(self) -> int:
            return 2 * super().__next__()

    from ndstream._sources.opened_source import OpenedSyncSource

    stream = Doubling(OpenedSyncSource(iter([b"1\n2\n"]), lambda: None), ndstream.NDJSONDecoder())
    assert list(stream) == [2, 4]


def test_no_python_frame_is_entered_for_a_value() -> None:
    import sys

    stream = ndstream.ndjson([b"1\n" * 1000])
    next(stream)
    calls: list[str] = []
    sys.setprofile(lambda frame, event, argument: calls.append(event) if event == "call" else None)
    try:
        for _ in range(500):
            next(stream)
    finally:
        sys.setprofile(None)
    assert calls == []


def test_closing_while_another_thread_reads_ends_that_read_without_harm() -> None:
    started, arrives = threading.Event(), threading.Event()

    def chunks() -> Iterator[bytes]:
        started.set()
        arrives.wait(30)
        yield b"1\n"

    class Unclosable:
        """Its iterator is known to the stream alone."""

        def __iter__(self) -> Iterator[bytes]:
            return chunks()

    got: list[Any] = []
    stream = ndstream.ndjson(Unclosable())
    reader = threading.Thread(target=lambda: got.extend(stream))
    reader.start()
    started.wait(30)
    stream.close()
    arrives.set()
    reader.join(30)
    assert got == []
    assert stream.closed


def test_a_source_that_closes_its_own_stream_does_no_harm() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"1\n"
        stream.close()
        yield b"2\n"

    class Source:
        def __iter__(self) -> Iterator[bytes]:
            return chunks()

    stream = ndstream.ndjson(Source())
    assert list(stream) == [1]
    # The chunk that came after the close was not fed.
    assert stream.decoder is not None
    assert (stream.decoder.pending, stream.decoder.offset) == (0, 2)


def test_what_arrived_comes_before_the_error_of_a_failing_close() -> None:
    class FailingClose(Source):
        def close(self) -> None:
            raise OSError("close failed")

    stream = ndstream.ndjson(FailingClose(b"1\n2"))
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(OSError, match="close failed"):
        next(stream)
    failing = ndstream.ndjson(FailingClose(b"1\n[", ValueError("read failed")))
    assert next(failing) == 1
    with pytest.raises(ndstream.TruncatedError) as caught:
        next(failing)
    assert isinstance(caught.value.__cause__, ValueError)


def test_the_error_of_a_failing_close_is_not_kept_once_it_is_raised() -> None:
    class CloseError(Exception):
        pass

    class FailingClose(Source):
        def close(self) -> None:
            raise CloseError

    stream = ndstream.ndjson(FailingClose(b"1\n"))
    assert next(stream) == 1
    raised: list[weakref.ref[CloseError]] = []
    try:
        next(stream)
    except CloseError as error:
        raised.append(weakref.ref(error))
    gc.collect()
    assert [reference() for reference in raised] == [None]
    assert list(stream) == []


def test_a_generator_that_ctrl_c_ended_is_no_clean_end() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"1\n"
        raise KeyboardInterrupt

    stream = ndstream.ndjson(chunks())
    assert next(stream) == 1
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    with pytest.raises(ndstream.TruncatedError) as caught:
        next(stream)
    assert isinstance(caught.value.__cause__, KeyboardInterrupt)
    assert list(stream) == []


def test_a_stream_that_was_not_made_by_a_way_in_is_refused() -> None:
    bare = ndstream.Stream.__new__(ndstream.Stream)
    with pytest.raises(RuntimeError, match="no source"):
        next(bare)


def test_the_error_of_a_failed_source_names_the_line_that_was_cut() -> None:
    for open_stream, data, line in (
        (ndstream.ndjson, b"1\n2\n[", 3),
        (ndstream.ndjson, b"", 1),
        (ndstream.sse, b"data: 1\n\ndata: 2\ndata", 3),
    ):
        stream: ndstream.Stream[Any] = open_stream(Source(data, OSError("gone")))
        with pytest.raises(ndstream.TruncatedError) as caught:
            list(stream)
        assert caught.value.line == line


def test_a_handler_cannot_end_the_loop_by_stop_iteration() -> None:
    def handler(error: ndstream.StreamError) -> None:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(ndstream.ndjson(b"{\n1\n", on_error=handler))


def test_the_decoder_of_a_stream_cannot_be_replaced_and_a_stream_is_made_once() -> None:
    stream: Any = ndstream.ndjson([b"1\n", b"2\n"])
    with pytest.raises(AttributeError):
        stream.decoder = None
    assert next(stream) == 1
    with pytest.raises(RuntimeError, match="another stream"):
        super(ndstream.Stream, stream).__init__([b"3\n"], ndstream.NDJSONDecoder())
    assert list(stream) == [2]


def test_an_interrupt_while_the_framing_is_detected_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import ndstream._framing

    sniff = ndstream._framing.sniff
    interrupts = iter([True, True])

    def interrupted(head: bytearray, at_end: bool) -> Any:
        if next(interrupts, False):
            raise KeyboardInterrupt
        return sniff(head, at_end)

    monkeypatch.setattr(ndstream._framing, "sniff", interrupted)
    stream = ndstream.stream([b"1\n2\n"])
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        assert not stream.closed
    assert list(stream) == [1, 2]


def test_an_interrupt_while_the_source_is_released_does_not_hide_that_it_failed() -> None:
    class Interrupted(Source):
        def close(self) -> None:
            super().close()
            raise KeyboardInterrupt

    stream = ndstream.ndjson(Interrupted(b"1\n", ConnectionResetError("reset")))
    assert next(stream) == 1
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    with pytest.raises(ndstream.TruncatedError, match="reset"):
        next(stream)
    assert list(stream) == []


def test_a_source_that_ended_is_released_before_the_value_that_its_end_completes() -> None:
    stream = ndstream.ndjson(iter([b"1\n2"]))
    assert [(value, stream.closed) for value in stream] == [(1, False), (2, True)]


def test_a_stream_whose_release_was_interrupted_can_be_closed_again() -> None:
    class Source:
        def __init__(self) -> None:
            self.closes = 0

        def __iter__(self) -> Iterator[bytes]:
            return self

        def __next__(self) -> bytes:
            return b"1\n"

        def close(self) -> None:
            self.closes += 1
            raise KeyboardInterrupt

    stream = ndstream.ndjson(Source())
    with pytest.raises(KeyboardInterrupt):
        stream.close()
    assert not stream.closed
    stream.close()
    assert stream.closed
