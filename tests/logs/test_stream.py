"""The stream over log files: what it tells, how it ends, and what happens to it on the way."""

from __future__ import annotations

import gc
import io
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

import ndstream
from inputs.cuts import kind_of
from logs.archives import GZIP, Blocks, of_bytes
from ndstream import logs


class Closing(io.BytesIO):
    """A file that counts how often it was closed."""

    closings = 0

    def close(self) -> None:
        self.closings += 1
        super().close()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in "ab"]
    paths[0].write_bytes(b"1\nx\n3\n")
    paths[1].write_bytes(b"4\n")
    return paths


def test_with_skip_bad_lines_are_counted_for_each_file(files: list[Path]) -> None:
    stream = logs.read(files, on_error="skip")
    assert list(stream) == [1, 3, 4]
    assert [(file.lines, file.values, file.bad) for file in stream.report.files] == [(3, 2, 1), (1, 1, 0)]
    assert (stream.report.lines, stream.report.values, stream.report.bad, stream.report.bytes) == (4, 3, 1, 8)


@pytest.mark.parametrize("tail", [b"3", b'{"a":', b"[" * 200, bytes(100), b" \r"])
@pytest.mark.parametrize("unwrap", [None, "cri"])
def test_the_last_line_is_counted_whether_or_not_it_was_cut(tail: bytes, unwrap: Any, tmp_path: Path) -> None:
    head = b"2026-01-01T00:00:59Z stdout F " if unwrap else b""
    (tmp_path / "log").write_bytes(head + b"1\n" + head + b"x\n" + head + tail)
    with logs.read(tmp_path / "log", on_error="skip", unwrap=unwrap, max_frame_size=150) as stream:
        values = list(stream)
    assert (stream.report.lines, stream.report.values) == (3, len(values))


def test_a_line_that_is_not_whole_yet_is_not_counted() -> None:
    with logs.read(io.BytesIO(b"1\n2"), loads=bytes) as stream:
        assert (next(stream), stream.report.lines) == (b"1", 1)
        assert (next(stream), stream.report.lines) == (b"2", 2)


def test_a_callable_is_given_the_errors_of_lines_and_of_files(tmp_path: Path) -> None:
    damaged = GZIP.make(b'{"a":1}\nbad\n{"a":2}\n{"a"')[:-9]
    (tmp_path / "a.gz").write_bytes(damaged)
    (tmp_path / "b").write_bytes(b"3\n")
    errors: list[ndstream.StreamError] = []
    values = list(logs.read(f"{tmp_path}/*", on_error=errors.append))
    assert values[0] == {"a": 1}
    assert values[-1] == 3
    assert [kind_of(error) for error in errors] == ["DecodeError", "LogFileTruncatedError"]


def test_with_skip_a_damaged_file_is_raised_all_the_same_and_the_next_one_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(GZIP.make(b"1\n")[:-3])
    (tmp_path / "b").write_bytes(b"3\n")
    stream = logs.read(f"{tmp_path}/*", on_error="skip")
    assert next(stream) == 1
    with pytest.raises(logs.LogFileTruncatedError):
        next(stream)
    assert list(stream) == [3]


