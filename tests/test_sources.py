"""What a stream can be read from, that bytes come as they arrive, and what is refused."""

from __future__ import annotations

import array
import gzip
import io
import mmap
import os
import pathlib
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest

import ndstream

LINES = b'{"a":1}\n{"a":2}\n'
VALUES = [{"a": 1}, {"a": 2}]


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    file = tmp_path / "lines.ndjson"
    file.write_bytes(LINES)
    return file


class Reader:
    """The least that counts as a file."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, 3))


def generator() -> Iterator[bytes]:
    yield LINES[:5]
    yield LINES[5:]


@pytest.mark.parametrize(
    "source",
    [
        LINES,
        bytearray(LINES),
        memoryview(LINES),
        [LINES],
        (LINES[:1], b"", LINES[1:]),
        [bytearray(LINES[:9]), memoryview(LINES)[9:]],
        generator(),
        map(bytes, [LINES]),
        io.BytesIO(LINES),
        io.BufferedReader(io.BytesIO(LINES)),
        Reader(LINES),
    ],
    ids=lambda source: type(source).__name__,
)
def test_whatever_gives_bytes_is_a_source(source: Any) -> None:
    assert list(ndstream.ndjson(source)) == VALUES


def test_a_path_is_opened_and_closed_at_its_end(path: pathlib.Path) -> None:
    stream = ndstream.ndjson(path)
    assert list(stream) == VALUES
    assert stream.closed


def test_a_path_like_object_counts_as_a_path(path: pathlib.Path) -> None:
    class Entry:
        def __fspath__(self) -> str:
            return str(path)

    assert list(ndstream.ndjson(Entry())) == VALUES


def test_a_path_that_is_left_behind_is_closed_without_a_warning(path: pathlib.Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    for _ in range(3):
        stream = ndstream.ndjson(path)
        next(stream)
        del stream
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_missing_path_is_an_ordinary_error() -> None:
    with pytest.raises(FileNotFoundError):
        ndstream.ndjson(pathlib.Path("no such file"))


@pytest.mark.parametrize("buffering", [0, -1])
def test_an_open_binary_file_is_read_and_closed(path: pathlib.Path, buffering: int) -> None:
    file = path.open("rb", buffering=buffering)
    assert list(ndstream.ndjson(file)) == VALUES
    assert file.closed


def test_files_that_decompress_are_files(tmp_path: pathlib.Path) -> None:
    name = tmp_path / "lines.gz"
    name.write_bytes(gzip.compress(LINES[:8]) + gzip.compress(LINES[8:]))
    assert list(ndstream.ndjson(gzip.open(name))) == VALUES


def test_a_memory_map_is_read_as_a_file(path: pathlib.Path) -> None:
    with path.open("rb") as file:
        assert list(ndstream.ndjson(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))) == VALUES


def test_standard_input_is_left_open() -> None:
    program = (
        "import sys, ndstream; "
        "print(list(ndstream.ndjson(sys.stdin.buffer)), sys.stdin.closed, sys.stdin.buffer.closed)"
    )
    ran = subprocess.run([sys.executable, "-c", program], input=LINES, capture_output=True, check=True)
    assert ran.stdout.decode().strip() == f"{VALUES} False False"


def _pipe() -> tuple[Any, Callable[[bytes], object], Callable[[], object]]:
    read, write = os.pipe()
    return os.fdopen(read, "rb"), lambda data: os.write(write, data), lambda: os.close(write)


def _raw_pipe() -> tuple[Any, Callable[[bytes], object], Callable[[], object]]:
    read, write = os.pipe()
    return os.fdopen(read, "rb", buffering=0), lambda data: os.write(write, data), lambda: os.close(write)


def _socket_file() -> tuple[Any, Callable[[bytes], object], Callable[[], object]]:
    ours, theirs = socket.socketpair()
    file = ours.makefile("rb")
    ours.close()
    return file, theirs.sendall, theirs.close


@pytest.mark.parametrize("make", [_pipe, _raw_pipe, _socket_file])
def test_a_value_comes_out_while_the_writer_still_holds_the_pipe(make: Callable[[], Any]) -> None:
    source, write, close = make()
    stream = ndstream.ndjson(source)
    # A source that waited for a full block would hang here.
    for number in range(3):
        write(b'{"a":%d}\n{"half' % number)
        assert next(stream) == {"a": number}
        write(b'":0}\n')
        assert next(stream) == {"half": 0}
    close()
    assert list(stream) == []
    assert source.closed


def test_a_subprocess_is_read_as_it_writes() -> None:
    program = "import sys; print('{\"a\":1}', flush=True); sys.stdin.read(); print('{\"a\":2}')"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        stream = ndstream.ndjson(child.stdout)
        assert next(stream) == {"a": 1}
        child.stdin.close()
        assert list(stream) == [{"a": 2}]


class AsyncChunks:
    """An async iterable that is no generator, and counts how often it is closed."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.closed = 0

    def __aiter__(self) -> AsyncChunks:
        return self

    async def __anext__(self) -> bytes:
        await anyio.sleep(0)
        if not self.chunks:
            raise StopAsyncIteration
        return self.chunks.pop(0)

    async def aclose(self) -> None:
        self.closed += 1


