"""Logs at URLs: by ranges from nginx, as one stream from a server without ranges, and from other file systems."""

from __future__ import annotations

import http.server
import io
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import real_parts
from logs.archives import GZIP, TOOLS, outcome
from ndstream import logs
from ndstream.logs._files import remote
from ndstream.logs._files.remote import StoredRemote
from real_parts import nginx

fsspec = real_parts.library("fsspec")
aiohttp = real_parts.library("aiohttp")

LINES = [b'{"n":%d}' % number for number in range(600_000)]
DATA = b"\n".join(LINES) + b"\n"

DIRECTIVES = """
    log_format ranges '$uri $http_range $status $body_bytes_sent';
    access_log {folder}/access.log ranges;
    gzip on;
    gzip_types *;
"""


class Site:
    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def put(self, name: str, data: bytes) -> str:
        (self.folder / "files" / name).write_bytes(data)
        return f"{self.url}/{name}"

    def requests(self) -> list[str]:
        """Each GET: its range, its status and how many bytes were sent."""
        return (self.folder / "access.log").read_text().splitlines()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "files").mkdir()
    with nginx.serving(folder, DIRECTIVES.format(folder=folder), f"root {folder}/files;") as url:
        yield Site(url, folder)


class _Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextmanager
def _answering(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server whose requests a handler answers: its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def without_ranges(data: bytes, *, says_so: bool = False) -> Iterator[str]:
    """A server that sends the whole file, whatever is asked for; it may say before that it does."""

    class Handler(_Quiet):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            if says_so:
                self.send_header("Accept-Ranges", "none")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            try:
                self.wfile.write(data)
            except OSError:
                # The client has seen enough.
                self.close_connection = True

    with _answering(Handler) as url:
        yield f"{url}/app.log"


@pytest.mark.parametrize("compress", [bytes, GZIP.make, TOOLS[4].make], ids=["plain", "gzip", "pzstd"])
def test_a_file_is_read_by_ranges_and_each_byte_once(site: Site, compress: Any) -> None:
    stored = compress(DATA)
    url = site.put("app.log", stored)
    before = len(site.requests())
    result = outcome(url)
    assert result.lines == LINES
    assert result.report.files[0].path == url
    assert result.report.compressed_bytes == len(stored)
    time.sleep(0.1)
    sent = [line.split()[-3:] for line in site.requests()[before:] if "bytes=" in line]
    assert sum(int(size) for *_, size in sent) == len(stored)
    assert {status for _, status, _ in sent} == {"206"}


def test_reading_at_a_url_goes_on_at_a_position_without_what_precedes_it(site: Site) -> None:
    url = site.put("resumed.log", DATA)
    with logs.read(url, loads=bytes) as stream:
        for count, _ in enumerate(stream, 1):
            if count == 590_000:
                break
        position = stream.position
    before = len(site.requests())
    assert list(logs.read(url, loads=bytes, start=position)) == LINES[590_000:]
    time.sleep(0.1)
    # The first block tells the format.
    assert (
        sum(int(line.split()[-1]) for line in site.requests()[before:] if "bytes=" in line)
        < 4_400_000 + len(DATA) - position.offset
    )


@pytest.mark.parametrize("compress", [bytes, GZIP.make], ids=["plain", "gzip"])
def test_a_server_without_ranges_is_read_as_one_stream(compress: Any) -> None:
    with without_ranges(compress(DATA)) as url:
        result = outcome(url)
        assert (result.errors, result.lines) == ([], LINES)
        with logs.read(url, loads=bytes) as stream:
            for count, _ in enumerate(stream, 1):
                if count == 500_000:
                    break
        assert list(logs.read(url, loads=bytes, start=stream.position)) == LINES[500_000:]


def test_a_cut_archive_at_a_url_gives_all_it_holds(site: Site) -> None:
    archive = GZIP.make(DATA)
    result = outcome(site.put("cut.gz", archive[:-1000]))
    [error] = result.errors
    assert isinstance(error, logs.LogFileTruncatedError)
    assert error.compressed_offset == len(archive) - 1000
    assert b"".join(line + b"\n" for line in result.lines) + error.frame == DATA[: error.decompressed_offset]
    assert error.decompressed_offset > 0.9 * len(DATA)


def test_a_missing_file_is_an_error(site: Site) -> None:
    with pytest.raises(FileNotFoundError):
        next(logs.read(f"{site.url}/missing.log"))


def test_globs_and_rotated_files_work_on_other_file_systems() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/globbed/app.log", b"3\n")
    memory.pipe("/globbed/app.log.1", b"2\n")
    memory.pipe("/globbed/app.log.2.gz", GZIP.make(b"1\n"))
    stream = logs.read("memory://globbed/app.log*")
    assert [(value, stream.path) for value in stream] == [
        (1, "memory:///globbed/app.log.2.gz"),
        (2, "memory:///globbed/app.log.1"),
        (3, "memory:///globbed/app.log"),
    ]
    with pytest.raises(FileNotFoundError, match="no file matches"):
        logs.read("memory://globbed/*.json")


def test_storage_options_are_handed_to_the_file_system(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(b'{"ts":1}\n')
    options = {"path": str(tmp_path), "target_protocol": "file"}
    assert list(logs.read("dir://app.log", storage_options=options)) == [{"ts": 1}]
    replayed: list[object] = []
    logs.replay("dir://*.log", replayed.append, by="ts", storage_options=options)
    assert replayed == [{"ts": 1}]


class Files:
    """In place of a file system: a file whose size is told or not, and that cannot be read or not."""

    def __init__(self, content: bytes, size: object, failures: int = 0) -> None:
        self._content = content
        self._size = size
        self._failures = failures
        self.opened: list[dict[str, Any]] = []

    def open(self, _: str, mode: str, **options: Any) -> Any:
        self.opened.append(options)
        file: Any = io.BytesIO(self._content)
        remote = SimpleNamespace(read=file.read, seek=file.seek, seekable=lambda: True, close=file.close)
        remote.size = self._size
        if len(self.opened) <= self._failures:

            def refuse(_: int) -> bytes:
                raise ValueError("the server sends no ranges")

            remote.read = refuse
        return remote


def opened_in(files: Files, monkeypatch: pytest.MonkeyPatch) -> StoredRemote:
    monkeypatch.setattr(remote, "_file_system", lambda *_: (files, "place"))
    return StoredRemote("x://place", {})


def test_a_file_whose_size_is_not_told_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = opened_in(Files(b"1\n2\n", None), monkeypatch)
    assert (stored.size, stored.read(9), stored.read(9)) == (None, b"1\n2\n", b"")


def test_a_file_that_is_shorter_than_it_was_told_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = opened_in(Files(b"1\n", 9), monkeypatch)
    assert stored.read(9) == b"1\n"
    with pytest.raises(logs.LogFileTruncatedError) as caught:
        stored.read(9)
    assert caught.value.reason == "shrank"


def test_one_stream_is_gone_back_in_by_beginning_again_and_forth_by_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(b"0123456789", 10, failures=1)
    stored = opened_in(files, monkeypatch)
    assert (stored.read(9), stored.seekable, stored.offset) == (b"0123456789", False, 10)
    stored.seek(4)
    assert (len(files.opened), stored.offset) == (3, 4)
    stored.seek(7)
    assert (len(files.opened), stored.offset, stored.read(9)) == (3, 7, b"789")


def test_a_server_that_sends_neither_ranges_nor_a_stream_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = opened_in(Files(b"1\n", 2, failures=2), monkeypatch)
    for _ in range(2):
        with pytest.raises(ValueError, match="sends no ranges"):
            stored.read(9)


def test_a_file_of_a_server_that_says_that_it_sends_no_ranges_is_one_split() -> None:
    with without_ranges(b"1\n2\n", says_so=True) as url:
        [split] = logs.splits(url, 2)
        assert list(logs.read(split)) == [1, 2]
    assert split.unsplittable == "its server sends no ranges"


def test_without_fsspec_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(ModuleNotFoundError, match=r"ndstream\[remote\]"):
        next(logs.read("http://127.0.0.1:9/app.log"))


def test_without_what_fsspec_needs_for_a_url_the_error_names_it() -> None:
    fsspec.register_implementation("nowhere", "no_such_module.FileSystem", errtxt="see the manual")
    with pytest.raises(ModuleNotFoundError, match=r"nowhere:// .*pip install no_such_module"):
        next(logs.read("nowhere://app.log"))


def test_a_server_that_is_away_is_said_and_is_no_missing_file() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unheard:
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}/app.log"
    with pytest.raises(OSError, match="Cannot connect") as caught:
        next(logs.read(url))
    assert caught.value.filename == url
    assert not isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize(("status", "error"), [(404, FileNotFoundError), (401, PermissionError), (503, OSError)])
def test_what_a_server_says_at_once_is_no_missing_file_unless_it_says_so(status: int, error: type[OSError]) -> None:
    class Handler(_Quiet):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

    with _answering(Handler) as server:
        url = f"{server}/app.log"
        with pytest.raises(OSError, match=str(status)) as caught:
            next(logs.read(url))
    assert (type(caught.value), caught.value.filename) == (error, url)


@contextmanager
def _refusing(answered: int) -> Iterator[str]:
    """A server of a large file that answers so many requests with bytes, and then as the URL says."""

    class Handler(_Quiet):
        answers = 0

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "16000000")
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()

        def do_GET(self) -> None:
            type(self).answers += 1
            status = self.path.split("/")[1]
            block = b"1\n" * (2 * 1024 * 1024)
            if self.answers > answered and status != "cut":
                self.send_response(int(status))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes 0-{len(block) - 1}/16000000")
            self.send_header("Content-Length", str(len(block)))
            self.end_headers()
            self.wfile.write(block if self.answers <= answered else block[:80])

    with _answering(Handler) as url:
        yield url


