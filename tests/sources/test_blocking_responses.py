"""Responses of requests, urllib3 and http.client: prompt inside a chunk, and with the errors of their own library."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ndstream
import real_parts
from doubles.loopback import response, serving

EVENTS = b"data: 1\n\ndata: 2\n\ndata: 3\n\n"


def _requests(url: str, **options: Any) -> Any:
    return real_parts.library("requests").get(url, stream=True, **options)


def _urllib3(url: str, **options: Any) -> Any:
    return real_parts.library("urllib3").PoolManager().request("GET", url, preload_content=False, **options)


def _urllib(url: str, **options: Any) -> Any:
    import urllib.request

    return urllib.request.urlopen(url, **options)


def break_off() -> None:
    """Has the server close the connection."""
    raise OSError


CLIENTS = [_requests, _urllib3, _urllib]


def one_chunk(*parts: bytes | threading.Event, length: int = len(EVENTS)) -> list[Any]:
    """A response whose body is one HTTP chunk that arrives in parts."""
    return [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"%x\r\n" % length,
        *parts,
    ]


@pytest.mark.parametrize("get", CLIENTS)
def test_events_come_out_before_the_http_chunk_that_holds_them_has_ended(get: Callable[..., Any]) -> None:
    go_on = threading.Event()
    answer = one_chunk(EVENTS[:18], go_on, EVENTS[18:], b"\r\n0\r\n\r\n")
    with serving(answer) as server, contextlib.closing(get(server.url)) as got:
        stream = ndstream.stream(got)
        assert [next(stream), next(stream)] == [1, 2]
        assert not go_on.is_set()
        go_on.set()
        assert list(stream) == [3]


@pytest.mark.parametrize("get", CLIENTS)
def test_what_came_of_a_chunk_that_breaks_comes_out_with_the_offset_of_the_rest(get: Callable[..., Any]) -> None:
    answer = [*one_chunk(EVENTS[:22]), break_off]
    with serving(answer) as server:
        stream = ndstream.stream(get(server.url))
        assert [next(stream), next(stream)] == [1, 2]
        with pytest.raises(ndstream.TruncatedError) as caught:
            next(stream)
    assert (caught.value.reason, caught.value.offset, caught.value.frame) == ("source_failed", 18, b"data")


@pytest.mark.parametrize("get", [_requests, _urllib3])
def test_a_compressed_chunk_is_decompressed_as_it_arrives(get: Callable[..., Any]) -> None:
    import zlib

    go_on = threading.Event()
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(EVENTS[:18]) + packer.flush(zlib.Z_SYNC_FLUSH)
    rest = packer.compress(EVENTS[18:]) + packer.flush()
    answer = one_chunk(first, go_on, rest, b"\r\n0\r\n\r\n", length=len(first + rest))
    answer[0] = answer[0].replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    with serving(answer) as server:
        stream = ndstream.stream(get(server.url))
        assert [next(stream), next(stream)] == [1, 2]
        go_on.set()
        assert list(stream) == [3]


def test_the_cause_of_a_broken_connection_is_an_error_of_requests() -> None:
    error = real_parts.library("requests").exceptions.ChunkedEncodingError
    with serving([*one_chunk(EVENTS[:22]), break_off]) as server:
        with pytest.raises(ndstream.TruncatedError) as caught:
            list(ndstream.stream(_requests(server.url)))
        # As without ndstream.
        with pytest.raises(error):
            list(_requests(server.url).iter_content(None))
    assert isinstance(caught.value.__cause__, error)


def test_the_cause_of_a_body_that_does_not_decompress_is_an_error_of_requests() -> None:
    requests = real_parts.library("requests")
    answer = response(b"this is not gzip", headers="Content-Encoding: gzip\r\n")
    with serving(answer) as server, pytest.raises(ndstream.TruncatedError) as caught:
        list(ndstream.ndjson(_requests(server.url)))
    assert type(caught.value.__cause__) is requests.exceptions.ContentDecodingError


def test_the_cause_of_a_timeout_is_an_error_of_requests_and_the_reason_says_timeout() -> None:
    requests = real_parts.library("requests")
    go_on = threading.Event()
    with serving(response(b"1\n", go_on)) as server:
        stream = ndstream.ndjson(_requests(server.url, timeout=0.1))
        assert next(stream) == 1
        with pytest.raises(ndstream.TruncatedError) as caught:
            next(stream)
        go_on.set()
    assert caught.value.reason == "timeout"
    assert type(caught.value.__cause__) is requests.exceptions.ConnectionError


def test_a_subclass_of_a_response_of_requests_has_its_errors_too() -> None:
    requests = real_parts.library("requests")

    class Own(requests.Response):  # type: ignore[name-defined,misc]
        pass

    with serving([*one_chunk(EVENTS[:22]), break_off]) as server:
        got = _requests(server.url)
        got.__class__ = Own
        with pytest.raises(ndstream.TruncatedError) as caught:
            list(ndstream.stream(got))
    assert type(caught.value.__cause__) is requests.exceptions.ChunkedEncodingError


@pytest.mark.parametrize("get", CLIENTS)
def test_ctrl_c_inside_the_library_is_never_taken_for_the_end(get: Callable[..., Any]) -> None:
    """These libraries may drop what they had in hand, so that the next step says so."""
    go_on = threading.Event()
    with serving(response(b"1\n", b"2\n", go_on)) as server:
        got = get(server.url)
        stream = ndstream.ndjson(got)
        assert next(stream) == 1
        _interrupt_reads_of(got)
        with pytest.raises(KeyboardInterrupt):
            list(stream)
        with pytest.raises(ndstream.TruncatedError) as caught:
            list(stream)
        assert isinstance(caught.value.__cause__, KeyboardInterrupt)
        go_on.set()


def _interrupt_reads_of(got: Any) -> None:
    """Make the file at the bottom raise as a signal handler does in the middle of a read."""
    response = getattr(got, "raw", got)
    response = getattr(response, "_fp", response)

    class Interrupted:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def read1(self, size: int = -1) -> bytes:
            self.file.read1(size)
            raise KeyboardInterrupt

        def readline(self, size: int = -1) -> bytes:
            line: bytes = self.file.readline(size)
            return line

    response.fp = Interrupted(response.fp)


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cassette of vcrpy, and the URL that it holds an answer for."""
    vcr = real_parts.library("vcr")
    path = tmp_path_factory.mktemp("cassettes") / "stream.yaml"
    with serving(response(EVENTS, kind="text/event-stream")) as server:
        with vcr.use_cassette(str(path), record_mode="once", match_on=["method"]):
            assert list(ndstream.stream(_requests(server.url))) == [1, 2, 3]
        url = server.url
    return path, url


