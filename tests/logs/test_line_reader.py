"""Lines of a file that are read again by their offset."""

from __future__ import annotations

import gzip
from contextlib import nullcontext
from pathlib import Path

import pytest

from ndstream.logs import LogFileTruncatedError
from ndstream.logs._files.line_reader import LineReader


@pytest.fixture(params=[False, True], ids=["plain", "gzip"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file whose last line ends with a CR."""
    content = b"1\r\n22\n333\r"
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(content) if request.param else content)
    return path


def test_a_carriage_return_is_part_of_a_line_unless_a_line_feed_follows_it(path: Path) -> None:
    reader = LineReader(path)
    assert [reader.line(offset, None) for offset in (0, 3, 6)] == [b"1", b"22", b"333\r"]
    reader.close()


def test_a_line_without_its_end_has_no_digest(path: Path) -> None:
    reader = LineReader(path)
    digest = reader.digest(3)
    assert (digest and digest.length, reader.digest(6)) == (2, None)
    reader.close()


def test_a_file_that_is_shorter_now_has_no_line_there_and_its_others_still(path: Path) -> None:
    reader = LineReader(path)
    with pytest.raises(LogFileTruncatedError, match="became shorter") if reader.format == "plain" else nullcontext():
        assert reader.line(1000, None) == b""
    assert reader.line(0, None) == b"1"
    reader.close()
