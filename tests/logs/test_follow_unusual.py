"""Following where little goes as usual: nothing is there, handles are short, names move while they are looked for."""

from __future__ import annotations

import asyncio
import errno
import gzip
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doubles.scripted_clock import Action, ScriptedClock
from logs.test_follow import append, copy_and_truncate, followed, line, lines, rename
from ndstream import logs
from ndstream.logs._following import follow, live_file, log_files_opener, rotation


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def compressed(content: bytes, path: Path) -> None:
    path.write_bytes(gzip.compress(content))


class TestNothingThere:
    def test_a_folder_that_is_not_there_yet_is_waited_for(self, tmp_path: Path) -> None:
        log = tmp_path / "later" / "app.log"

        def appear() -> None:
            log.parent.mkdir()
            log.write_bytes(line(0))

        assert followed(log, script=[(5, appear)]) == ([0], [])

    def test_a_glob_without_a_match_is_waited_for(self, log: Path) -> None:
        assert followed(log.with_name("*.log"), script=[(5, append(log, line(0)))]) == ([0], [])

    def test_a_stream_that_nobody_made_is_empty_and_closes_nothing(self) -> None:
        stream: logs.FollowStream[object] = logs.FollowStream()
        assert list(stream) == []
        del stream

    def test_a_log_that_came_and_was_rotated_between_two_looks_is_read_under_its_new_name(self, log: Path) -> None:
        log.write_bytes(line(0))
        script = [(1, log.unlink), (20, append(log.with_name("app.log.1"), line(1))), (25, append(log, line(2)))]
        assert followed(log, script=script)[0] == [0, 1, 2]

    def test_what_is_older_than_a_renamed_log_is_not_read_again_when_nothing_takes_its_name(self, log: Path) -> None:
        place = log.with_name("place")
        log.with_name("app.log.1").write_bytes(line(0))
        log.write_bytes(line(1))
        assert followed(log, script=[], checkpoint=place)[0] == [1]
        os.replace(log.with_name("app.log.1"), log.with_name("app.log.2"))
        os.replace(log, log.with_name("app.log.1"))
        script = [(20, append(log, line(2)))]
        assert followed(log, script=script, checkpoint=place)[0] == [2]