def test_what_a_callable_raises_comes_out_and_the_iteration_can_go_on(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(GZIP.make(b"1\nx\n2\n")[:-3])
    (tmp_path / "b").write_bytes(b"3\n")

    def refuse(error: ndstream.StreamError) -> None:
        raise KeyError(error.reason)

    stream = logs.read(f"{tmp_path}/*", on_error=refuse)
    assert next(stream) == 1
    with pytest.raises(KeyError, match="invalid_json"):
        next(stream)
    assert next(stream) == 2
    with pytest.raises(KeyError, match="truncated_archive"):
        next(stream)
    assert list(stream) == [3]


def test_a_line_that_the_damage_cut_is_in_the_error_and_not_decoded() -> None:
    import zlib

    archive = zlib.compressobj(wbits=31)
    cut = archive.compress(b'{"a":1}\n12') + archive.flush(zlib.Z_SYNC_FLUSH)
    result = of_bytes(cut)
    # 12 is a value, but may be the beginning of 123.
    assert result.lines == [b'{"a":1}']
    [error] = result.errors
    assert (error.frame, error.offset, error.line, error.position) == (b"12", 8, 2, 2)


def test_close_releases_the_file_once_and_ends_the_iteration() -> None:
    file = Closing(b"1\n2\n")
    stream = logs.read([file, io.BytesIO(b"3\n")])
    assert next(stream) == 1
    stream.close()
    stream.close()
    assert file.closings == 1
    assert stream.closed
    assert list(stream) == []
    assert stream.path is None
    assert stream.line == 1


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_stream_that_nobody_refers_to_releases_its_file_at_once(prefetch: int) -> None:
    file = Closing(GZIP.make(b"1\n" * 100_000))
    gone = weakref.ref(file)
    gc.disable()
    try:
        for value in logs.read(file, prefetch=prefetch):
            assert value == 1
            break
        assert file.closings == 1
        del file
        assert gone() is None
    finally:
        gc.enable()


def test_leaving_the_with_block_releases_the_file() -> None:
    file = Closing(b"1\n2\n")
    with logs.read(file) as stream:
        next(stream)
    assert file.closings == 1


def test_an_interrupt_while_a_file_is_opened_costs_no_file(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from ndstream.logs._files.stored_bytes import StoredFile as real

    interrupts = [KeyboardInterrupt, KeyboardInterrupt]

    def interrupted(path: str) -> Any:
        if interrupts:
            raise interrupts.pop()
        return real(path)

    monkeypatch.setattr("ndstream.logs._files.opened_file.StoredFile", interrupted)
    stream = logs.read(files, on_error="skip")
    seen: list[Any] = []
    for _ in range(10):
        try:
            seen.extend(stream)
        except KeyboardInterrupt:
            continue
        break
    assert seen == [1, 3, 4]


def test_an_interrupted_read_can_be_repeated() -> None:
    class Interrupted(Blocks):
        interrupt = True

        def read(self, size: int = -1, /) -> bytes:
            self.interrupt = not self.interrupt
            if self.interrupt:
                raise KeyboardInterrupt
            return super().read(size)

    stream = logs.read(Interrupted([b"1\n", b"2\n"]))
    seen: list[Any] = []
    with pytest.raises(ndstream.TruncatedError) as caught:
        while True:
            try:
                for value in stream:
                    seen.append(value)
                break
            except KeyboardInterrupt:
                continue
    # The interrupt killed the reader in the middle: that is said, and nothing is made up.
    assert isinstance(caught.value.__cause__, KeyboardInterrupt)
    assert seen == [1]


def test_two_threads_cannot_use_one_stream_at_once() -> None:
    read, write = os.pipe()
    with open(read, "rb", buffering=0) as pipe, open(write, "wb", buffering=0) as end:
        stream = logs.read(pipe)
        end.write(b"1\n")
        assert next(stream) == 1
        values: list[Any] = []
        thread = threading.Thread(target=lambda: values.append(next(stream)))
        thread.start()
        error = None
        for _ in range(1000):
            if stream._files._stream is not None and stream._files._stream._runs_elsewhere():
                break
            threading.Event().wait(0.005)
        try:
            next(stream)
        except RuntimeError as raised:
            error = raised
        end.write(b"2\n")
        thread.join()
        assert error is not None
        assert values == [2]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"max_window": 0}, ValueError, "max_window"),
        ({"max_window": "1"}, TypeError, "max_window"),
        ({"prefetch": -1}, ValueError, "prefetch"),
        ({"prefetch": 1.5}, TypeError, "prefetch"),
        ({"unwrap": "podman"}, ValueError, "unwrap"),
        ({"on_error": "ignore"}, ValueError, "on_error"),
        ({"max_frame_size": 0}, ValueError, "max_frame_size"),
        ({"contains": b""}, ValueError, "contains"),
        ({"sample": 2}, ValueError, "sample"),
        ({"fields": {}}, ValueError, "fields"),
        ({"fields": {"a": "a"}, "loads": bytes}, ValueError, "fields"),
        ({"unwrap": "cri", "contains": b"a\nb"}, ValueError, "contains"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_by_name_before_a_file_is_opened(
    options: dict[str, Any], error: type[Exception], words: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words):
        logs.read(tmp_path / "never opened", **options)


def test_a_start_goes_with_one_file(files: list[Path]) -> None:
    with pytest.raises(ValueError, match="start"):
        logs.read(files, start=logs.Position(offset=2))


def test_selection_goes_by_bytes_and_by_the_place_in_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    lines = [b'{"n":%d,"kind":"%s"}' % (n, b"good" if n % 3 else b"bad") for n in range(3000)]
    path.write_bytes(b"\n".join(lines))
    assert list(logs.read(path, loads=bytes, contains=[b'"bad"', b'"n":7,'])) == [
        line for line in lines if b'"bad"' in line or b'"n":7,' in line
    ]
    whole = list(logs.read(path, loads=bytes, sample=0.1, seed=3))
    assert 200 < len(whole) < 400
    first = logs.read(path, loads=bytes, sample=0.1, seed=3)
    head = [next(first) for _ in range(100)]
    assert head + list(logs.read(path, loads=bytes, sample=0.1, seed=3, start=first.position)) == whole


def test_the_examples_in_the_modules_run() -> None:
    import doctest
    import pkgutil
    from importlib import import_module

    attempted = 0
    for module in pkgutil.walk_packages(logs.__path__, "ndstream.logs."):
        result = doctest.testmod(import_module(module.name))
        assert result.failed == 0
        attempted += result.attempted
    assert attempted > 10


def test_before_its_first_value_a_stream_is_at_the_beginning() -> None:
    stream = logs.read(io.BytesIO(b"1\n2\n"))
    assert (stream.offset, stream.line, stream.compressed_offset) == (0, 0, 0)
    assert next(stream) == 1
    assert (stream.offset, stream.line) == (2, 1)
    assert stream.compressed_offset >= 2


def test_a_source_that_is_awaited_is_refused_by_its_name() -> None:
    async def chunks() -> Any:
        yield b"1\n"

    with pytest.raises(TypeError, match="async_generator is awaited"):
        list(logs.read(chunks()))


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_that_memory_failed_for_before_it_had_files_is_dropped_without_a_word() -> None:
    stream = logs.LogStream.from_iterable([[1]])
    assert isinstance(stream, logs.LogStream)
    del stream
