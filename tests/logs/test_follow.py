"""Following logs through all that happens to their files, in a time of the test's own."""

from __future__ import annotations

import asyncio
import errno
import gzip
import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

import ndstream
import real_parts
from doubles.scripted_clock import Action, ScriptedClock
from ndstream import logs
from processes.unprivileged import public_folder, without_privileges


def line(number: int) -> bytes:
    return b'{"i":%d,"text":"some more of it"}\n' % number


def lines(*numbers: int) -> bytes:
    return b"".join(map(line, numbers))


def append(path: Path, content: bytes) -> Callable[[], object]:
    def act() -> None:
        with path.open("ab") as file:
            file.write(content)

    return act


def rename(path: Path, to: str) -> Callable[[], object]:
    return lambda: path.rename(path.parent / to)


def copy_and_truncate(path: Path, to: str) -> Callable[[], object]:
    def act() -> None:
        shutil.copyfile(path, path.parent / to)
        os.truncate(path, 0)

    return act


def followed(*paths: Path | str, script: Sequence[Action], **options: Any) -> tuple[list[int], list[str]]:
    """The numbers that came while all that happened, and the kinds of changes."""
    with logs.follow(*paths, clock=ScriptedClock(*script), stop_after_idle=30, **options) as stream:
        numbers = [value["i"] for value in stream]
        return numbers, [change.kind for change in stream.changes]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