@pytest.mark.parametrize("get", CLIENTS)
def test_a_cassette_is_replayed(get: Callable[..., Any], cassette: tuple[Path, str]) -> None:
    vcr = real_parts.library("vcr")
    path, url = cassette
    with vcr.use_cassette(str(path), record_mode="none", match_on=["method"]) as tape:
        stream = ndstream.stream(get(url))
        assert list(stream) == [1, 2, 3]
        assert stream.closed
        assert tape.play_count == 1


@pytest.mark.parametrize("read", [ndstream.ndjson, ndstream.sse, ndstream.stream])
def test_a_response_of_requests_without_any_body_is_refused_with_what_to_set(read: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="has no body: set its raw"):
        list(read(real_parts.library("requests").Response()))


def test_a_body_that_was_put_into_a_response_of_requests_is_read() -> None:
    got = real_parts.library("requests").Response()
    got._content = b"1\n2\n"
    got.status_code = 200
    assert list(ndstream.ndjson(got)) == [1, 2]


def test_a_compressed_body_with_a_length_comes_whole() -> None:
    body = gzip.compress(EVENTS * 1000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    with serving([head.encode(), body]) as server:
        assert list(ndstream.stream(_requests(server.url))) == [1, 2, 3] * 1000
        assert list(ndstream.stream(_urllib3(server.url))) == [1, 2, 3] * 1000