class TestTheStream:
    def test_each_change_is_told_when_it_is_seen(self, log: Path) -> None:
        log.write_bytes(line(0))
        told: list[str] = []
        script = [(1, rename(log, "app.log.1")), (2, append(log, line(1)))]
        numbers, kinds = followed(log, script=script, on_change=lambda change: told.append(change.kind))
        assert (numbers, told) == ([0, 1], kinds)
        assert kinds == ["deleted", "rotated"]

    def test_closing_it_in_its_loop_ends_it(self, log: Path, tmp_path: Path) -> None:
        log.write_bytes(line(0))
        other = tmp_path / "other.log"
        other.write_bytes(line(1))
        seen = []
        with logs.follow(log, other, clock=ScriptedClock()) as stream:
            for value in stream:
                seen.append(value["i"])
                stream.close()
        assert seen == [0]

    @pytest.mark.parametrize("rest", [line(1), b"bad\n", b"9" * 500 + b"\n"], ids=["value", "bad", "over-long"])
    def test_nothing_comes_after_it_was_closed_and_all_of_that_in_the_next_run(
        self, rest: bytes, log: Path, tmp_path: Path
    ) -> None:
        log.write_bytes(line(0) + rest + line(2))
        options: Any = {"dead_letters": tmp_path / "bad", "checkpoint": tmp_path / "place", "max_frame_size": 100}
        stream = logs.follow(log, clock=ScriptedClock(), **options)
        assert next(stream)["i"] == 0
        stream.commit()
        stream.close()
        assert (list(stream), stream.offset, stream.line) == ([], len(line(0)), 1)
        assert (tmp_path / "bad").read_bytes() == b""
        assert followed(log, script=[], **options)[0] == ([1, 2] if rest == line(1) else [2])
        assert (tmp_path / "bad").read_bytes().count(b"\n") == (rest != line(1))

    def test_aclose_closes_it(self, log: Path) -> None:
        async def main() -> None:
            stream = logs.follow(log, clock=ScriptedClock())
            await stream.aclose()
            assert stream.closed
            assert [value async for value in stream] == []

        asyncio.run(main())

    def test_committing_saves_the_place_after_the_last_value(self, log: Path, tmp_path: Path) -> None:
        log.write_bytes(lines(0, 1, 2))
        place, copy = tmp_path / "place", tmp_path / "copy"
        with logs.follow(log, clock=ScriptedClock(), checkpoint=place) as stream:
            # There is no value yet.
            stream.commit()
            assert [next(stream)["i"] for _ in range(2)] == [0, 1]
            stream.commit()
            # As it is if the process is killed now.
            shutil.copy(place, copy)
        assert followed(log, script=[], checkpoint=copy)[0] == [2]
        with logs.follow(log, clock=ScriptedClock()) as stream, pytest.raises(ValueError, match="checkpoint="):
            stream.commit()

    @pytest.mark.parametrize(("interval", "saves"), [(0.0, 1), (3600.0, 0)])
    def test_the_place_is_saved_while_more_is_waited_for_if_it_is_time(
        self, interval: float, saves: int, log: Path, tmp_path: Path
    ) -> None:
        log.write_bytes(line(0))
        checkpoint = logs.Checkpoint(tmp_path / "place", interval=interval)
        clock = ScriptedClock((5, append(log, line(1))))
        with logs.follow(log, clock=clock, checkpoint=checkpoint) as stream:
            assert [next(stream)["i"] for _ in range(2)] == [0, 1]
            assert checkpoint.saves == saves

    def test_the_last_part_of_a_line_that_a_deleted_file_leaves_out_is_an_error(self, log: Path) -> None:
        log.write_bytes(b"2026-01-01T00:00:01Z stdout F 1\n2026-01-01T00:00:02Z stdout P [1,\n")
        errors: list[Any] = []
        options: Any = {"unwrap": "cri", "on_error": errors.append, "stop_after_idle": 30}
        with logs.follow(log, clock=ScriptedClock((1, log.unlink)), **options) as stream:
            assert [record.value for record in stream] == [1]
        assert [error.frame for error in errors] == [b"[1,"]

    def test_half_a_line_that_a_deleted_file_leaves_is_an_error(self, log: Path) -> None:
        log.write_bytes(line(0) + line(1)[:5])
        errors: list[Any] = []
        script: list[Action] = [(1, log.unlink), (20, append(log, line(2)))]
        assert followed(log, script=script, on_error=errors.append)[0] == [0, 2]
        assert [error.frame for error in errors] == [line(1)[:5]]

    def test_an_archive_that_is_removed_while_it_is_read_comes_whole(self, log: Path) -> None:
        archive = log.with_name("app.log.1.gz")
        compressed(lines(0, 1), archive)
        log.write_bytes(line(2))
        with logs.follow(log.with_name("app.log*"), clock=ScriptedClock(), stop_after_idle=5) as stream:
            assert next(stream)["i"] == 0
            archive.unlink()
            assert [value["i"] for value in stream] == [1, 2]

    def test_where_the_next_look_is_due_already_nothing_is_waited_for(self, log: Path) -> None:
        class SlowClock(ScriptedClock):
            def now(self) -> float:
                self.time += 1
                return self.time

        log.write_bytes(line(0))
        clock = SlowClock()
        with logs.follow(log, clock=clock, stop_after_idle=30) as stream:
            assert [value["i"] for value in stream] == [0]
        assert clock.waits == 0

    def test_a_damaged_rotated_file_is_an_error_before_the_next_file(self, log: Path) -> None:
        log.with_name("app.log.1.gz").write_bytes(gzip.compress(lines(0, 1), 0)[:-9])
        log.write_bytes(line(2))
        with logs.follow(log.with_name("app.log*"), clock=ScriptedClock(), stop_after_idle=5) as stream:
            assert next(stream)["i"] == 0
            with pytest.raises(logs.LogFileError, match=r"app\.log\.1\.gz") as caught:
                next(stream)
            # Its cut line is whole by chance, and may be cut inside a number as well.
            assert caught.value.frame == line(1).rstrip()
            assert [value["i"] for value in stream] == [2]