async def async_generator() -> AsyncIterator[bytes]:
    yield LINES[:5]
    yield LINES[5:]


@pytest.mark.parametrize("make", [async_generator, lambda: AsyncChunks(LINES[:3], b"", LINES[3:])])
def test_an_async_iterable_makes_an_async_stream(make: Callable[[], Any]) -> None:
    async def main() -> list[Any]:
        stream = ndstream.ndjson(make())
        assert isinstance(stream, ndstream.AsyncStream)
        return [value async for value in stream]

    assert anyio.run(main) == VALUES


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("lines.ndjson", "pathlib.Path"),
        ({"a": 1}, "value already"),
        (io.StringIO("{}"), "'rb'"),
        (None, "iterable"),
        (7, "iterable"),
        (object(), "iterable"),
    ],
)
def test_what_holds_no_bytes_is_refused_with_what_to_pass(source: Any, advice: str) -> None:
    for open_stream in (ndstream.ndjson, ndstream.sse, ndstream.jsonseq, ndstream.stream):
        with pytest.raises(TypeError, match=type(source).__name__) as caught:
            open_stream(source)
        assert advice in str(caught.value)


def test_text_files_point_to_their_buffer(path: pathlib.Path) -> None:
    with path.open() as file, pytest.raises(TypeError, match="buffer"):
        ndstream.ndjson(file)  # type: ignore[arg-type]


@pytest.mark.parametrize("chunks", [["text"], [LINES, None], [7], [[LINES]]])
def test_chunks_that_are_not_bytes_are_refused_after_the_values_before_them(chunks: list[Any]) -> None:
    for open_stream in (ndstream.ndjson, ndstream.stream):
        closed: list[bool] = []

        def source() -> Iterator[Any]:
            try:
                yield from chunks
            finally:
                closed.append(True)

        stream = open_stream(source())
        values = []
        with pytest.raises(TypeError, match="chunk must be bytes"):
            for value in stream:
                values.append(value)
        assert values == (VALUES if chunks[0] == LINES else [])
        assert closed == [True]
        assert list(stream) == []


def test_chunks_of_other_buffers_are_taken_for_their_bytes() -> None:
    numbers = memoryview(array.array("I", [0x0A5D315B]))
    grid = memoryview(b"[.1.].\n.")[::2]
    assert list(ndstream.ndjson([numbers])) == [[1]]
    assert list(ndstream.ndjson([grid])) == [[1]]
    assert list(ndstream.NDJSONDecoder().feed(array.array("I", [0x0A5D315B]))) == [[1]]


def test_a_stream_can_be_read_in_a_thread_and_closed_in_another(path: pathlib.Path) -> None:
    stream = ndstream.ndjson(path)
    next(stream)
    closer = threading.Thread(target=stream.close)
    closer.start()
    closer.join()
    assert list(stream) == []


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_pipe_that_does_not_wait_is_refused_with_what_to_do(buffering: int) -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    with os.fdopen(read, "rb", buffering=buffering) as file, pytest.raises(ValueError, match="set_blocking"):
        ndstream.ndjson(file)
    os.close(write)


def test_a_class_is_no_source() -> None:
    with pytest.raises(TypeError, match="type"):
        ndstream.ndjson(io.BytesIO)  # type: ignore[call-overload]
