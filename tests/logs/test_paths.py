"""Which files are read, in which order, and what is said of those that cannot be."""

from __future__ import annotations

import errno
import io
import os
import socket
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from logs.archives import GZIP, Blocks, outcome
from ndstream import TruncatedError, logs
from ndstream.logs._files.paths import log_order
from processes.unprivileged import public_folder, without_privileges


def paths_in_order(source: Any, **options: Any) -> list[str | None]:
    return [file.path for file in outcome(source, **options).report.files]


def test_rotated_files_come_with_the_oldest_first(tmp_path: Path) -> None:
    names = ["0.log.20260101-000059.gz", "0.log.20260102-000059", "0.log", "b.log.10.gz", "b.log.9", "b.log.1", "b.log"]
    for number, name in enumerate(reversed(names)):
        (tmp_path / name).write_bytes(b"%d\n" % number)
    assert paths_in_order(f"{tmp_path}/*log*") == [str(tmp_path / name) for name in names]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("app.log.2.gz", "app.log.1"),
        ("app.log-20260131.zst", "app.log-20260201"),
        ("app.log.2026-01-31", "app.log"),
        ("app.log.20260131-235959", "app.log.20260201-000000"),
        ("app.log-2026013123.gz", "app.log"),
        ("app.log-2026013123.gz", "app.log-2026020100"),
        ("app.log-1795649783", "app.log"),
        ("app.log-2026013123.backup", "app.log"),
        ("app.log-2026013123.backup.gz", "app.log-2026020100"),
        ("app.log.100", "app.log.99"),
        ("events-2026-01-31.jsonl", "events-2026-02-01.jsonl"),
    ],
)
def test_generations_are_ordered_by_number_or_time(older: str, newer: str) -> None:
    assert sorted([newer, older], key=log_order) == [older, newer]


def test_several_paths_are_read_in_the_order_given(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"1\n")
    assert paths_in_order([tmp_path / "c", str(tmp_path / "[ab]"), io.BytesIO(b"1\n")]) == [
        *(str(tmp_path / name) for name in "cab"),
        None,
    ]


def test_f15_a_glob_without_a_match_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file matches") as caught:
        logs.read(f"{tmp_path}/*.log")
    assert caught.value.filename == f"{tmp_path}/*.log"


def test_f15_a_name_that_looks_like_a_glob_and_exists_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a[1].log").write_bytes(b"1\n")
    (tmp_path / "a1.log").write_bytes(b"2\n")
    assert list(logs.read(tmp_path / "a[1].log")) == [1]


@pytest.mark.parametrize("name", [b"line\nfeed.log", b"not utf-8 \xff\xfe.log", b"-", b" ", "größe.log".encode()])
def test_f15_names_of_any_bytes_are_read(name: bytes, tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as file:
        file.write(b"1\n")
    assert outcome(os.fsdecode(path)).report.files[0].path == os.fsdecode(path)
    assert outcome(f"{tmp_path}/*").lines == [b"1"]


def test_f13_a_missing_file_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"1\n")
    with pytest.raises(FileNotFoundError):
        logs.read([tmp_path / "a.log", tmp_path / "missing.log"])


def test_f13_a_folder_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="glob"):
        logs.read(tmp_path)


def test_f13_a_file_that_may_not_be_read_is_an_error_and_the_next_one_is_read() -> None:
    with public_folder() as folder:
        for name in "ab":
            (folder / name).write_bytes(b"1\n")
        (folder / "a").chmod(0)
        stream = logs.read([folder / "a", folder / "b"])
        with without_privileges():
            with pytest.raises(PermissionError):
                next(stream)
            assert list(stream) == [1]
    assert isinstance(stream.report.files[0].error, PermissionError)