class TestLines:
    def test_what_is_there_comes_first_and_what_is_appended_comes_later(self, log: Path) -> None:
        log.write_bytes(lines(0, 1))
        assert followed(log, script=[(1, append(log, line(2))), (9, append(log, line(3)))]) == ([0, 1, 2, 3], [])

    def test_the_end_to_begin_at_is_the_last_line_end(self, log: Path) -> None:
        log.write_bytes(lines(0, 1) + line(2)[:5])
        assert followed(log, script=[(1, append(log, line(2)[5:] + line(3)))], start="end") == ([2, 3], [])

    @pytest.mark.parametrize("cut", range(1, len(line(1))))
    def test_half_a_line_waits_for_its_end_however_long(self, log: Path, cut: int) -> None:
        log.write_bytes(line(0) + line(1)[:cut])
        script = [(25, append(log, line(1)[cut:])), (26, append(log, line(2)))]
        assert followed(log, script=script) == ([0, 1, 2], [])

    def test_half_a_code_point_waits(self, log: Path) -> None:
        whole = '{"i":1,"é":2}\n'.encode()
        log.write_bytes(whole[:9])
        assert followed(log, script=[(10, append(log, whole[9:]))]) == ([1], [])

    def test_a_line_over_the_limit_that_never_ends_is_one_dead_letter(self, log: Path, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        log.write_bytes(line(0) + b"[" * 200)
        script: list[Action] = [(number, append(log, b"[" * 100_000)) for number in range(1, 20)]
        script.append((21, append(log, b"\n" + line(1))))
        assert followed(log, script=script, max_frame_size=100, dead_letters=bad) == ([0, 1], [])
        [letter] = map(logs.DeadLetter.from_json, bad.read_bytes().splitlines())
        assert (letter.reason, letter.offset, letter.length) == ("too_large", len(line(0)), None)

    def test_only_the_letter_of_an_over_long_line_has_a_digest(self, log: Path, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        log.write_bytes(b"x\n" + b"[" * 200 + b"\n" + line(0))
        assert followed(log, script=[], max_frame_size=100, dead_letters=bad) == ([0], [])
        letters = map(logs.DeadLetter.from_json, bad.read_bytes().splitlines())
        expected = [(1, False, None), (200, True, hashlib.sha256(b"[" * 200).hexdigest())]
        assert [(letter.length, letter.cut, letter.sha256) for letter in letters] == expected

    def test_place_and_path_are_those_of_the_last_value(self, log: Path) -> None:
        log.write_bytes(lines(0, 1))
        with logs.follow(log, clock=ScriptedClock(), stop_after_idle=1) as stream:
            assert (stream.path, stream.offset, stream.line) == (None, 0, 0)
            seen = [(value["i"], stream.path, stream.line, stream.offset) for value in stream]
        size = len(line(0))
        assert seen == [(0, str(log), 1, size), (1, str(log), 2, 2 * size)]

    def test_after_a_bad_line_the_iteration_goes_on(self, log: Path) -> None:
        log.write_bytes(line(0) + b"x\n" + line(1))
        with logs.follow(log, clock=ScriptedClock(), stop_after_idle=1) as stream:
            assert next(stream)["i"] == 0
            with pytest.raises(ndstream.DecodeError, match="line 2"):
                next(stream)
            assert next(stream)["i"] == 1


class TestRotationByRename:
    def test_the_old_file_comes_to_its_end_and_the_new_one_from_its_beginning(self, log: Path) -> None:
        log.write_bytes(line(0))

        def rotate() -> None:
            append(log, line(1))()
            log.rename(f"{log}.1")
            log.write_bytes(line(2))

        assert followed(log, script=[(1, rotate)]) == ([0, 1, 2], ["rotated"])

    def test_a_writer_may_hold_the_old_file_for_a_while(self, log: Path) -> None:
        log.write_bytes(line(0))
        old = log.with_name("app.log.1")
        script = [(1, rename(log, old.name)), (2, append(log, line(1))), (5, append(old, line(2)))]
        assert followed(log, script=script) == ([0, 1, 2], ["deleted", "rotated"])

    def test_the_new_file_may_come_seconds_late(self, log: Path) -> None:
        log.write_bytes(line(0))
        script = [(1, rename(log, "app.log.1")), (9, append(log, line(1)))]
        assert followed(log, script=script)[0] == [0, 1]

    @pytest.mark.parametrize("rotations", [2, 3, 5])
    @pytest.mark.parametrize("name", ["app.log.{age}", "app.log-2026010{date}", "app-2026010{date}.log"])
    def test_several_rotations_in_one_pause_lose_nothing(self, log: Path, rotations: int, name: str) -> None:
        log.write_bytes(line(0))

        def rotate() -> None:
            for number in range(1, rotations + 1):
                for age in range(rotations, 1, -1):
                    younger = log.with_name(name.format(age=age - 1, date=number))
                    if "{age}" in name and younger.exists():
                        younger.rename(log.with_name(name.format(age=age)))
                log.rename(log.with_name(name.format(age=1, date=number)))
                log.write_bytes(line(number))

        assert followed(log, script=[(1, rotate)])[0] == list(range(rotations + 1))

    @pytest.mark.parametrize("suffix", ["", ".gz"])
    @pytest.mark.parametrize("names", [["app.log.2", "app.log.1"], ["app.log-2026112523", "app.log-2026112600"]])
    def test_a_file_that_logrotate_moved_out_of_its_way_is_read_in_its_turn(
        self, log: Path, names: list[str], suffix: str
    ) -> None:
        # A writer created it after logrotate had renamed the log, and before logrotate created the next one.
        older, newer = names
        backup = f"app.log-2026112523.backup{suffix}"
        log.write_bytes(line(0))

        def rotate() -> None:
            log.rename(log.with_name(older))
            log.with_name(backup).write_bytes(gzip.compress(line(1)) if suffix else line(1))
            log.with_name(newer).write_bytes(line(2))
            log.write_bytes(line(3))
            for seconds, name in enumerate([older, backup, newer, log.name]):
                os.utime(log.with_name(name), (2_000_000_000 + seconds,) * 2)

        assert followed(log, script=[(1, rotate)])[0] == [0, 1, 2, 3]

    def test_two_rotations_while_one_file_is_read_lose_nothing(self, log: Path) -> None:
        log.write_bytes(lines(*range(50_000)))
        clock = ScriptedClock()
        with logs.follow(log, clock=clock, stop_after_idle=30) as stream:
            seen = [next(stream)["i"]]
            for number in (1, 2):
                for age in (2, 1):
                    if (old := log.with_name(f"app.log.{age}")).exists():
                        old.rename(log.with_name(f"app.log.{age + 1}"))
                log.rename(f"{log}.1")
                log.write_bytes(line(50_000 - 1 + number))
            seen += [value["i"] for value in stream]
        assert seen == list(range(50_002))

    def test_a_generation_that_was_compressed_meanwhile_is_read_once(self, log: Path) -> None:
        log.write_bytes(line(0))

        def rotate() -> None:
            log.rename(f"{log}.2")
            status = os.stat(f"{log}.2")
            with gzip.open(f"{log}.2.gz", "wb") as file:
                file.write(Path(f"{log}.2").read_bytes())
            os.utime(f"{log}.2.gz", ns=(status.st_atime_ns, status.st_mtime_ns))
            os.unlink(f"{log}.2")
            with gzip.open(f"{log}.1.gz", "wb") as file:
                file.write(lines(1, 2))
            log.write_bytes(line(3))

        assert followed(log, script=[(1, rotate)]) == ([0, 1, 2, 3], ["rotated"])

    def test_older_generations_are_not_read_unless_the_glob_names_them(self, log: Path) -> None:
        log.with_name("app.log.1").write_bytes(line(1))
        with gzip.open(log.with_name("app.log.2.gz"), "wb") as file:
            file.write(line(0))
        log.write_bytes(line(2))
        assert followed(log, script=[]) == ([2], [])
        assert followed(log.with_name("app.log*"), script=[])[0] == [0, 1, 2]

    def test_a_compressed_generation_that_the_glob_matches_is_not_read_again(self, log: Path) -> None:
        log.write_bytes(line(0))

        def compress() -> None:
            with gzip.open(f"{log}.1.gz", "wb") as file:
                file.write(Path(f"{log}.1").read_bytes())
            os.unlink(f"{log}.1")

        script = [(1, rename(log, "app.log.1")), (2, append(log, line(1))), (10, compress), (15, append(log, line(2)))]
        assert followed(log.with_name("app.log*"), script=script)[0] == [0, 1, 2]

    def test_a_name_of_no_known_kind_that_the_glob_matches_is_not_read_again(self, log: Path) -> None:
        log.write_bytes(line(0))
        script = [(1, rename(log, "old-app.log")), (2, append(log, line(1))), (12, append(log, line(2)))]
        assert followed(log.with_name("*.log"), script=script)[0] == [0, 1, 2]


class TestNamesAndInodes:
    def test_a_deleted_file_is_read_to_its_end(self, log: Path) -> None:
        log.write_bytes(line(0))
        holder = log.open("ab", buffering=0)
        script = [(1, log.unlink), (2, lambda: holder.write(line(1))), (20, append(log, line(2)))]
        with holder:
            assert followed(log, script=script)[0] == [0, 1, 2]

    def test_a_new_file_with_the_old_inode_is_read_from_its_beginning(self, log: Path) -> None:
        log.write_bytes(lines(0, 1))

        def again() -> None:
            inode = log.stat().st_ino
            log.unlink()
            log.write_bytes(lines(2, 3, 4))
            # The handle holds the inode, so that the file system cannot give it away here: the next test shows it.
            assert log.stat().st_ino != inode

        assert followed(log, script=[(1, again)])[0] == [0, 1, 2, 3, 4]

    def test_a_reused_inode_is_told_by_the_content_when_no_handle_was_kept(self, log: Path, tmp_path: Path) -> None:
        log.write_bytes(lines(0, 1))
        other = tmp_path / "other.log"
        other.touch()

        def again() -> None:
            # In place: the same inode, another content, and longer than before.
            log.write_bytes(lines(2, 3, 4, 5))

        assert followed(log, other, script=[(5, again), (6, append(other, line(9)))], max_open=1)[0] == [
            0,
            1,
            2,
            3,
            4,
            5,
            9,
        ]

    def test_a_symbolic_link_that_turns_is_followed(self, log: Path, tmp_path: Path) -> None:
        first, second = tmp_path / "0.target", tmp_path / "1.target"
        first.write_bytes(line(0))
        log.symlink_to(first)

        def turn() -> None:
            append(first, line(1))()
            second.write_bytes(line(2))
            log.unlink()
            log.symlink_to(second)

        assert followed(log, script=[(1, turn)]) == ([0, 1, 2], ["rotated"])

    def test_a_dangling_link_and_a_missing_file_are_waited_for(self, log: Path, tmp_path: Path) -> None:
        log.symlink_to(tmp_path / "target")
        other = tmp_path / "other.log"
        script = [(5, append(tmp_path / "target", line(0))), (7, append(other, line(1)))]
        assert followed(log, other, script=script) == ([0, 1], [])

    def test_two_names_of_one_file_are_read_once(self, log: Path, tmp_path: Path) -> None:
        log.write_bytes(line(0))
        (tmp_path / "hard.log").hardlink_to(log)
        (tmp_path / "soft.log").symlink_to(log)
        assert followed(tmp_path / "*.log", script=[(3, append(log, line(1)))]) == ([0, 1], [])

    def test_files_that_a_glob_matches_later_are_read_from_their_beginning(self, tmp_path: Path) -> None:
        first, second = tmp_path / "1.log", tmp_path / "2.log"
        first.write_bytes(line(0))
        script = [(2, append(second, lines(1, 2))), (4, append(first, line(3)))]
        assert followed(tmp_path / "*.log", script=script, start="end") == ([1, 2, 3], [])

    def test_a_name_that_is_not_utf8_is_followed_and_kept_in_the_checkpoint(self, tmp_path: Path) -> None:
        log = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.log"))
        log.write_bytes(line(0))
        checkpoint = tmp_path / "checkpoint"
        assert followed(log, script=[], checkpoint=checkpoint)[0] == [0]
        append(log, line(1))()
        assert followed(log, script=[], checkpoint=checkpoint)[0] == [1]


class TestCopyAndTruncate:
    def test_the_rest_comes_from_the_copy_then_the_file_from_its_beginning(self, log: Path) -> None:
        log.write_bytes(line(0))

        def rotate() -> None:
            append(log, line(1))()
            copy_and_truncate(log, "app.log.1")()
            append(log, line(2))()

        assert followed(log, script=[(1, rotate)]) == ([0, 1, 2], ["truncated"])

    def test_new_content_longer_than_the_offset_is_told_by_the_bytes_before_it(self, log: Path) -> None:
        log.write_bytes(line(0))

        def rotate() -> None:
            append(log, line(1))()
            copy_and_truncate(log, "app.log.1")()
            append(log, lines(2, 3, 4, 5))()

        assert followed(log, script=[(1, rotate)]) == ([0, 1, 2, 3, 4, 5], ["truncated"])

    @pytest.mark.parametrize("after", [b"", lines(8), lines(*range(8, 200))])
    def test_the_same_first_bytes_do_not_mislead(self, log: Path, after: bytes) -> None:
        header = b'{"i":0,"header":"%s"}\n' % (b"x" * 1100)
        log.write_bytes(header + lines(1, 2, 3))

        def rotate() -> None:
            copy_and_truncate(log, "app.log.1")()
            append(log, header + after)()

        numbers, kinds = followed(log, script=[(1, rotate)])
        assert numbers == [0, 1, 2, 3, 0, *(orjson.loads(each)["i"] for each in after.splitlines())]
        assert kinds == ["truncated"]

    def test_two_cuts_in_one_pause_lose_nothing(self, log: Path) -> None:
        log.write_bytes(line(0))

        def rotate() -> None:
            append(log, line(1))()
            copy_and_truncate(log, "app.log.2")()
            append(log, line(2))()
            copy_and_truncate(log, "app.log.1")()
            append(log, line(3))()

        assert followed(log, script=[(1, rotate)])[0] == [0, 1, 2, 3]

    def test_half_a_line_that_was_read_before_the_cut_is_ended_by_the_copy(self, log: Path) -> None:
        log.write_bytes(line(0) + line(1)[:7])

        def rotate() -> None:
            append(log, line(1)[7:])()
            copy_and_truncate(log, "app.log.1")()
            append(log, line(2))()

        assert followed(log, script=[(1, rotate)]) == ([0, 1, 2], ["truncated"])

    def test_without_a_copy_it_is_said_that_lines_may_be_lost(self, log: Path) -> None:
        log.write_bytes(lines(0, 1))

        def truncate() -> None:
            os.truncate(log, 0)
            append(log, line(2))()

        assert followed(log, script=[(1, truncate)]) == ([0, 1, 2], ["truncated_without_copy"])

    def test_a_cut_to_nothing_is_believed_after_a_second(self, log: Path) -> None:
        log.write_bytes(lines(0, 1))
        script = [(1, lambda: os.truncate(log, 0)), (10, append(log, lines(0, 1, 2)))]
        assert followed(log, script=script) == ([0, 1, 0, 1, 2], ["truncated_without_copy"])

    def test_nuls_before_the_first_line_are_passed_over_and_counted(self, log: Path) -> None:
        log.write_bytes(lines(0, 1))

        def cut() -> None:
            os.truncate(log, 0)
            with log.open("r+b") as file:
                file.seek(3_000_000)
                file.write(lines(2, 3))

        with logs.follow(log, clock=ScriptedClock((1, cut)), stop_after_idle=30) as stream:
            assert [(value["i"], stream.offset) for value in stream][-1] == (3, 3_000_000 + len(lines(2, 3)))
            assert [(change.kind, change.size) for change in stream.changes] == [
                ("truncated_without_copy", 0), ("nul_bytes", 3_000_000),
            ]  # fmt: skip


class TestShorterFiles:
    def test_an_old_size_for_a_moment_changes_nothing(self, log: Path) -> None:
        whole = lines(0, 1, 2)
        for size in (0, len(line(0)), len(line(0)) + 3):
            log.write_bytes(whole)
            cut, back = partial(os.truncate, log, size), partial(log.write_bytes, whole)
            assert followed(log, script=[(1, cut), (1.5, back), (3, append(log, line(3)))]) == ([0, 1, 2, 3], [])

    def test_a_last_line_that_was_removed_is_said_and_nothing_comes_again(self, log: Path) -> None:
        log.write_bytes(lines(0, 1, 2))
        script = [(1, lambda: os.truncate(log, len(lines(0, 1)))), (5, append(log, line(3)))]
        with logs.follow(log, clock=ScriptedClock(*script), stop_after_idle=30) as stream:
            assert [(value["i"], stream.line) for value in stream] == [(0, 1), (1, 2), (2, 3), (3, 3)]
            assert [change.kind for change in stream.changes] == ["shrank"]

    def test_an_editor_that_writes_a_new_file_does_not_make_lines_come_again(self, log: Path) -> None:
        log.write_bytes(lines(0, 1))

        def edit() -> None:
            new = log.with_name("new")
            new.write_bytes(lines(0, 1, 2))
            new.replace(log)

        assert followed(log, script=[(1, edit)]) == ([0, 1, 2], ["replaced"])


class TestManyFiles:
    def test_more_files_than_handles_are_followed(self, tmp_path: Path) -> None:
        paths = [tmp_path / f"{number}.log" for number in range(20)]
        for number, path in enumerate(paths):
            path.write_bytes(line(number))
        script = [(5 + number / 10, append(path, line(100 + number))) for number, path in enumerate(paths)]

        def rotate() -> None:
            append(paths[0], line(200))()
            paths[0].rename(tmp_path / "0.log.1")
            paths[0].write_bytes(line(201))

        numbers, _ = followed(tmp_path / "*.log", script=[*script, (12, rotate)], max_open=3)
        assert sorted(numbers) == [*range(20), *range(100, 120), 200, 201]

    def test_one_busy_file_does_not_starve_the_others(self, tmp_path: Path) -> None:
        busy, quiet = tmp_path / "1.log", tmp_path / "2.log"
        busy.write_bytes(lines(*range(100_000)))
        quiet.write_bytes(line(-1))
        with logs.follow(busy, quiet, clock=ScriptedClock()) as stream:
            before = next(count for count, value in enumerate(stream) if value["i"] == -1)
        assert before < 20_000

    def test_a_quiet_file_is_looked_at_less_and_less_often(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        log.write_bytes(line(0))
        clock = ScriptedClock()
        looks: list[float] = []
        stat = os.stat

        def note(path: str) -> os.stat_result:
            if path == str(log):
                looks.append(clock.time)
            return stat(path)

        with logs.follow(log, clock=clock, stop_after_idle=60) as stream:
            monkeypatch.setattr("ndstream.logs._following.followed_log.os.stat", note)
            assert [value["i"] for value in stream] == [0]
        # Four times a second at first, once a second in the end.
        assert 12 <= sum(time <= 3 for time in looks) < 24
        assert 9 <= sum(50 < time <= 60 for time in looks) < 12

    def test_it_ends_when_it_was_idle_for_that_long_and_not_a_look_later(self, log: Path) -> None:
        log.write_bytes(line(0))

        def ends_at(idle: float) -> float:
            clock = ScriptedClock()
            with logs.follow(log, clock=clock, stop_after_idle=idle) as stream:
                assert [value["i"] for value in stream] == [0]
            return clock.time

        looked = ends_at(5)
        assert ends_at(looked) == looked < ends_at(looked + 0.001)

    def test_a_file_at_rest_costs_one_call_of_the_system_for_a_look(
        self, log: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.write_bytes(line(0))
        with logs.follow(log, clock=ScriptedClock(), stop_after_idle=30) as stream:
            assert next(stream)["i"] == 0
            calls = 0
            pread = os.pread

            def count(*arguments: int) -> bytes:
                nonlocal calls
                calls += 1
                return pread(*arguments)

            monkeypatch.setattr("ndstream.logs._following.live_file.os.pread", count)
            assert list(stream) == []
        assert calls == 1

    def test_no_handle_left_is_an_error_that_says_what_to_raise(
        self, log: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.write_bytes(line(0))
        stream = logs.follow(log, clock=ScriptedClock())

        def fail(*_: object) -> int:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr("ndstream.logs._following.live_file.os.open", fail)
        with pytest.raises(OSError, match="ulimit -n"):
            next(stream)
        monkeypatch.undo()
        assert next(stream)["i"] == 0


class TestBothWays:
    def test_async_iteration_gives_the_same(self, log: Path) -> None:
        log.write_bytes(line(0))

        async def main() -> list[int]:
            clock = ScriptedClock((1, append(log, line(1))), (2, rename(log, "app.log.1")), (3, append(log, line(2))))
            async with logs.follow(log, clock=clock, stop_after_idle=10) as stream:
                return [value["i"] async for value in stream]

        assert asyncio.run(main()) == [0, 1, 2]

    def test_cancelling_while_it_waits_saves_the_checkpoint(self, log: Path, tmp_path: Path) -> None:
        log.write_bytes(lines(0, 1))

        async def main() -> list[int]:
            seen = []
            arrived = asyncio.Event()

            async def read() -> None:
                async with logs.follow(log, checkpoint=tmp_path / "place") as stream:
                    async for value in stream:
                        seen.append(value["i"])
                        if len(seen) == 2:
                            arrived.set()

            task = asyncio.create_task(read())
            await arrived.wait()
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return seen

        assert asyncio.run(main()) == [0, 1]
        append(log, line(2))()
        assert followed(log, script=[], checkpoint=tmp_path / "place")[0] == [2]

    def test_under_trio_too(self, log: Path) -> None:
        trio = real_parts.library("trio")
        log.write_bytes(lines(0, 1))

        async def main() -> list[int]:
            async with logs.follow(log, stop_after_idle=0.05) as stream:
                return [value["i"] async for value in stream]

        assert trio.run(main) == [0, 1]

    def test_closing_in_another_thread_ends_a_wait(self, log: Path, tmp_path: Path) -> None:
        log.write_bytes(line(0))
        stream = logs.follow(log, poll_interval=600, checkpoint=tmp_path / "place")
        seen: list[int] = []
        thread = threading.Thread(target=lambda: seen.extend(value["i"] for value in stream))
        thread.start()
        while not seen:
            pass
        stream.close()
        thread.join(60)
        assert not thread.is_alive()
        assert stream.closed
        append(log, line(1))()
        assert followed(log, script=[], checkpoint=tmp_path / "place")[0] in ([1], [0, 1])


class TestMisuse:
    def test_windows_is_refused_with_the_reason(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "win32")
        with pytest.raises(NotImplementedError, match="can neither be renamed nor removed"):
            logs.follow(log)

    def test_a_fifo_and_a_folder_are_refused(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        (tmp_path / "folder").mkdir()
        for name in ("fifo", "folder"):
            with (
                logs.follow(tmp_path / name, clock=ScriptedClock()) as stream,
                pytest.raises(OSError, match="no regular"),
            ):
                next(stream)

    def test_no_permission_is_said_and_tried_again(self) -> None:
        with public_folder() as folder:
            (folder / "app.log").write_bytes(line(0))
            (folder / "app.log").chmod(0)
            stream = logs.follow(folder / "app.log", clock=ScriptedClock())
            with without_privileges(), pytest.raises(PermissionError, match=r"app\.log"):
                next(stream)
            (folder / "app.log").chmod(0o644)
            with without_privileges():
                assert next(stream)["i"] == 0
            stream.close()

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"start": "middle"}, "start"),
            ({"poll_interval": 0}, "poll_interval"),
            ({"rotate_wait": float("nan")}, "rotate_wait"),
            ({"max_frame_size": -1}, "max_frame_size"),
            ({"dead_letters": "x", "on_error": "skip"}, "on_error"),
        ],
    )
    def test_options_without_sense_are_refused(self, log: Path, options: dict[str, Any], match: str) -> None:
        with pytest.raises(ValueError, match=match):
            logs.follow(log, **options)

    def test_nothing_to_follow_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no path"):
            logs.follow()