@pytest.mark.parametrize(
    ("answered", "path", "error"),
    [
        (0, "404/app.log", FileNotFoundError),
        (0, "403/app.log", PermissionError),
        (0, "500/app.log", OSError),
        (0, "500/*.log", OSError),
        (1, "403/app.log", PermissionError),
        (1, "500/app.log", OSError),
        (1, "cut/app.log", OSError),
    ],
)
def test_what_a_server_refuses_or_cuts_is_an_error_of_the_system(
    answered: int, path: str, error: type[OSError]
) -> None:
    with _refusing(answered) as url, pytest.raises(error) as caught:
        if "*" in path:
            remote.matching_urls(f"{url}/{path}", {})
        stored = StoredRemote(f"{url}/{path}", {})
        while stored.read(1):
            assert answered
    assert caught.value.filename == f"{url}/{path}"
    assert isinstance(caught.value.__cause__, aiohttp.ClientError)


def test_a_file_that_its_file_system_does_not_have_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match="No such file") as caught:
        next(logs.read("memory://missing/app.log"))
    assert caught.value.filename == "memory://missing/app.log"


def test_a_plain_file_is_split_by_ranges_and_an_archive_is_one_split(site: Site) -> None:
    url = site.put("split.log", DATA)
    found = logs.splits(url, 3_000_000)
    assert len(found) == -(-len(DATA) // 3_000_000)
    assert [line for split in found for line in logs.read(split, loads=bytes)] == LINES
    [whole] = logs.splits(site.put("split.log.gz", GZIP.make(DATA[:1000])), 100)
    assert whole.unsplittable is not None
    assert "URL" in whole.unsplittable
    assert len(list(logs.read(whole, loads=bytes, on_error="skip"))) == DATA[:1000].count(b"\n")