def test_f13_a_file_that_vanishes_before_its_turn_is_an_error_and_the_next_one_is_read(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"1\n")
    stream = logs.read([tmp_path / name for name in "abc"])
    assert next(stream) == 1
    (tmp_path / "b").unlink()
    with pytest.raises(FileNotFoundError):
        next(stream)
    assert list(stream) == [1]
    assert [(file.values, file.compressed_bytes) for file in stream.report.files] == [(1, 2), (0, 0), (1, 2)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
@pytest.mark.parametrize("compress", [bytes, GZIP.make], ids=["plain", "gzip"])
def test_f13_a_fifo_is_read_as_it_is_written(compress: Any, tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    parts = [compress(b"1\n"), compress(b"2\n")]
    taken = threading.Event()

    def write() -> None:
        with open(path, "wb", buffering=0) as fifo:
            fifo.write(parts[0])
            # The second part is written only once the value of the first has come out.
            assert taken.wait(20)
            fifo.write(parts[1])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with logs.read(path) as stream:
            assert next(stream) == 1
            taken.set()
            assert list(stream) == [2]
    finally:
        taken.set()
        writer.join()


def test_f13_a_socket_cannot_be_opened(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(OSError, match=os.strerror(errno.ENXIO)):
            next(logs.read(tmp_path / "s"))


def test_f14_a_file_that_grows_is_read_to_the_end_it_has_when_that_is_met(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"1\n" * 100_000)
    with logs.read(path) as stream:
        assert next(stream) == 1
        with open(path, "ab") as file:
            file.write(b"2\n")
        assert list(stream)[-1] == 2


def test_f14_a_file_that_shrinks_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'{"a":1}\n' * 100_000)
    with logs.read(path) as stream:
        next(stream)
        os.truncate(path, 10)
        with pytest.raises(logs.LogFileTruncatedError) as caught:
            for _ in stream:
                pass
    error = caught.value
    assert error.reason == "shrank"
    assert error.path == str(path)
    assert 10 < error.compressed_offset == error.decompressed_offset
    assert error.offset + len(error.frame) == error.decompressed_offset


def test_f16_lines_of_two_files_are_never_joined_and_each_may_begin_with_a_bom(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    (tmp_path / "a").write_bytes(mark + b"1\n2")
    (tmp_path / "b").write_bytes(mark + b"3\n4")
    stream = logs.read([tmp_path / "a", tmp_path / "b"])
    assert [(value, stream.line, stream.offset) for value in stream] == [(1, 1, 5), (2, 2, 6), (3, 1, 5), (4, 2, 6)]


def test_f16_a_bom_in_a_second_member_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(GZIP.make(b"1\n") + GZIP.make(b"\xef\xbb\xbf2\n"))
    result = outcome(tmp_path / "a", loads=orjson.loads)
    assert len(result.lines) == 1
    assert [error.reason for error in result.errors] == ["byte_order_mark"]


def test_a_read_that_fails_is_an_error_with_what_the_system_said() -> None:
    class Failing(Blocks):
        def read(self, size: int = -1, /) -> bytes:
            block = super().read(size)
            if not block:
                raise OSError(errno.EIO, "the disk is broken")
            return block

    stream = logs.read([Failing([b"1\n2"]), io.BytesIO(b"3\n")])
    assert next(stream) == 1
    with pytest.raises(TruncatedError) as caught:
        next(stream)
    assert (caught.value.reason, caught.value.frame) == ("source_failed", b"2")
    assert isinstance(caught.value.__cause__, OSError)
    assert list(stream) == [3]


def test_a_thousand_files_are_read_with_one_open_at_a_time(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}.log").write_bytes(b"%d\n" % number)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with logs.read(f"{tmp_path}/*.log") as stream:
        for expected, value in enumerate(stream):
            assert value == expected
            if before and expected % 200 == 0:
                assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert len(stream.report.files) == 1000


@pytest.mark.parametrize("source", [b"bytes", 7, {"a": 1}, io.StringIO("1\n"), None, []])
def test_what_is_no_file_is_refused_with_advice(source: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"pass|no path"):
        next(logs.read(source))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the pseudo files of Linux")
def test_a_file_that_the_system_makes_up_while_it_is_read_has_not_shrunk() -> None:
    # Its size is 0, whatever it holds.
    with logs.read("/proc/self/status", loads=bytes) as stream:
        assert next(stream).startswith(b"Name:")
        assert all(b":" in line for line in stream)