class TestHandles:
    @pytest.mark.parametrize(
        ("limit", "most"), [(1, 1), (3, 1), (100, 50), (1_000_000, 4096), (resource.RLIM_INFINITY, 4096)]
    )
    def test_so_many_files_are_kept_open_as_the_system_allows(
        self, limit: int, most: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
        assert follow._most_open() == most

    def test_where_none_is_left_that_of_a_quiet_file_is_taken(
        self, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.write_bytes(line(0))
        other = tmp_path / "other.log"
        opened = os.open
        failures = [OSError(errno.EMFILE, "Too many open files")]

        def open_or_fail(path: str, *given: Any) -> int:
            if path == str(other) and failures:
                raise failures.pop()
            return opened(path, *given)

        monkeypatch.setattr("ndstream.logs._following.live_file.os.open", open_or_fail)
        script = [(5, append(other, line(1))), (9, append(log, line(2)))]
        assert followed(log, other, script=script) == ([0, 1, 2], [])
        assert not failures

    def test_a_file_that_is_gone_holds_none(self, tmp_path: Path) -> None:
        paths = [tmp_path / f"{number}.log" for number in range(4)]
        for number, path in enumerate(paths[:2]):
            path.write_bytes(line(number))
        script: list[Action] = [(1, paths[0].unlink), (9, append(paths[2], line(2))), (12, append(paths[3], line(3)))]
        numbers, kinds = followed(*paths, script=script, max_open=2, rotate_wait=1)
        assert (numbers, kinds) == ([0, 1, 2, 3], ["deleted"])

    @pytest.mark.parametrize("is_compressed", [False, True])
    def test_a_file_without_one_that_was_removed_is_gone_on_with_in_its_archive_if_there_is_one(
        self, is_compressed: bool, log: Path, tmp_path: Path
    ) -> None:
        log.write_bytes(line(0))
        other = tmp_path / "other.log"
        other.write_bytes(line(9))

        def remove() -> None:
            if is_compressed:
                compressed(lines(0, 1), tmp_path / "app.log.1.gz")
            log.unlink()

        script = [(5, remove), (15, append(log, line(2)))]
        numbers, kinds = followed(log, other, script=script, max_open=1)
        assert sorted(numbers) == ([0, 1, 2, 9] if is_compressed else [0, 2, 9])
        assert kinds == ([] if is_compressed else ["deleted"])


class TestArchives:
    """Of a glob, the rotated files may be there alone: for a moment, or because the program is gone."""

    def test_a_followed_name_may_be_that_of_an_archive(self, log: Path) -> None:
        compressed(lines(*range(3000)), log)
        assert followed(log, script=[]) == ([*range(3000)], [])

    def test_archives_come_before_their_log_is_there(self, log: Path) -> None:
        compressed(lines(0, 1), log.with_name("app.log.1.gz"))
        assert followed(f"{log}*", script=[(10, append(log, line(2)))]) == ([0, 1, 2], [])

    def test_they_come_once_over_all_runs_and_members_that_are_added_come_too(self, log: Path, tmp_path: Path) -> None:
        compressed(lines(0, 1), log)
        place = tmp_path / "place"
        assert followed(log, script=[], checkpoint=place)[0] == [0, 1]
        assert followed(log, script=[(5, append(log, gzip.compress(line(2))))], checkpoint=place)[0] == [2]
        assert followed(log, script=[], checkpoint=place)[0] == []

    def test_an_archive_begun_at_its_end_has_only_what_is_added(self, log: Path, tmp_path: Path) -> None:
        compressed(lines(0, 1) + b"bad\n", log)
        place = tmp_path / "place"
        script: list[Action] = [(5, append(log, gzip.compress(line(2))))]
        assert followed(log, script=script, start="end", checkpoint=place)[0] == [2]
        assert followed(log, script=[], checkpoint=place)[0] == []

    def test_what_takes_the_name_of_an_archive_is_read_and_the_archive_is_not_read_again(self, log: Path) -> None:
        compressed(lines(0, 1), log)
        script = [(5, rename(log, "app.log.1.gz")), (9, append(log, line(2)))]
        assert followed(log, script=script)[0] == [0, 1, 2]
        names = [log.with_name(f"app.log.{number}.gz") for number in (1, 2)]
        compressed(lines(3, 4), names[0])
        log.unlink()

        def rotate() -> None:
            names[0].rename(names[1])
            compressed(line(5), names[0])

        assert followed(*names, script=[(5, rotate)])[0] == [3, 4, 5]

    def test_damage_is_told_once_and_the_file_that_comes_next_is_read(self, log: Path) -> None:
        log.write_bytes(gzip.compress(lines(0, 1))[:-9])
        errors: list[Any] = []
        clock = ScriptedClock((3, append(log, b"more damage")), (5, log.unlink), (9, append(log, line(2))))
        numbers = []
        with logs.follow(log, clock=clock, stop_after_idle=30) as stream:
            while True:
                try:
                    numbers.append(next(stream)["i"])
                except logs.LogFileError as error:
                    errors.append(error.reason)
                except StopIteration:
                    break
        assert (numbers[-1], errors) == (2, ["truncated_archive"])


class TestResuming:
    def test_what_was_compressed_between_two_runs_is_gone_on_with_in_its_archive(
        self, log: Path, tmp_path: Path
    ) -> None:
        log.write_bytes(line(0))
        assert followed(log, script=[], checkpoint=tmp_path / "place")[0] == [0]
        compressed(line(9), tmp_path / "app.log.3.gz")
        compressed(lines(0, 1), tmp_path / "app.log.2.gz")
        compressed(line(2), tmp_path / "app.log.1.gz")
        log.write_bytes(line(3))
        assert followed(log, script=[], checkpoint=tmp_path / "place")[0] == [1, 2, 3]

    @pytest.mark.parametrize("content", [b"", line(0)])
    def test_a_file_that_is_gone_is_begun_anew_if_nothing_was_read_or_it_is_asked_for(
        self, content: bytes, log: Path, tmp_path: Path
    ) -> None:
        def run() -> tuple[list[int], list[str]]:
            mismatch: Any = "restart" if content else "raise"
            return followed(log, script=[], checkpoint=logs.Checkpoint(tmp_path / "place", on_mismatch=mismatch))

        log.write_bytes(content)
        run()
        log.unlink()
        log.with_name("other").touch()
        log.write_bytes(lines(5, 6))
        assert run() == ([5, 6], ["missing"] if content else [])


class TestCopies:
    @pytest.mark.parametrize("older", [b"", line(7)], ids=["nothing", "another file"])
    def test_the_rest_comes_from_a_compressed_copy(self, older: bytes, log: Path) -> None:
        log.write_bytes(line(0))

        def rotate() -> None:
            compressed(lines(0, 1), log.with_name("app.log.1.gz"))
            if older:
                compressed(older, log.with_name("app.log.0.gz"))
            os.truncate(log, 0)
            append(log, line(2))()

        numbers, kinds = followed(log, script=[(1, rotate)])
        assert numbers == ([0, 1, 7, 2] if older else [0, 1, 2])
        assert kinds == ["truncated"]

    def test_a_copy_from_before_is_not_taken_for_the_new_one_whatever_its_name(self, log: Path) -> None:
        log.write_bytes(line(0))
        log.with_name("app.log.1").write_bytes(lines(0, 8))
        script = [(1, copy_and_truncate(log, "app.log.2")), (1, append(log, line(1)))]
        assert followed(log, script=script) == ([0, 1], ["truncated"])

    def test_a_read_that_gives_nothing_for_a_moment_changes_nothing(
        self, log: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.write_bytes(line(0))
        pread = os.pread
        failures = [b""]

        def read_or_nothing(descriptor: int, size: int, offset: int) -> bytes:
            return (
                failures.pop()
                if offset == 0 and size > live_file.CHUNK_SIZE and failures
                else pread(descriptor, size, offset)
            )

        script: list[Action] = [(5, append(log, line(1)))]
        script.insert(0, (1, lambda: monkeypatch.setattr(os, "pread", read_or_nothing)))
        assert followed(log, script=script) == ([0, 1], [])
        assert not failures

    def test_nuls_are_passed_over_where_the_system_does_not_tell_holes(
        self, log: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: int) -> int:
            raise OSError(errno.EINVAL, "Invalid argument")

        monkeypatch.setattr("ndstream.logs._following.live_file.os.lseek", refuse)
        log.write_bytes(bytes(600_000) + line(0))
        assert followed(log, script=[]) == ([0], ["nul_bytes"])


class TestNamesThatMove:
    """Rotation goes on between the look at the folder and the opening of what was seen there."""

    @pytest.fixture
    def looks(self, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
        """What happens right behind each of the next looks at the rotated files."""
        after: list[Callable[[], object]] = []

        def look(path: str) -> list[rotation.Generation]:
            found = rotation.generations(path)
            if after:
                after.pop(0)()
            return found

        monkeypatch.setattr(log_files_opener, "generations", look)
        return after

    def test_each_file_is_read_once_in_its_turn(self, log: Path, looks: list[Callable[[], object]]) -> None:
        log.write_bytes(line(0))

        def rotate(number: int) -> None:
            for age in (3, 2, 1):
                if (old := log.with_name(f"app.log.{age}")).exists():
                    old.rename(log.with_name(f"app.log.{age + 1}"))
            log.rename(f"{log}.1")
            log.write_bytes(line(number))

        def begin() -> None:
            rotate(1)
            rotate(2)
            looks.append(lambda: rotate(3))

        assert followed(log, script=[(1, begin)])[0] == [0, 1, 2, 3]

    def test_rotation_that_is_faster_than_every_look_loses_nothing(
        self, log: Path, looks: list[Callable[[], object]]
    ) -> None:
        log.write_bytes(line(0))
        numbers = iter(range(1, 100))

        def rotate() -> None:
            number = next(numbers)
            log.rename(log.with_name(f"app.log-202601{10 + number}"))
            log.write_bytes(line(number))

        def begin() -> None:
            rotate()
            looks.extend([rotate] * 12)

        handles = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        seen, _ = followed(log, script=[(1, begin)])
        assert seen == list(range(next(numbers)))
        assert not handles or len(os.listdir("/proc/self/fd")) == handles

    def test_a_file_that_is_put_back_under_its_name_is_not_read_twice(self, log: Path) -> None:
        log.write_bytes(line(0))

        def put_back() -> None:
            log.rename(log.with_name("new"))
            log.with_name("app.log.1").rename(log)

        script: list[Action] = [
            (1, rename(log, "app.log.1")),
            (1, append(log, line(1))),
            (2, put_back),
            (12, append(log, line(2))),
        ]
        assert followed(log, script=script)[0] == [0, 1, 2]

    def test_files_from_before_stay_unread_where_the_last_one_was_removed(self, log: Path) -> None:
        log.with_name("app.log.1").write_bytes(line(7))
        log.write_bytes(line(0))

        def replace() -> None:
            log.unlink()
            log.write_bytes(line(1))

        assert followed(log, script=[(1, replace)]) == ([0, 1], ["rotated"])
