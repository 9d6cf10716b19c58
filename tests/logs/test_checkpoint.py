"""Checkpoints: where a run goes on, and what it does if the file is not the one that it read."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

import ndstream
import real_parts
from ndstream import logs
from ndstream.logs._checkpoints import tracked_file
from ndstream.logs._files.opened_file import open_file


def lines(*numbers: int) -> bytes:
    return b"".join(b'{"i":%d,"text":"some more of it"}\n' % number for number in numbers)


def read(*paths: Path, place: Path, **options: Any) -> list[int]:
    """The numbers that one run reads to its end."""
    with logs.read([str(path) for path in paths], checkpoint=place, **options) as stream:
        return [value["i"] for value in stream]


def interrupted(path: Path, place: Path, take: int) -> None:
    """A run that ends after so many values, the last of which was dealt with."""
    with logs.read(path, checkpoint=place) as stream:
        for _ in range(take):
            next(stream)
        stream.commit()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint"


class TestGoingOn:
    def test_the_report_is_of_what_this_run_read(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0, 1) + b"x\n" + lines(2)[:-5])
        counted = []
        for _ in range(2):
            with logs.read(log, checkpoint=place, on_error="skip") as stream:
                assert all(stream)
            report = stream.report
            counted.append((report.bytes, report.lines, report.values, report.bad, stream.line))
            log.write_bytes(lines(0, 1) + b"x\n" + lines(2, 3))
        assert counted == [(len(lines(0, 1)) + 2, 4, 2, 2, 3), (len(lines(2, 3)), 2, 2, 0, 5)]

    def test_a_run_reads_what_is_new(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0, 1))
        assert read(log, place=place) == [0, 1]
        assert read(log, place=place) == []
        log.write_bytes(lines(0, 1, 2))
        assert read(log, place=place) == [2]

    def test_offsets_and_lines_are_those_of_the_whole_file(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0, 1) + b"x\n" + lines(3))
        interrupted(log, place, 2)
        stream = logs.read(log, checkpoint=place)
        with pytest.raises(ndstream.DecodeError) as caught:
            next(stream)
        assert (caught.value.offset, caught.value.line) == (len(lines(0, 1)), 3)
        assert (next(stream)["i"], stream.line, stream.offset) == (3, 4, log.stat().st_size)
        stream.close()

    @pytest.mark.parametrize("take", [0, 1, 2, 1999, 2000, 4999])
    @pytest.mark.parametrize("compress", [None, gzip.compress, bz2.compress, lzma.compress])
    def test_it_goes_on_in_the_middle_of_a_file(
        self, log: Path, place: Path, take: int, compress: Callable[[bytes], bytes] | None
    ) -> None:
        data = lines(*range(5000))
        size = len(data) // 3
        parts = [data[:size], data[size : 2 * size + 1], data[2 * size + 1 :]]
        log.write_bytes(data if compress is None else b"".join(map(compress, parts)))
        interrupted(log, place, take)
        assert read(log, place=place) == list(range(take, 5000))

    def test_the_value_whose_handling_was_interrupted_comes_again(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(*range(10)))

        def run() -> None:
            with logs.read(log, checkpoint=place) as stream:
                for value in stream:
                    if value["i"] == 5:
                        raise KeyError

        with pytest.raises(KeyError):
            run()
        assert read(log, place=place)[-5:] == [5, 6, 7, 8, 9]

    def test_bad_skipped_and_unselected_lines_are_passed(self, log: Path, place: Path) -> None:
        log.write_bytes(b"x\n" * 3 + lines(0) + b"\n\n" + b"y\n" * 5)
        assert read(log, place=place, on_error="skip", contains="nothing") == []
        saved = orjson.loads(place.read_bytes())["files"]
        assert [(file["offset"], file["line"]) for file in saved] == [(log.stat().st_size, 11)]

    @pytest.mark.parametrize("more", [b"", b"\n", b"\r\n", b"\n7\n", b"\r\n7\n", b"3\n4\n", b" \n4\n"])
    def test_a_last_line_without_lf_comes_again_only_if_it_went_on(self, log: Path, place: Path, more: bytes) -> None:
        log.write_bytes(b"1\n12")

        def run() -> list[tuple[int, int]]:
            with logs.read(log, checkpoint=place) as stream:
                return [(value, stream.line) for value in stream]

        assert run() == [(1, 1), (12, 2)]
        assert run() == []
        with log.open("ab") as file:
            file.write(more)
        expected: dict[bytes, list[tuple[int, int]]] = {
            b"\n7\n": [(7, 3)], b"\r\n7\n": [(7, 3)], b"3\n4\n": [(123, 2), (4, 3)], b" \n4\n": [(12, 2), (4, 3)],
        }  # fmt: skip
        assert run() == expected.get(more, [])
        assert run() == []

    def test_a_torn_last_line_is_told_again_until_it_ends(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0) + b'{"i":1')
        for _ in range(2):
            with logs.read(log, checkpoint=place) as stream, pytest.raises(ndstream.TruncatedError):
                list(stream)
        with log.open("ab") as file:
            file.write(b"}\n")
        assert read(log, place=place) == [1]

    def test_several_files_each_go_on(self, tmp_path: Path, place: Path) -> None:
        paths = [tmp_path / name for name in ("a", "b", "c")]
        for number, path in enumerate(paths):
            path.write_bytes(lines(10 * number, 10 * number + 1))
        with logs.read(paths, checkpoint=place) as stream:
            assert [next(stream)["i"] for _ in range(3)] == [0, 1, 10]
            stream.commit()
        for path in paths:
            with path.open("ab") as file:
                file.write(lines(99))
        assert read(*paths, place=place) == [99, 11, 99, 20, 21, 99]

    def test_a_pipe_is_read_and_has_no_place(self, tmp_path: Path, place: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        with subprocess.Popen(["sh", "-c", f"echo '{{\"i\":1}}' > {fifo}"]):
            assert read(fifo, place=place) == [1]


def open_files(log: Path) -> int:
    """How many handles there are to a log and its generations; 0 where that cannot be seen."""
    handles = Path("/proc/self/fd")
    links = [os.readlink(handle) for handle in handles.iterdir() if handle.is_symlink()] if handles.exists() else []
    return sum(link.startswith(str(log)) for link in links)


class TestRotation:
    def test_what_was_not_read_comes_from_the_rotated_files(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0, 1))
        interrupted(log, place, 1)
        log.rename(f"{log}.2")
        Path(f"{log}.1").write_bytes(lines(2, 3))
        log.write_bytes(lines(4))
        assert read(log, place=place) == [1, 2, 3, 4]
        assert read(log, place=place) == []

    @pytest.mark.parametrize("keep_inode", [True, False])
    def test_a_file_that_was_compressed_since_is_gone_on_with(self, log: Path, place: Path, keep_inode: bool) -> None:
        log.write_bytes(lines(*range(100)))
        interrupted(log, place, 60)
        if keep_inode:
            # Another file has the inode now.
            shutil.copyfile(log, f"{log}.1")
        else:
            log.rename(f"{log}.1")
        subprocess.run(["gzip", f"{log}.1"], check=True)
        log.write_bytes(lines(100))
        assert read(log, place=place) == list(range(60, 101))

    def test_of_a_glob_the_renamed_file_is_gone_on_with_under_its_new_name(self, log: Path, place: Path) -> None:
        def run() -> list[int]:
            with logs.read(f"{log}*", checkpoint=place) as stream:
                return [value["i"] for value in stream]

        log.write_bytes(lines(0, 1))
        assert run() == [0, 1]
        with log.open("ab") as file:
            file.write(lines(2))
        log.rename(f"{log}.1")
        log.write_bytes(lines(3))
        assert run() == [2, 3]
        subprocess.run(["gzip", f"{log}.1"], check=True)
        os.rename(f"{log}.1.gz", f"{log}.2.gz")
        assert run() == []

    def test_copytruncate_is_gone_on_with_in_the_copy(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0, 1, 2))
        interrupted(log, place, 2)
        shutil.copyfile(log, f"{log}.1")
        log.write_bytes(lines(3, 4, 5, 6, 7))
        assert read(log, place=place) == [2, 3, 4, 5, 6, 7]

    def test_following_goes_on_where_following_stopped(self, log: Path, place: Path) -> None:
        def run() -> list[int]:
            with logs.follow(log, checkpoint=place, stop_after_idle=0.01) as stream:
                return [value["i"] for value in stream]

        log.write_bytes(lines(0, 1))
        assert run() == [0, 1]
        with log.open("ab") as file:
            file.write(lines(2))
        log.rename(f"{log}.2")
        Path(f"{log}.1").write_bytes(lines(3))
        log.write_bytes(lines(4))
        assert run() == [2, 3, 4]
        assert run() == []
        log.unlink()
        log.write_bytes(lines(5))
        before = open_files(log)
        with pytest.raises(logs.CheckpointError) as caught:
            run()
        assert (caught.value.path, caught.value.line) == (str(log), 1)
        assert open_files(log) == before, "a file that was found for the checkpoint is left open"


class TestMismatch:
    def test_the_same_inode_with_another_content_is_another_file(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0, 1))
        assert read(log, place=place) == [0, 1]
        inode = log.stat().st_ino
        log.write_bytes(lines(7, 8, 9))
        assert log.stat().st_ino == inode
        for _ in range(2):
            with pytest.raises(logs.CheckpointError, match="on_mismatch") as caught:
                read(log, place=place)
        assert (caught.value.reason, caught.value.path, caught.value.offset) == (
            "other_file", str(log), len(lines(0, 1)),
        )  # fmt: skip
        assert read(log, place=logs.Checkpoint(place, on_mismatch="restart")) == [7, 8, 9]  # type: ignore[arg-type]
        assert read(log, place=place) == []

    def test_a_followed_file_that_is_gone_is_said_or_waited_for(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0, 1))
        assert read(log, place=place) == [0, 1]
        log.unlink()
        with pytest.raises(logs.CheckpointError, match="is gone") as caught:
            logs.follow(log, checkpoint=place)
        assert (caught.value.reason, caught.value.path, caught.value.offset) == (
            "other_file", str(log), len(lines(0, 1)),
        )  # fmt: skip
        restarting = logs.Checkpoint(place, on_mismatch="restart")
        with logs.follow(log, checkpoint=restarting, stop_after_idle=0) as stream:
            assert list(stream) == []

    @pytest.mark.parametrize("follows", [False, True])
    def test_a_shorter_file_is_said(self, log: Path, place: Path, follows: bool) -> None:
        log.write_bytes(lines(0, 1))
        assert read(log, place=place) == [0, 1]
        os.truncate(log, len(lines(0)))
        with pytest.raises(logs.CheckpointError) as caught:
            if follows:
                logs.follow(log, checkpoint=place)
            else:
                read(log, place=place)
        assert caught.value.reason == "shrank"

    def test_the_same_head_does_not_make_it_the_same_file(self, log: Path, place: Path) -> None:
        head = lines(*range(100))
        log.write_bytes(head + lines(1000))
        read(log, place=place)
        log.write_bytes(head + lines(2000))
        with pytest.raises(logs.CheckpointError):
            read(log, place=place)

    def test_another_inode_with_the_same_content_is_the_same_file(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0, 1))
        read(log, place=place)
        shutil.copyfile(log, f"{log}.copy")
        os.replace(f"{log}.copy", log)
        with log.open("ab") as file:
            file.write(lines(2))
        assert read(log, place=place) == [2]


class TestTheFile:
    @pytest.mark.parametrize("follows", [False, True])
    def test_a_torn_checkpoint_is_said_at_every_cut(self, log: Path, place: Path, follows: bool) -> None:
        log.write_bytes(lines(0))
        read(log, place=place)
        whole = place.read_bytes()
        for cut in range(len(whole) - 1):
            place.write_bytes(whole[:cut])
            with pytest.raises(logs.CheckpointError) as caught:
                logs.follow(log, checkpoint=place) if follows else read(log, place=place)
            assert (caught.value.reason, caught.value.checkpoint) == ("damaged", str(place))
            assert place.read_bytes() == whole[:cut]

    def test_a_log_that_is_named_as_the_checkpoint_is_not_said_to_be_removed(self, log: Path) -> None:
        for content in (lines(0), lines(0, 1), b"\x1f\x8b\x08", b"text\n"):
            log.write_bytes(content)
            with pytest.raises(logs.CheckpointError, match="no checkpoint of ndstream; name another file"):
                logs.read(log, checkpoint=log)
            assert log.read_bytes() == content

    @pytest.mark.parametrize(
        "change",
        [
            {"offset": -1}, {"offset": "1"}, {"offset": True}, {"line": None}, {"member": [1]}, {"member": 3},
            {"path": 1},            {"head": []}, {"anchor": [1, 2]}, {"path_base64": "*"}, {"format": None},
        ],
    )  # fmt: skip
    def test_a_checkpoint_with_wrong_values_is_damaged(self, log: Path, place: Path, change: dict[str, Any]) -> None:
        log.write_bytes(lines(0))
        read(log, place=place)
        saved = orjson.loads(place.read_bytes())
        saved["files"][0].update(change)
        place.write_bytes(orjson.dumps(saved))
        with pytest.raises(logs.CheckpointError) as caught:
            read(log, place=place)
        assert caught.value.reason == "damaged"

    def test_a_pipe_or_a_device_is_refused_and_not_read(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        for path in (pipe, Path(os.devnull), Path("/dev/zero")):
            with pytest.raises(logs.CheckpointError, match="a pipe or a device") as caught:
                logs.Checkpoint(path)
            assert caught.value.reason == "damaged"
            assert not Path(f"{path}.lock").exists()

    def test_another_version_and_another_file_are_said(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0))
        place.write_bytes(b'{"format":"ndstream checkpoint","version":99,"files":[]}')
        with pytest.raises(logs.CheckpointError, match="version 99"):
            read(log, place=place)
        with pytest.raises(logs.CheckpointError, match="no checkpoint"):
            read(log, place=log)

    def test_what_a_kill_left_while_saving_is_ignored(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0))
        read(log, place=place)
        Path(f"{place}.tmp").write_bytes(b'{"format":')
        assert read(log, place=place) == []

    def test_two_users_of_one_checkpoint_are_refused(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0))
        with (
            logs.read(log, checkpoint=place),
            pytest.raises(logs.CheckpointError, match="another process") as caught,
        ):
            read(log, place=place)
        assert caught.value.reason == "locked"
        assert read(log, place=place) == [0]

    def test_it_is_saved_at_the_interval_and_at_the_end_alone(self, log: Path, tmp_path: Path) -> None:
        log.write_bytes(lines(*range(100_000)))
        time = 0.0

        def clock() -> float:
            nonlocal time
            time += 0.01
            return time

        counts = []
        for interval in (0.0, 0.1, 1e9):
            checkpoint = logs.Checkpoint(tmp_path / f"place-{interval}", interval=interval, clock=clock)
            with logs.read(log, checkpoint=checkpoint) as stream:
                assert sum(1 for _ in stream) == 100_000
            counts.append(checkpoint.saves)
        # At each chunk; at about each tenth, since the clock moves with each chunk.
        assert counts[0] > 20
        assert 1 < counts[1] <= counts[0] // 5
        assert counts[2] == 1

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
    def test_a_failed_save_stops_with_the_error_and_keeps_the_old_one(
        self, log: Path, place: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
    ) -> None:
        log.write_bytes(lines(*range(10)))
        interrupted(log, place, 3)
        before = place.read_bytes()

        def fail(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        stream = logs.read(log, checkpoint=logs.Checkpoint(place, interval=0))
        with monkeypatch.context() as patch:
            patch.setattr(f"ndstream.logs._checkpoints.checkpoint.os.{call}", fail)
            with pytest.raises(OSError, match=os.strerror(number)) as caught:
                list(stream)
            assert caught.value.filename == str(place)
            with pytest.raises(OSError, match=os.strerror(number)):
                stream.close()
        assert place.read_bytes() == before
        assert not Path(f"{place}.tmp").exists()
        assert read(log, place=place) == list(range(3, 10))

    def test_a_disk_that_is_really_full_stops_with_the_error(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(*range(10)))
        interrupted(log, place, 3)
        program = """
            import resource, signal, sys
            from ndstream import logs
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
            stream = logs.read(sys.argv[1], checkpoint=sys.argv[2])
            try:
                print(len(list(stream)))
            except OSError as error:
                print(type(error).__name__, error.errno, error.filename)
        """
        before = place.read_bytes()
        ran = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), log, place], capture_output=True, text=True
        )
        assert ran.stdout.split() == ["OSError", str(errno.EFBIG), str(place)]
        assert place.read_bytes() == before

    def test_dead_letters_are_on_the_disk_before_the_checkpoint(
        self, log: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.write_bytes(b"x\n" + lines(1))
        calls: list[str] = []
        fsync = os.fsync

        def note(descriptor: int) -> None:
            calls.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", note)
        assert read(log, place=place, dead_letters=tmp_path / "bad") == [1]
        assert calls[:3] == ["bad", "checkpoint.tmp", tmp_path.name]

    def test_a_full_disk_for_dead_letters_keeps_the_checkpoint_before_them(
        self, log: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.write_bytes(lines(0) + b"x\n" + lines(2))

        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "bad"))

        with monkeypatch.context() as patch:
            patch.setattr(logs.DeadLetters, "add", fail)
            with logs.read(log, checkpoint=place, dead_letters=tmp_path / "bad") as stream:
                assert next(stream)["i"] == 0
                with pytest.raises(OSError, match="No space"):
                    next(stream)
        assert read(log, place=place, dead_letters=tmp_path / "bad")[-1] == 2
        assert logs.DeadLetter.from_json((tmp_path / "bad").read_bytes()).line == 2


class TestMisuse:
    @pytest.mark.parametrize("options", [{"interval": -1}, {"interval": float("nan")}, {"on_mismatch": "ignore"}])
    def test_options_without_sense_are_refused(self, place: Path, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(options))):
            logs.Checkpoint(place, **options)

    def test_what_does_not_go_together_is_refused(self, log: Path, place: Path) -> None:
        log.write_bytes(lines(0))
        with pytest.raises(ValueError, match="unwrap must be"):
            logs.read(log, checkpoint=place, unwrap="crio")  # type: ignore[call-overload]
        with pytest.raises(ValueError, match="unwrap must be"):
            logs.follow(log, checkpoint=place, unwrap="crio")  # type: ignore[call-overload]
        with pytest.raises(ValueError, match="start="):
            logs.read(log, checkpoint=place, start=logs.Position(3, 3))
        with pytest.raises(ValueError, match="on_error="):
            logs.read(log, dead_letters=place, on_error="skip")

    def test_without_a_checkpoint_there_is_nothing_to_commit_to(self, log: Path) -> None:
        log.write_bytes(lines(0))
        for stream in (logs.read(log), logs.follow(log)):
            with stream, pytest.raises(ValueError, match="checkpoint="):
                stream.commit()


class TestClosing:
    def test_a_thread_that_saves_waits_for_another_one(
        self, log: Path, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.write_bytes(lines(0, 1))
        list(logs.read(log, checkpoint=place))
        checkpoint = logs.Checkpoint(place)
        [cursor] = checkpoint.cursors
        replace = os.replace
        other = threading.Thread(target=checkpoint.save, args=([cursor._replace(line=7)],))

        def replace_while_another_saves(*names: str) -> None:
            if other.ident is None:
                other.start()
                other.join(0.2)
            replace(*names)

        monkeypatch.setattr("ndstream.logs._checkpoints.checkpoint.os.replace", replace_while_another_saves)
        checkpoint.save([cursor._replace(line=6)])
        other.join()
        checkpoint.close()
        saved = logs.Checkpoint(place)
        saved.close()
        assert [each.line for each in saved.cursors] == [7]

    def test_what_is_closed_is_not_saved_to_and_may_be_closed_again(self, place: Path) -> None:
        checkpoint = logs.Checkpoint(place)
        checkpoint.close()
        checkpoint.close()
        with pytest.raises(RuntimeError, match="the checkpoint is closed"):
            checkpoint.save([])

    def test_an_interrupt_while_a_place_is_looked_for_leaves_no_file_open(
        self, log: Path, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.write_bytes(lines(0, 1))
        interrupted(log, place, 1)
        opened: list[Any] = []
        closed: list[Any] = []

        def noting(*arguments: Any, **options: Any) -> Any:
            file = open_file(*arguments, **options)
            close = file.close
            file.close = lambda: closed.append(close())
            opened.append(file)
            return file

        def read_once(file: Any, size: int) -> bytes:
            if len(opened) > 1:
                raise KeyboardInterrupt
            return b"".join(map(bytes, file.chunks))[:size]

        checkpoint = logs.Checkpoint(place)
        [cursor] = checkpoint.cursors
        checkpoint.close()
        monkeypatch.setattr(tracked_file, "_read", read_once)
        with pytest.raises(KeyboardInterrupt):
            tracked_file.resume(cursor, str(log), noting)
        assert (len(opened), len(closed)) == (2, 2)

    def test_dead_letters_are_free_again_if_the_checkpoint_cannot_be_opened(
        self, log: Path, place: Path, tmp_path: Path
    ) -> None:
        log.write_bytes(lines(0))
        place.write_bytes(b"no checkpoint")
        with pytest.raises(logs.CheckpointError):
            logs.read(log, checkpoint=place, dead_letters=tmp_path / "bad")
        logs.DeadLetters(tmp_path / "bad").close()


class TestOtherFiles:
    def test_of_several_rotated_files_the_one_that_holds_the_place_is_gone_on_with(
        self, log: Path, place: Path
    ) -> None:
        log.write_bytes(lines(0, 1, 2))
        interrupted(log, place, 1)
        log.with_name("app.log.2").write_bytes(log.read_bytes())
        log.with_name("app.log.1").write_bytes(lines(3))
        log.unlink()
        log.write_bytes(lines(4))
        assert read(log, place=place) == [1, 2, 3, 4]

    def test_an_archive_at_a_url_goes_on_after_damage_and_has_no_place(self, place: Path) -> None:
        memory = real_parts.library("fsspec").filesystem("memory")
        wrong = bytearray(gzip.compress(lines(0, 1)))
        wrong[-8] ^= 1
        memory.pipe("/damaged/app.log.gz", bytes(wrong) + gzip.compress(lines(2)))
        try:
            for _ in range(2):
                errors: list[Any] = []
                options: Any = {"checkpoint": place, "on_error": errors.append}
                with logs.read("memory://damaged/app.log.gz", **options) as stream:
                    assert [value["i"] for value in stream] == [0, 1, 2]
                assert [error.reason for error in errors] == ["checksum"]
        finally:
            memory.rm("/damaged", recursive=True)


def test_a_cursor_of_a_path_alone_is_the_beginning_of_a_plain_file_that_is_not_known_otherwise() -> None:
    cursor = logs.Cursor("a.log")
    assert (cursor.format, cursor.position, cursor.line, cursor.delivered) == ("plain", logs.Position(), 0, 0)
    assert (cursor.device, cursor.inode, cursor.unfinished) == (0, 0, ())
    assert logs.Cursor.from_dict(cursor.to_dict()) == cursor
