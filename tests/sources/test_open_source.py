"""What a stream can be read from, that bytes come as they arrive, and what is refused."""

from __future__ import annotations

import array
import asyncio
import functools
import gzip
import io
import mmap
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import warnings
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from doubles.sources import AsyncChunks

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


def test_a_path_like_object_that_stands_for_an_integer_too_is_no_descriptor(path: pathlib.Path) -> None:
    read, write = os.pipe()
    os.close(write)

    class Entry:
        """A MagicMock is such an object, and its integer that of standard output."""

        def __fspath__(self) -> str:
            return str(path)

        def __index__(self) -> int:
            return read

    assert list(ndstream.ndjson(Entry())) == VALUES
    os.close(read)


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


def test_a_process_points_to_its_pipe() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process,
        pytest.raises(TypeError, match=r"pass its stdout"),
    ):
        ndstream.ndjson(process)  # type: ignore[call-overload]


def test_a_subprocess_is_read_as_it_writes() -> None:
    program = "import sys; print('{\"a\":1}', flush=True); sys.stdin.read(); print('{\"a\":2}')"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        stream = ndstream.ndjson(child.stdout)
        assert next(stream) == {"a": 1}
        child.stdin.close()
        assert list(stream) == [{"a": 2}]


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


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda path: path.open("wb"), "only be written"),
        (lambda path: path.open("wb", buffering=0), "only be written"),
        (lambda path: gzip.open(path, "wb"), "only be written"),
        (lambda path: tempfile.SpooledTemporaryFile(mode="w+"), "decodes to text"),
        (lambda path: tempfile.NamedTemporaryFile("w+"), "decodes to text"),
        (lambda path: zipfile.ZipFile(path, "w"), r"\.open\(name\)"),
        (lambda path: zipfile.Path(zipfile.ZipFile(path, "w"), "one"), "its open"),
        (lambda path: tarfile.open(path, "w"), r"\.extractfile\(name\)"),
    ],
)
def test_what_is_like_a_file_but_gives_no_bytes_is_refused_before_it_is_touched(
    make: Callable[[pathlib.Path], Any], advice: str, tmp_path: pathlib.Path
) -> None:
    source = make(tmp_path / "other")
    with pytest.raises(TypeError, match=advice):
        ndstream.ndjson(source)
    assert not getattr(source, "closed", False)
    getattr(source, "root", source).close()


def test_a_file_to_read_and_write_is_read(path: pathlib.Path) -> None:
    assert list(ndstream.ndjson(path.open("r+b"))) == VALUES
    for file in (tempfile.SpooledTemporaryFile(), tempfile.NamedTemporaryFile()):
        file.write(LINES)
        file.seek(0)
        assert list(ndstream.ndjson(file)) == VALUES


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
        ndstream.ndjson(io.BytesIO)  # type: ignore[arg-type]


class Pieces:
    """Bytes that are awaited a few at a time."""

    def __init__(self, data: bytes = LINES) -> None:
        self._file = io.BytesIO(data)
        self.closed = 0

    async def take(self, size: int | None = None) -> bytes:
        await anyio.sleep(0)
        return self._file.read(3)

    async def aclose(self) -> None:
        self.closed += 1


def _values_of(make: Callable[[], Any], backend: str = "asyncio") -> Any:
    async def main() -> Any:
        stream = ndstream.ndjson(make())
        assert isinstance(stream, ndstream.AsyncStream)
        return [value async for value in stream]

    return anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("method", ["read", "read1", "receive_some"])
def test_awaited_reads_are_a_source(method: str, backend: str) -> None:
    source: Any = type("Reader", (Pieces,), {method: Pieces.take})()
    assert _values_of(lambda: source, backend) == VALUES
    assert source.closed == 1


def test_a_stream_reader_of_asyncio_is_read_as_bytes_come() -> None:
    async def main() -> None:
        reader = asyncio.StreamReader()
        stream = ndstream.ndjson(reader)
        reader.feed_data(b'{"a":1}\n{"a"')
        assert await stream.__anext__() == {"a": 1}
        # Longer than the limit of its own lines.
        reader.feed_data(b':"%b"}\n' % (b"x" * 200_000))
        assert len((await stream.__anext__())["a"]) == 200_000
        reader.feed_eof()
        assert [value async for value in stream] == []

    asyncio.run(main())


def test_a_subprocess_of_asyncio_is_read_as_it_writes() -> None:
    async def main() -> list[Any]:
        program = "print('{\"a\":1}', flush=True); print('{\"a\":2}')"
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
        assert child.stdout is not None
        values = [value async for value in ndstream.ndjson(child.stdout)]
        await child.wait()
        return values

    assert asyncio.run(main()) == VALUES


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_byte_stream_of_anyio_is_a_source(backend: str) -> None:
    async def main() -> None:
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            port = listener.extra(anyio.abc.SocketAttribute.local_port)

            async def serve(client: Any) -> None:
                async with client:
                    await client.send(LINES[:3])
                    await client.send(LINES[3:])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listener.serve, serve)
                async with ndstream.ndjson(await anyio.connect_tcp("127.0.0.1", port)) as stream:
                    assert [value async for value in stream] == VALUES
                tasks.cancel_scope.cancel()

    anyio.run(main, backend=backend)


