"""Lines of containers whose parts are apart: in two runs, two files, and both."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from doubles.scripted_clock import ScriptedClock
from logs.test_containers import cri, docker
from ndstream import StreamError, TruncatedError, logs


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint"


def read(path: Path | str, place: Path, **options: Any) -> list[Any]:
    with logs.read(path, unwrap="cri", checkpoint=place, on_error="skip", **options) as stream:
        return [record.value for record in stream]


def append(path: Path, content: bytes) -> Callable[[], object]:
    def act() -> None:
        with path.open("ab") as file:
            file.write(content)

    return act


class TestRead:
    def test_a_line_that_was_begun_in_one_run_ends_in_the_next(self, tmp_path: Path, place: Path) -> None:
        log = tmp_path / "0.log"
        log.write_bytes(cri("1") + cri("[2,", "P") + cri("[3,", "P", "stderr"))
        assert read(log, place) == [1]
        append(log, cri("4]", stream="stderr") + cri("5", "P"))()
        assert read(log, place) == [[3, 4]]
        append(log, cri("]"))()
        assert read(log, place) == [[2, 5]]
        assert read(log, place) == []

    def test_it_is_an_error_each_time_that_it_has_not_ended(self, tmp_path: Path, place: Path) -> None:
        log = tmp_path / "0.log"
        log.write_bytes(cri("[1,", "P"))
        for _ in range(2):
            with logs.read(log, unwrap="cri", checkpoint=place) as stream:
                with pytest.raises(TruncatedError) as caught:
                    next(stream)
                assert (caught.value.reason, caught.value.frame) == ("unfinished", b"[1,")
                assert list(stream) == []

    def test_a_line_that_was_begun_before_a_rotation_ends_after_it(self, tmp_path: Path, place: Path) -> None:
        log, old = tmp_path / "0.log", tmp_path / "0.log.20260101-000059"
        log.write_bytes(cri("1") + cri("[2,", "P"))
        assert read(log, place) == [1]
        log.rename(old)
        log.write_bytes(cri("3]") + cri("4"))
        assert read(f"{tmp_path}/0.log*", place) == [[2, 3], 4]
        append(log, cri("5"))()
        Path(f"{old}.gz").write_bytes(gzip.compress(old.read_bytes()))
        old.unlink()
        assert read(f"{tmp_path}/0.log*", place) == [5]

    def test_what_is_unfinished_in_one_log_is_not_joined_with_another(self, tmp_path: Path, place: Path) -> None:
        for name in "ab":
            (tmp_path / f"{name}.log").write_bytes(cri(f'["{name}",', "P"))
        assert read(f"{tmp_path}/*.log", place) == []
        for name in "ba":
            append(tmp_path / f"{name}.log", cri('"end"]'))()
        assert read(f"{tmp_path}/*.log", place) == [["a", "end"], ["b", "end"]]

    def test_a_part_of_docker_may_end_in_the_middle_of_a_character(self, tmp_path: Path, place: Path) -> None:
        log = tmp_path / "log"
        first, second = (b'{"log":"%b","stream":"stdout","time":"t"}\n' % part for part in (b'\\"\xc3', b'\xa9\\"\\n'))
        for content, values in ((first, []), (second + docker("2\n"), ["é", 2])):
            append(log, content)()
            with logs.read(log, unwrap="docker", checkpoint=place, on_error="skip") as stream:
                assert [record.value for record in stream] == values

    @pytest.mark.parametrize("compress", [bytes, gzip.compress])
    def test_after_a_stop_at_any_record_all_come_once(
        self, compress: Callable[[bytes], bytes], tmp_path: Path, place: Path
    ) -> None:
        log = tmp_path / "log"
        chance = random.Random(3)
        waiting: dict[str, int] = {}
        content = b""
        for number in range(400):
            stream = chance.choice(["stdout", "stderr"])
            tag = chance.choice("PF")
            content += cri(f",{number}" if stream in waiting else f"[{number}", "P", stream)
            content += cri(",0", "P", stream) if tag == "P" else cri("]", "F", stream)
            waiting.pop(stream, None) if tag == "F" else waiting.update({stream: number})
        log.write_bytes(compress(content))
        expected = [record.value for record in logs.read(log, unwrap="cri", on_error="skip")]
        seen: list[Any] = []
        while True:
            # Nothing is saved while it runs, but at the end, as far as it was told.
            checkpoint = logs.Checkpoint(place, interval=float("inf"))
            wanted = chance.randrange(1, 20)
            with logs.read(log, unwrap="cri", checkpoint=checkpoint, on_error="skip") as records:
                taken = [record.value for record in islice(records, wanted)]
                if len(taken) == wanted:
                    records.commit()
            seen += taken
            if len(taken) < wanted:
                break
        assert seen == expected
        assert len(expected) > 100

    def test_an_over_long_line_in_parts_takes_no_memory_and_has_no_digest(self, tmp_path: Path, place: Path) -> None:
        log, bad = tmp_path / "log", tmp_path / "bad"
        log.write_bytes(cri("[1,", "P") + cri("x" * 90, "P") * 100)
        options: Any = {"unwrap": "cri", "checkpoint": place, "dead_letters": bad, "max_frame_size": 100}
        assert list(logs.read(log, **options)) == []
        [saved] = orjson.loads(place.read_bytes())["files"]
        assert len(saved["unfinished"][0]["text_base64"]) < 140
        append(log, cri("]") + cri("2"))()
        assert [record.value for record in logs.read(log, **options)] == [2]
        *_, letter = (logs.DeadLetter.from_json(line) for line in bad.read_bytes().splitlines())
        assert (letter.reason, letter.cut, letter.length, letter.sha256) == ("too_large", True, None, None)

    def test_an_over_long_line_that_is_followed_has_no_digest_of_its_envelope(self, tmp_path: Path) -> None:
        log, bad = tmp_path / "log", tmp_path / "bad"
        log.write_bytes(cri("[" * 200) + cri("[" * 90, "P") + cri("[" * 90) + cri("1"))
        options: Any = {"unwrap": "cri", "dead_letters": bad, "max_frame_size": 100}
        with logs.follow(log, clock=ScriptedClock(), stop_after_idle=1, **options) as stream:
            assert [record.value for record in stream] == [1]
        letters = [logs.DeadLetter.from_json(line) for line in bad.read_bytes().splitlines()]
        assert [(letter.cut, letter.length, letter.sha256) for letter in letters] == [(True, None, None)] * 2


class TestFollow:
    def followed(self, *paths: Path | str, script: Any = (), idle: float = 30, **options: Any) -> list[Any]:
        options = {"unwrap": "cri", "clock": ScriptedClock(*script), "stop_after_idle": idle, **options}
        with logs.follow(*paths, **options) as stream:
            return [record.value for record in stream]

    def test_records_come_with_their_envelopes(self, tmp_path: Path) -> None:
        log = tmp_path / "0.log"
        log.write_bytes(cri("1"))
        with logs.follow(log, unwrap="cri", clock=ScriptedClock(), stop_after_idle=1) as stream:
            [record] = stream
        assert (record.value, record.stream) == (1, "stdout")

    def test_parts_are_joined_as_they_come_and_across_a_rotation(self, tmp_path: Path) -> None:
        log = tmp_path / "0.log"
        log.write_bytes(cri("[1,", "P"))
        script = [
            (1, append(log, cri("2", "P") + cri("9", stream="stderr"))),
            (2, lambda: log.rename(tmp_path / "0.log.1")),
            (2, append(log, cri(",3", "P"))),
            (60, append(log, cri("]") + cri("4"))),
        ]
        assert self.followed(log, script=script, idle=90) == [9, [1, 2, 3], 4]

    def test_each_log_has_parts_of_its_own(self, tmp_path: Path) -> None:
        a, b = tmp_path / "a.log", tmp_path / "b.log"
        script = [
            (0.5, append(a, cri('["a",', "P"))),
            (1, append(b, cri('["b",', "P"))),
            (2, append(a, cri("1]"))),
            (3, append(b, cri("2]"))),
        ]
        assert self.followed(a, b, script=script) == [["a", 1], ["b", 2]]

    def test_the_next_run_ends_a_line_that_was_begun(self, tmp_path: Path, place: Path) -> None:
        log = tmp_path / "0.log"
        log.write_bytes(cri("1") + cri("[2,", "P"))
        assert self.followed(log, checkpoint=place) == [1]
        log.rename(tmp_path / "0.log.1")
        log.write_bytes(cri("3]") + cri("[4,", "P"))
        assert self.followed(log, checkpoint=place) == [[2, 3]]
        append(log, cri("5]"))()
        assert self.followed(log, checkpoint=place) == [[4, 5]]

    def test_a_line_whose_log_is_gone_is_an_error(self, tmp_path: Path) -> None:
        log = tmp_path / "0.log"
        log.write_bytes(cri("[1,", "P"))
        errors: list[StreamError] = []
        script = [(1, log.unlink)]
        assert self.followed(log, script=script, on_error=errors.append) == []
        assert [(error.reason, error.frame) for error in errors] == [("unfinished", b"[1,")]

    def test_after_a_stop_at_any_record_all_come_once(self, tmp_path: Path, place: Path) -> None:
        log = tmp_path / "0.log"
        content = b"".join(cri(f"[{i},", "P") + cri("0", "P") + cri("]") for i in range(300))
        log.write_bytes(content)
        seen: list[int] = []
        while len(seen) < 300:
            checkpoint = logs.Checkpoint(place, interval=float("inf"))
            options: Any = {"unwrap": "cri", "checkpoint": checkpoint, "clock": ScriptedClock(), "stop_after_idle": 1}
            with logs.follow(log, **options) as stream:
                taken = [record.value[0] for record in islice(stream, random.randrange(1, 30))]
                seen += taken
                if len(seen) < 300:
                    stream.commit()
        assert seen == list(range(300))


def test_bad_unfinished_lines_in_a_checkpoint_are_damage(tmp_path: Path, place: Path) -> None:
    log = tmp_path / "0.log"
    log.write_bytes(cri("[1,", "P"))
    read(log, place)
    saved = orjson.loads(place.read_bytes())
    saved["files"][0]["unfinished"][0]["text_base64"] = "?"
    place.write_bytes(orjson.dumps(saved))
    with pytest.raises(logs.CheckpointError) as caught:
        logs.read(log, unwrap="cri", checkpoint=place)
    assert caught.value.reason == "damaged"
    assert os.path.exists(place)
