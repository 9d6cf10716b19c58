"""Dead letters: what they hold, that none is torn, and that they come back as they were."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import orjson
import pytest

import ndstream
from ndstream import logs

FRAMES = [b"x", b"", b'{"a":', b"\xff\xfe\x00", "é\u2028".encode(), b'{"a":"\\u0000"', b"\0" * 100, b'"' * 5000]


def error(frame: bytes = b"x", offset: int = 0) -> ndstream.DecodeError:
    return ndstream.DecodeError("bad", frame=frame, offset=offset, line=1, position=0, reason="invalid_json")


def letters_in(path: Path) -> list[logs.DeadLetter]:
    return [logs.DeadLetter.from_json(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("name", ["a.log", "é.log", "line\nfeed.log", os.fsdecode(b"\xff.log")])
@pytest.mark.parametrize("frame", FRAMES)
def test_a_letter_comes_back_as_it_was_and_is_utf8(name: str, frame: bytes) -> None:
    letter = logs.DeadLetter.of(name, error(frame, 7))
    line = letter.to_json()
    assert line.count(b"\n") == 1
    line.decode()
    assert logs.DeadLetter.from_json(line) == letter
    assert (letter.raw, letter.length, letter.offset) == (frame, len(frame), 7)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_over_long_line_has_its_length_and_digest(tmp_path: Path, compressed: bool, end: bytes) -> None:
    # Lines that reach over several chunks, and CRs that are not part of a line end.
    long = [b'"' + b"\r" * 200_000 + b'"', b"[" * 300, b"\xff" * 2_000_000 + b"\r\xff"]
    content = b"".join(b"1\n" + line + end for line in long)
    path, bad = tmp_path / "log", tmp_path / "bad"
    path.write_bytes(gzip.compress(content) if compressed else content)
    with logs.DeadLetters(bad) as letters:
        stream = logs.read(path, max_frame_size=250, on_error=lambda e: letters.write(str(path), e, source=path))
        assert list(stream) == [1, 1, 1]
    expected = [(line, len(line), hashlib.sha256(line).hexdigest()) for line in long]
    assert [(each.raw, each.length, each.sha256) for each in letters_in(bad)] == [
        (line[:251], length, digest) for line, length, digest in expected
    ]
    assert all(each.cut for each in letters_in(bad))


def test_a_line_of_a_gigabyte_takes_little_memory_and_a_short_letter(tmp_path: Path) -> None:
    path, bad = tmp_path / "log", tmp_path / "bad"
    with path.open("wb") as file:
        file.write(b'"\xff')
        file.truncate(1 << 30)
        file.seek(1 << 30)
        file.write(b"\n1\n")
    program = """
        import resource, sys
        from ndstream import logs
        path, bad = sys.argv[1:]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with logs.DeadLetters(bad) as letters:
            options = {"max_frame_size": 1 << 20, "on_error": lambda e: letters.write(path, e, source=path)}
            assert list(logs.read(path, **options)) == [1]
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), path, bad], capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) < 32 * 1024
    [letter] = letters_in(bad)
    assert (letter.length, len(letter.raw)) == (1 << 30, 256)
    assert bad.stat().st_size < 2000


