"""``ndstream cat`` on what logs are kept in: archives, globs, rotated files, and damaged ones."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

import real_parts
from cli.same_process import called
from logs.archives import Blocks
from ndstream._cli import cat_values
from ndstream.logs import LogFileError
from ndstream.logs._files.opened_file import open_file
from processes.commands import cat, only_line

LINES = b"".join(b'{"number":%d}\n' % i for i in range(5_000))
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "plain": bytes,
}


@pytest.mark.parametrize("format", COMPRESSORS)
def test_an_archive_comes_out_as_the_lines_that_it_holds_whatever_its_name(format: str, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(COMPRESSORS[format](LINES))
    result = cat("app.log", cwd=tmp_path)
    assert (result.stdout, result.stderr, result.returncode) == (LINES, b"", 0)


@pytest.mark.parametrize("format", COMPRESSORS)
def test_an_archive_may_come_through_a_pipe(format: str) -> None:
    assert cat(stdin=COMPRESSORS[format](LINES)).stdout == LINES


def test_an_archive_may_hold_any_framing(tmp_path: Path) -> None:
    (tmp_path / "events").write_bytes(gzip.compress(b'data: {"a":1}\n\ndata: [DONE]\n\n'))
    assert cat("events", cwd=tmp_path).stdout == b'{"a":1}\n'


def test_a_glob_is_the_rotated_files_in_their_order_each_once(tmp_path: Path) -> None:
    for number, name in enumerate(["app.log.10.gz", "app.log.2", "app.log"]):
        line = b"%d\n" % number
        (tmp_path / name).write_bytes(gzip.compress(line) if name.endswith(".gz") else line)
    (tmp_path / "app.log.link").symlink_to("app.log")
    assert cat("app.log*", cwd=tmp_path).stdout == b"0\n1\n2\n"


def test_a_glob_that_matches_nothing_is_one_line(tmp_path: Path) -> None:
    result = cat("*.log", cwd=tmp_path)
    assert (only_line(result.stderr), result.returncode) == ("ndstream: *.log: no file matches", 1)


def test_the_last_line_of_a_file_is_not_joined_with_the_next_file(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1\n2")
    (tmp_path / "two").write_bytes(b"\xef\xbb\xbf3\n")
    assert cat("one", "two", cwd=tmp_path).stdout == b"1\n2\n3\n"


def test_all_lines_of_an_archive_that_is_cut_come_out_and_the_other_files(tmp_path: Path) -> None:
    whole = gzip.compress(LINES)
    (tmp_path / "cut.gz").write_bytes(whole[:-4])
    (tmp_path / "next").write_bytes(b"1\n")
    result = cat("cut.gz", "next", "--bad", "bad", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (LINES + b"1\n", 1)
    assert f"cut.gz ends inside member 1, at byte {len(whole) - 4:,}" in only_line(result.stderr)


def test_the_line_that_the_damage_cut_is_a_dead_letter(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"1\n2\n") + gzip.compress(b'{"a":', 0)[:-9])
    result = cat("cut.gz", "--bad", "bad", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"1\n2\n", 1)
    letter = orjson.loads((tmp_path / "bad").read_bytes())
    assert (letter["reason"], letter["offset"], letter["line"]) == ("truncated_archive", 4, 3)
    assert letter["raw"].startswith('{"a')


def test_max_window_is_named_by_its_option(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 64 << 20}]
    (tmp_path / "log.xz").write_bytes(lzma.compress(LINES, filters=filters))
    result = cat("--max-window", str(1 << 20), "log.xz", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"", 1)
    assert "--max-window" in only_line(result.stderr)
    assert cat("--max-window", "0", "log.xz", cwd=tmp_path).stdout == LINES


@pytest.mark.parametrize("workers", [(), ("--workers", "1")])
@pytest.mark.parametrize(("rest", "is_said"), [(b"", False), (b"\n \r\n", False), (b"2\n", True)])
@pytest.mark.parametrize("command", ["cat", "bgzip"])
def test_what_follows_a_sentinel_is_told_if_it_is_more_than_blanks(
    command: str,
    rest: bytes,
    is_said: bool,
    workers: tuple[str, ...],
    tmp_path: Path,
) -> None:
    real_parts.command(command, "tabix")
    archive = subprocess.run([command], input=b"1\n[DONE]\n" + rest, stdout=subprocess.PIPE, check=True).stdout
    (tmp_path / "log").write_bytes(archive)
    # In a process of its own: a process that has threads is not to fork.
    result = cat(*workers, "log", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"1\n", 0)
    assert (b"ended at its [DONE]; what follows it was not read" in result.stderr) == is_said == bool(result.stderr)


def test_damage_behind_a_sentinel_is_told_and_the_other_files_are_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"1\n[DONE]\n")[:-4])
    (tmp_path / "next").write_bytes(b"2\n")
    status, out, err = called(capfd, "cat", "--json", tmp_path / "cut.gz", tmp_path / "next")
    assert (status, out) == (1, "1\n2\n")
    damage, figures = err.splitlines()
    assert "cut.gz ends inside member 1" in damage
    assert ["ends inside" in (file["error"] or "") for file in orjson.loads(figures)["files"]] == [True, False]


@pytest.mark.parametrize("framing", [b"1\n", b"data: 1\n\n", b"\x1e1\n"], ids=["ndjson", "sse", "jsonseq"])
def test_the_framing_is_told_from_as_many_reads_as_it_takes(
    framing: bytes, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    blocks = [b"\n" * 100, *(framing[index : index + 1] for index in range(len(framing)))]
    monkeypatch.setattr(cat_values, "open_input", lambda *_: open_file(Blocks(blocks)))
    assert called(capfd, "cat", "log") == (0, "1\n", "")


@pytest.mark.parametrize("cut", [b"", b"[1,"], ids=["between frames", "inside a frame"])
@pytest.mark.parametrize("frame", [b"%b\n", b"data: %b\n\n"], ids=["ndjson", "sse"])
@pytest.mark.parametrize("is_archive", [False, True])
def test_what_ends_a_file_early_is_told_and_the_frame_that_it_cut_is_a_bad_one(
    is_archive: bool,
    frame: bytes,
    cut: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    content = frame % b"1" + (frame % cut).rstrip() * bool(cut)

    def chunks() -> Iterator[bytes]:
        yield content
        if not is_archive:
            raise OSError(errno.EIO, "Input/output error")
        raise LogFileError("log is damaged", path="log")

    file = open_file(io.BytesIO())
    file.chunks = chunks()
    monkeypatch.setattr(cat_values, "open_input", lambda *_: file)
    status, out, err = called(capfd, "cat", "--bad", tmp_path / "bad", "log")
    assert (status, out) == (1, "1\n")
    assert err.startswith("ndstream: log is damaged" if is_archive else "ndstream: log: Input/output error")
    assert [orjson.loads(line)["raw"][-3:] for line in (tmp_path / "bad").read_bytes().splitlines()] == (
        [cut.decode()] if cut else []
    )


@pytest.mark.parametrize("command", ["cat", "check"])
def test_a_url_that_cannot_be_read_is_one_line(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    real_parts.library("fsspec")
    status, out, err = called(capfd, command, "no-such-kind://log")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("ndstream: no-such-kind://log: Protocol not known")