def test_a_stream_of_trio_is_a_source() -> None:
    trio = real_parts.library("trio")
    testing = real_parts.library("trio.testing")

    async def main() -> None:
        ours, theirs = testing.memory_stream_pair()
        await theirs.send_all(LINES)
        await theirs.aclose()
        async with ndstream.ndjson(ours) as stream:
            assert [value async for value in stream] == VALUES

    trio.run(main)


def test_a_stream_of_tornado_that_an_error_closed_is_a_source_that_failed() -> None:
    iostream = real_parts.library("tornado.iostream")

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            ours = socket.create_connection(server.getsockname())
            theirs, _ = server.accept()
        stream = ndstream.ndjson(iostream.IOStream(ours))
        theirs.sendall(LINES[:10])
        assert await stream.__anext__() == VALUES[0]
        # Closed without a wait for what is left, a connection is reset.
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        with pytest.raises(ndstream.TruncatedError) as caught:
            await stream.__anext__()
        assert caught.value.reason == "source_failed"

    asyncio.run(main())


def test_a_stream_of_tornado_is_read_as_bytes_come() -> None:
    iostream = real_parts.library("tornado.iostream")

    async def main() -> None:
        ours, theirs = socket.socketpair()
        stream = ndstream.ndjson(iostream.IOStream(ours))
        theirs.sendall(LINES[:9])
        assert await stream.__anext__() == VALUES[0]
        theirs.sendall(LINES[9:])
        theirs.close()
        assert [value async for value in stream] == VALUES[1:]
        assert stream.closed

    asyncio.run(main())


@pytest.mark.parametrize("timeout", [None, 10])
def test_a_socket_is_read_as_bytes_come_and_closed(timeout: float | None) -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(timeout)
    stream = ndstream.ndjson(ours)
    theirs.sendall(LINES[:9])
    assert next(stream) == VALUES[0]
    theirs.sendall(LINES[9:])
    theirs.close()
    assert list(stream) == VALUES[1:]
    assert ours.fileno() == -1


def test_a_file_of_a_socket_with_a_timeout_is_read() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    theirs.sendall(LINES)
    theirs.close()
    with ours, ours.makefile("rb") as file:
        assert list(ndstream.ndjson(file)) == VALUES


def test_a_socket_that_does_not_wait_is_refused_with_what_to_do() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs, pytest.raises(ValueError, match="settimeout"):
        ndstream.ndjson(ours)


def _receive(*messages: dict[str, Any]) -> Any:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    return receive


def test_the_messages_of_an_asgi_server_are_a_source() -> None:
    for receive in (
        _receive({"type": "http.request", "body": LINES}),
        _receive(
            {"type": "http.request", "body": LINES[:5], "more_body": True},
            {"type": "http.request", "more_body": True},
            {"type": "http.request", "body": LINES[5:], "more_body": False},
        ),
    ):
        assert _values_of(lambda receive=receive: receive) == VALUES  # type: ignore[misc]


def test_a_receive_may_be_bound_to_its_arguments() -> None:
    async def receive(more: str, *, body: bytes) -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    bound = functools.partial(functools.partial(receive, "x"), body=LINES)
    assert _values_of(lambda: bound) == VALUES


@pytest.mark.parametrize("message", [{"type": "websocket.receive", "bytes": LINES}, {}, None, LINES])
def test_a_receive_of_other_messages_is_no_request(message: Any) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=r"http\.request messages, not"):
            await ndstream.ndjson(_receive(message)).__anext__()

    anyio.run(main)


def test_a_client_that_goes_away_in_mid_body_is_a_source_that_failed() -> None:
    receive = _receive({"type": "http.request", "body": LINES[:10], "more_body": True}, {"type": "http.disconnect"})

    async def main() -> ndstream.TruncatedError:
        stream = ndstream.ndjson(receive)
        assert await stream.__anext__() == VALUES[0]
        with pytest.raises(ndstream.TruncatedError, match="disconnect") as caught:
            await stream.__anext__()
        return caught.value

    error = anyio.run(main)
    assert (error.reason, error.frame, error.offset) == ("source_failed", LINES[8:10], 8)


def test_a_request_of_starlette_is_a_source_with_its_content_type() -> None:
    requests = real_parts.library("starlette.requests")

    async def main() -> list[Any]:
        receive = _receive(
            {"type": "http.request", "body": b"x\nda", "more_body": True},
            {"type": "http.request", "body": b"ta: 1\n\n"},
        )
        scope = {"type": "http", "headers": [(b"content-type", b"text/event-stream")]}
        return [value async for value in ndstream.stream(requests.Request(scope, receive))]

    assert asyncio.run(main()) == [1]


