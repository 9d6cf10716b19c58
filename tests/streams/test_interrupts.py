"""Ctrl-C anywhere in a stream: no value is lost or invented, or the next step says that bytes were lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import ndstream
from doubles.sources import Response, content_type
from failures.interrupts import Seen, at_every_place, by_signals, check, read
from ndstream import _diagnosis

FEW = range(40)
MANY = range(5000)


def lines_of(values: range) -> bytes:
    return b"".join(b"%d\n" % value for value in values)


def events_of(values: range) -> bytes:
    return b"".join(b"data: %d\n\n" % value for value in values)


def document_of(values: range) -> bytes:
    return b'{\n"values": [\n%b]}\n' % b",\n".join(b"%d" % value for value in values)


class Chunks:
    """A source in Python code, which an interrupt leaves where it was."""

    def __init__(self, data: bytes, size: int) -> None:
        self.chunks = [data[at : at + size] for at in range(0, len(data), size)]
        self.index = 0

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        if self.index == len(self.chunks):
            raise StopIteration
        chunk = self.chunks[self.index]
        # No call from here on, after which a handler could run.
        self.index += 1
        return chunk


def generator(data: bytes, size: int) -> Iterator[bytes]:
    """A source that an interrupt ends."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def loads(payload: bytes) -> Any:
    return int(payload)


def lines(values: range, size: int) -> Any:
    return ndstream.ndjson(Chunks(lines_of(values), size), loads=loads)


def lines_of_a_generator(values: range, size: int) -> Any:
    return ndstream.ndjson(generator(lines_of(values), size), loads=loads)


def sniffed_lines(values: range, size: int) -> Any:
    return ndstream.stream(Chunks(lines_of(values), size), loads=loads)


def sniffed_events(values: range, size: int) -> Any:
    return ndstream.stream(Chunks(events_of(values), size), loads=loads)


def lines_as_json(values: range, size: int) -> Any:
    return ndstream.stream(Response(Chunks(lines_of(values), size), content_type("application/json")))  # type: ignore[arg-type]


def read_ahead(values: range, size: int) -> Any:
    return ndstream.ndjson(Chunks(lines_of(values), size), loads=loads, prefetch=2)


def sniffed_and_read_ahead(values: range, size: int) -> Any:
    return ndstream.stream(Chunks(events_of(values), size), loads=loads, prefetch=3)


LAYERS: list[Callable[[range, int], Any]] = [
    lines,
    lines_of_a_generator,
    sniffed_lines,
    sniffed_events,
    lines_as_json,
    read_ahead,
    sniffed_and_read_ahead,
]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("open_stream", LAYERS)
def test_no_place_in_our_own_code_loses_a_value(open_stream: Callable[[range, int], Any], size: int) -> None:
    # A thread that reads ahead takes its turns as it likes, so that the places differ from run to run.
    most = 150 if "ahead" in open_stream.__name__ else None
    for number, seen in enumerate(at_every_place(lambda: read(open_stream(FEW, size)))):
        check(seen, list(FEW))
        if most is not None and number == most:
            break


@pytest.mark.parametrize("size", [7, 1000])
@pytest.mark.parametrize("open_stream", LAYERS)
def test_no_real_signal_loses_a_value(open_stream: Callable[[range, int], Any], size: int) -> None:
    for seen in by_signals(lambda: read(open_stream(MANY, size)), wanted=30):
        check(seen, list(MANY))


def document(values: range, size: int) -> Any:
    body = Response(Chunks(document_of(values), size), content_type("application/json"))  # type: ignore[arg-type]
    return ndstream.stream(body, loads=python_loads)


def python_loads(payload: bytes) -> Any:
    return json.loads(payload)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_document_is_read_whole_after_interrupts(size: int) -> None:
    for seen in at_every_place(lambda: read(document(FEW, size))):
        check(seen, [{"values": list(FEW)}])
    for seen in by_signals(lambda: read(document(MANY, size)), wanted=20):
        check(seen, [{"values": list(MANY)}])


class Failing(Chunks):
    """Fails instead of ending, and has nothing more after that."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data, size)
        self.failed = False
        self.closed = 0

    def __next__(self) -> bytes:
        if self.index == len(self.chunks) and not self.failed:
            self.failed = True
            raise ConnectionResetError("reset")
        return super().__next__()

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("open_stream", [ndstream.ndjson, ndstream.stream])
@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_interrupt_never_hides_that_the_source_failed(open_stream: Callable[..., Any], prefetch: int) -> None:
    def program() -> Seen:
        return read(open_stream(Failing(b"1\n2\n[3", 2), prefetch=prefetch))

    for number, seen in enumerate(at_every_place(program)):
        assert isinstance(seen.error, ndstream.TruncatedError)
        assert seen.values == [1, 2]
        if number == 200:
            break


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_interrupt_releases_the_source_once_or_leaves_that_to_close(prefetch: int) -> None:
    sources: list[Failing] = []

    def program() -> Seen:
        sources.append(Failing(b"1\n2\n", 2))
        with ndstream.ndjson(sources[-1], prefetch=prefetch) as stream:
            return read(stream)

    for number, _ in enumerate(at_every_place(program)):
        assert sources[-1].closed <= 1
        if number == 200:
            break


class Interrupt(BaseException):
    pass


@pytest.fixture
def interrupted_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt comes out of the making of the error for a failed source, the first time."""
    make = _diagnosis.source_failed
    made = []

    def interrupted(*arguments: Any) -> Any:
        made.append(arguments)
        if len(made) == 1:
            raise Interrupt
        return make(*arguments)

    monkeypatch.setattr(_diagnosis, "source_failed", interrupted)


def check_that_it_failed(take: Callable[[], object], over: type[Exception]) -> None:
    """What follows the interrupt is the error of the source, and not the part of a line that it left."""
    assert take() == 1
    with pytest.raises(Interrupt):
        take()
    with pytest.raises(ndstream.TruncatedError) as caught:
        take()
    assert repr(caught.value.__cause__) == "OSError('reset')"
    assert (caught.value.reason, caught.value.frame) == ("source_failed", b"2")
    with pytest.raises(over):
        take()


@pytest.mark.usefixtures("interrupted_words")
def test_an_interrupt_in_the_words_of_a_failed_source_makes_it_no_clean_end() -> None:
    def source() -> Iterator[bytes]:
        yield b"1\n2"
        raise OSError("reset")

    stream = ndstream.ndjson(source())
    check_that_it_failed(lambda: next(stream), StopIteration)
    assert stream.closed


@pytest.mark.usefixtures("interrupted_words")
def test_an_interrupt_in_the_words_of_a_failed_async_source_makes_it_no_clean_end() -> None:
    async def source() -> AsyncIterator[bytes]:
        yield b"1\n2"
        raise OSError("reset")

    def take() -> object:
        try:
            stream.__anext__().__await__().send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("the source never waits")

    stream = ndstream.ndjson(source())
    check_that_it_failed(take, StopAsyncIteration)
    assert stream.closed
