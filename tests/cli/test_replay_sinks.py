"""The sink that writes lines to a file or to standard output."""

from __future__ import annotations

import errno
import io
import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from ndstream._cli.replay_sinks import LineSink
from ndstream.logs import ReplayedRecord


def test_lines_are_kept_back_until_a_buffer_is_full_or_they_are_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "out"
    sink = LineSink(str(path), append=False)
    line = b"x" * (io.DEFAULT_BUFFER_SIZE // 4 - 1)
    for size in (0, 0, 0, 0, 5 * (len(line) + 1)):
        sink.deliver(ReplayedRecord(line, None, None, 0, 1))
        assert path.stat().st_size == size
    sink.deliver(ReplayedRecord(b"last", None, None, 0, 6))
    sink.wait(0)
    sink.close()
    assert path.read_bytes() == 5 * (line + b"\n") + b"last\n"


@pytest.mark.parametrize(("number", "fails"), [(errno.EINVAL, False), (errno.EROFS, False), (errno.EIO, True)])
def test_what_has_no_disk_is_flushed_and_a_disk_that_fails_is_an_error_for_good(
    number: int, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    sink = LineSink(str(tmp_path / "out"), append=False)
    for _ in range(2):
        with pytest.raises(OSError, match=str(tmp_path)) if fails else nullcontext():
            sink.flush()
    sink.close()