def test_letters_are_replaced_or_appended_to(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    for append, expected in ((False, [0]), (True, [0, 1]), (False, [2])):
        with logs.DeadLetters(bad, append=append) as letters:
            letters.write("a", error(offset=expected[-1]))
        assert [letter.offset for letter in letters_in(bad)] == expected


@pytest.mark.parametrize("cut", range(1, len(logs.DeadLetter.of("a", error()).to_json())))
@pytest.mark.parametrize("tail", [b"", b"\0" * 50])
def test_a_torn_letter_is_removed_before_others_are_appended(tmp_path: Path, cut: int, tail: bytes) -> None:
    bad = tmp_path / "bad"
    whole = logs.DeadLetter.of("a", error()).to_json()
    bad.write_bytes(whole + whole[:cut] + tail)
    with logs.DeadLetters(bad, append=True) as letters:
        letters.write("a", error(offset=5))
    assert [letter.offset for letter in letters_in(bad)] == [0, 5]


@pytest.mark.parametrize("content", [b"important\n", b'{"a":1}\n', b"no line end", b'{"file":"a"}\nimportant'])
def test_nothing_is_appended_to_a_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(content)
    with pytest.raises(ValueError, match="something else than dead letters"):
        logs.DeadLetters(bad, append=True)
    assert bad.read_bytes() == content


def test_a_full_disk_leaves_whole_letters_and_names_the_file(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    program = """
        import resource, signal, sys
        from ndstream import DecodeError, logs
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        letters = logs.DeadLetters(sys.argv[1])
        try:
            while True:
                letters.write("a", DecodeError("bad", frame=b"x" * 150, reason="invalid_json"))
        except OSError as error:
            print(error.errno, error.filename, letters.count)
        letters.write("a", DecodeError("b", reason="x"))
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(program), bad], capture_output=True, text=True)
    number, name, count = ran.stdout.split()
    assert (int(number), name) == (errno.EFBIG, str(bad))
    # What is shorter than the letter that failed still finds its place.
    assert len(letters_in(bad)) == int(count) + (ran.returncode == 0)
    assert int(count) > 2


def test_letters_written_before_a_kill_are_whole(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    program = """
        import sys
        from ndstream import DecodeError, logs
        letters = logs.DeadLetters(sys.argv[1], append=True)
        number = letters.count
        while True:
            letters.write("a", DecodeError("bad", frame=b"x" * 5000, offset=number, reason="invalid_json"))
            number += 1
    """
    for size in (100_000, 200_000, 300_000):
        with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), bad]) as process:
            while not bad.exists() or bad.stat().st_size < size:
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
    with logs.DeadLetters(bad, append=True) as letters:
        letters.write("a", error())
    assert all(letter.length == 5000 for letter in letters_in(bad)[:-1])


def test_two_writers_of_one_file_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    with logs.DeadLetters(bad) as letters:
        letters.write("a", error())
        with pytest.raises(BlockingIOError, match="another process"):
            logs.DeadLetters(bad)
    assert len(letters_in(bad)) == 1


def test_letters_go_into_a_pipe_as_well(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with logs.DeadLetters(fifo) as letters:
        letters.write("a", error())
        letters.sync()
    assert orjson.loads(os.read(reader, 10_000))["raw"] == "x"
    os.close(reader)


@pytest.mark.parametrize(
    "line", [b"1", b"{}", b'{"file":1,"offset":2,"line":3,"raw":"x"}', b'{"file":"a","offset":"b"}', b"x"]
)
def test_what_is_no_letter_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"letter|JSON|unexpected"):
        logs.DeadLetter.from_json(line)


def test_an_error_in_opening_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing") as caught:
        logs.DeadLetters(tmp_path / "missing" / "bad")
    assert caught.value.filename == str(tmp_path / "missing" / "bad")


@pytest.mark.parametrize("content", [None, gzip.compress(b"9" * 5000, 0)[:2000]], ids=["gone", "damaged"])
def test_an_over_long_line_that_cannot_be_read_again_is_a_letter_without_a_length(
    content: bytes | None, tmp_path: Path
) -> None:
    source = tmp_path / "log"
    if content is not None:
        source.write_bytes(content)
    too_large = ndstream.FrameTooLargeError("long", frame=b"99", offset=0, line=1)
    with logs.DeadLetters(tmp_path / "bad") as letters:
        letters.write(str(source), too_large, source=source)
    [letter] = letters_in(tmp_path / "bad")
    assert (letter.raw, letter.cut, letter.length, letter.sha256) == (b"99", True, None, None)


def test_a_disk_that_fails_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with logs.DeadLetters(tmp_path / "bad") as letters:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error") as caught:
            letters.sync()
    assert caught.value.filename == str(tmp_path / "bad")