def test_a_request_of_werkzeug_is_a_source() -> None:
    test = real_parts.library("werkzeug.test")
    request = test.EnvironBuilder(method="POST", data=LINES, content_type="application/x-ndjson").get_request()
    assert list(ndstream.stream(request)) == VALUES
    environ = test.EnvironBuilder(method="POST", data=LINES).get_environ()
    assert list(ndstream.ndjson(environ["wsgi.input"])) == VALUES


def test_a_request_of_django_is_a_source() -> None:
    settings = real_parts.library("django.conf").settings
    handlers = real_parts.library("django.core.handlers.wsgi")
    if not settings.configured:
        settings.configure()
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "application/x-ndjson",
        "CONTENT_LENGTH": str(len(LINES)),
        "wsgi.input": io.BytesIO(LINES + b"of another request"),
    }
    assert list(ndstream.stream(handlers.WSGIRequest(environ))) == VALUES


async def _fetch() -> bytes:
    return LINES


class _Awaitable:
    """What is awaited, and no coroutine."""

    def __await__(self) -> Iterator[Any]:
        return iter(())


def test_what_was_not_awaited_entered_or_called_is_refused_with_what_to_do() -> None:
    httpx = real_parts.library("httpx")
    aiohttp = real_parts.library("aiohttp")

    async def main() -> None:
        async with aiohttp.ClientSession() as session, httpx.AsyncClient() as client:
            got = session.get("http://127.0.0.1:1/")
            cases: list[tuple[Any, str]] = [
                (httpx.stream("GET", "http://127.0.0.1:1/"), "with ... as response"),
                (client.stream("GET", "http://127.0.0.1:1/"), "async with ... as response"),
                (client.get("http://127.0.0.1:1/"), "await"),
                (got, "async with"),
                (_fetch(), "await"),
                (_Awaitable(), "await"),
                (client, "it is a client"),
                (session, "it is a client"),
                (generator, "call it"),
                (async_generator, "call it"),
                ({"wsgi.input": io.BytesIO()}, "wsgi.input"),
            ]
            for source, advice in cases:
                with pytest.raises(TypeError) as caught:
                    ndstream.ndjson(source)
                assert advice in str(caught.value)
            got.close()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())


class Unready:
    """A source whose iteration cannot even begin."""

    closed = 0

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def test_a_source_that_refuses_to_be_iterated_over_is_closed() -> None:
    def refuse(self: Any) -> Any:
        raise OSError("not today")

    source: Any = type("Source", (Unready,), {"__iter__": refuse})()
    with pytest.raises(OSError, match="not today"):
        ndstream.ndjson(source)
    assert source.closed == 1

    async def main() -> None:
        source: Any = type("Source", (Unready,), {"__aiter__": refuse})()
        with pytest.raises(OSError, match="not today"):
            ndstream.ndjson(source)
        for _ in range(5):
            await anyio.sleep(0)
        assert source.closed == 1

    asyncio.run(main())


@pytest.mark.parametrize("error", [TypeError, ValueError, AttributeError, AssertionError, RuntimeError])
def test_misuse_that_the_first_read_shows_is_no_failure_of_the_network(error: type[Exception]) -> None:
    def chunks() -> Iterator[bytes]:
        yield b""
        raise error("no source")

    async def async_chunks() -> AsyncIterator[bytes]:
        yield b""
        raise error("no source")

    async def main() -> None:
        stream = ndstream.stream(async_chunks())
        with pytest.raises(error, match=r"^no source$"):
            await stream.__anext__()
        assert stream.closed

    stream = ndstream.stream(chunks())
    with pytest.raises(error, match=r"^no source$"):
        next(stream)
    assert stream.closed
    assert list(stream) == []
    asyncio.run(main())


def test_lines_without_their_ends_point_to_the_response() -> None:
    with pytest.raises(ndstream.StreamError, match="iter_lines"):
        list(ndstream.ndjson([b'{"a":1}', b'{"a":2}']))


def test_what_reads_as_a_socket_does_is_a_source() -> None:
    """Channels of paramiko have `recv`, `makefile` and `settimeout`, but no `recv_into`."""

    class Channel:
        def __init__(self) -> None:
            self.ours, self.theirs = socket.socketpair()
            self.recv, self.makefile = self.ours.recv, self.ours.makefile
            self.gettimeout, self.close = self.ours.gettimeout, self.ours.close

        def __enter__(self) -> Channel:
            return self

        def __exit__(self, *error: object) -> None:
            self.close()

    channel: Any = Channel()
    channel.theirs.sendall(LINES)
    stream = ndstream.ndjson(channel)
    assert [next(stream) for _ in VALUES] == VALUES
    channel.theirs.close()
    assert list(stream) == []
    assert channel.ours.fileno() == -1


class AsgiApplication:
    async def __call__(self, scope: object, receive: object, send: object) -> None:
        raise AssertionError("never called")


async def get(url: str) -> bytes:
    raise AssertionError("never called")


@pytest.mark.parametrize("source", [AsgiApplication(), get])
def test_an_async_function_that_takes_arguments_is_no_receive(source: object) -> None:
    with pytest.raises(TypeError, match="it is a function; call it"):
        ndstream.ndjson(source)  # type: ignore[call-overload]
