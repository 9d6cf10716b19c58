"""Envelopes of Docker and CRI: parts are joined for each stream, across files, as bytes, and decoded then."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from inputs.cuts import cuts, kind_of
from logs.archives import GZIP, Blocks
from ndstream import DecodeError, FrameTooLargeError, StreamError, TruncatedError, logs
from ndstream.logs import Envelope, Record

TIME = "2026-01-01T00:00:59.480951123Z"


def docker(log: str, stream: str = "stdout", time: str = TIME) -> bytes:
    return json.dumps({"log": log, "stream": stream, "time": time}).encode() + b"\n"


def cri(text: str, tag: str = "F", stream: str = "stdout", time: str = TIME) -> bytes:
    return f"{time} {stream} {tag} {text}\n".encode()


def unwrapped(container: Any, data: Any, **options: Any) -> tuple[list[Any], list[StreamError]]:
    errors: list[StreamError] = []
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    values = list(logs.read(source, unwrap=container, on_error=errors.append, **options))
    return values, errors


def test_a_line_of_docker_is_its_value_with_the_envelope() -> None:
    values, errors = unwrapped("docker", docker('{"a":1}\n') + docker("2\n", "stderr", "later"))
    assert values == [Record({"a": 1}, TIME, "stdout"), Record(2, "later", "stderr")]
    assert errors == []


def test_a_line_of_cri_is_its_value_with_the_envelope() -> None:
    values, errors = unwrapped("cri", cri('{"a": 1}') + cri("2", stream="stderr"))
    assert values == [Record({"a": 1}, TIME, "stdout"), Record(2, TIME, "stderr")]
    assert errors == []


def test_c1_parts_are_joined_for_each_stream() -> None:
    data = cri('{"a":', "P", time="2026-01-01T00:00:01Z") + cri('{"b":2}', stream="stderr") + cri("1}")
    values, errors = unwrapped("cri", data)
    assert values == [Record({"b": 2}, TIME, "stderr"), Record({"a": 1}, "2026-01-01T00:00:01Z", "stdout")]
    assert errors == []


def test_c1_parts_of_docker_are_joined_until_a_line_feed() -> None:
    data = docker('{"a":') + docker("x\n", "stderr") + docker("[1,") + docker("2]}\n")
    values, [error] = unwrapped("docker", data)
    assert values == [Record({"a": [1, 2]}, TIME, "stdout")]
    assert (error.frame, error.line) == (b"x", 2)


def test_c2_parts_are_joined_across_the_generations_of_one_log(tmp_path: Path) -> None:
    (tmp_path / "0.log.20260101-000059.gz").write_bytes(GZIP.make(cri("1") + cri('{"a":', "P")))
    (tmp_path / "0.log").write_bytes(cri("2}") + cri("3"))
    values, errors = unwrapped("cri", f"{tmp_path}/0.log*")
    assert [record.value for record in values] == [1, {"a": 2}, 3]
    assert errors == []


def test_a_text_of_which_each_byte_is_an_escape_may_be_as_long_as_any_other() -> None:
    text = b'"' + b"a" * 200_000 + b'"'
    escaped = b"".join(b"\\u%04x" % byte for byte in text)
    line = b'{"log":"%b\\n","stream":"stdout","time":"%b"}\n' % (escaped, TIME.encode())
    for size, count in ((len(text), 1), (len(text) - 1, 0)):
        values, errors = unwrapped("docker", line, max_frame_size=size)
        assert (len(values), len(errors)) == (count, 1 - count)


def test_c2_parts_of_different_logs_are_not_joined(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(cri('{"a":', "P"))
    (tmp_path / "b.log").write_bytes(cri("2}") + cri("3"))
    values, errors = unwrapped("cri", f"{tmp_path}/*.log")
    assert [record.value for record in values] == [3]
    assert [(kind_of(error), error.reason, error.frame) for error in errors] == [
        ("TruncatedError", "unfinished", b'{"a":'),
        ("DecodeError", "invalid_json", b"2}"),
    ]


@pytest.mark.parametrize("container", ["docker", "cri"])
def test_c2_what_is_unfinished_at_the_end_is_an_error_for_each_stream(container: Any) -> None:
    if container == "cri":
        data = cri("1") + cri("[1,", "P") + cri("[2,", "P", "stderr") + cri("3]", "P", "stderr")
    else:
        data = docker("1\n") + docker("[1,") + docker("[2,", "stderr") + docker("3]", "stderr")
    offsets = [match.start() for match in re.finditer(rb"(?m)^.", data)]
    values, errors = unwrapped(container, data)
    assert [record.value for record in values] == [1]
    assert [(error.reason, error.frame, error.line, error.offset) for error in errors] == [
        ("unfinished", b"[1,", 2, offsets[1]),
        ("unfinished", b"[2,3]", 3, offsets[2]),
    ]
    assert [error.envelope for error in errors] == [Envelope(TIME, "stdout"), Envelope(TIME, "stderr")]  # type: ignore[attr-defined]


def test_c3_a_last_part_alone_is_a_message_and_more_tags_and_other_zones_are_taken() -> None:
    data = (
        cri("1", "F:x") + cri("2", time="2026-01-01T02:00:00+02:00") + cri("", "F") + b"%s stdout F\n" % TIME.encode()
    )
    values, errors = unwrapped("cri", data)
    assert values == [Record(1, TIME, "stdout"), Record(2, "2026-01-01T02:00:00+02:00", "stdout")]
    assert errors == []


@pytest.mark.parametrize("place", range(1, 30))
def test_c4_a_part_may_end_in_the_middle_of_a_character_or_of_an_escape(place: int) -> None:
    text = '{"a":"größe \\n \\u20ac 流 \U0001f600"}'.encode()
    head, tail = text[:place], text[place:]
    raw = [
        b'{"log":"%s","stream":"stdout","time":"t"}\n' % part.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        for part in (head, tail + b"\n")
    ]
    raw[1] = raw[1].replace(b'\n",', b'\\n",', 1)
    values, errors = unwrapped("docker", b"".join(raw))
    assert (values, errors) == ([Record(json.loads(text), "t", "stdout")], [])
    lines = [b"%s stdout P %s\n" % (TIME.encode(), head), b"%s stdout F %s\n" % (TIME.encode(), tail)]
    values, errors = unwrapped("cri", b"".join(lines))
    assert (values, errors) == ([Record(json.loads(text), TIME, "stdout")], [])


def test_c4_text_that_is_no_json_or_two_texts_is_an_error_with_the_envelope() -> None:
    data = docker("plain words\n", "stderr") + docker("1 2\n") + docker("3\n")
    values, errors = unwrapped("docker", data)
    assert [record.value for record in values] == [3]
    assert [(error.frame, error.line, error.reason) for error in errors] == [
        (b"plain words", 1, "invalid_json"),
        (b"1 2", 2, "invalid_json"),
    ]
    assert errors[0].envelope == Envelope(TIME, "stderr")  # type: ignore[attr-defined]


def test_an_error_is_raised_with_its_envelope_and_the_iteration_goes_on() -> None:
    stream = logs.read(io.BytesIO(docker("x\n") + docker("1\n")), unwrap="docker")
    with pytest.raises(DecodeError) as caught:
        next(stream)
    assert caught.value.envelope == Envelope(TIME, "stdout")  # type: ignore[attr-defined]
    assert [record.value for record in stream] == [1]
    assert (stream.report.values, stream.report.bad) == (1, 1)


@pytest.mark.parametrize(
    ("container", "line"),
    [
        ("docker", b"plain\n"),
        ("docker", b'{"message":"x"}\n'),
        ("docker", b"[1]\n"),
        ("docker", b'{"log":1}\n'),
        ("cri", b"plain\n"),
        ("cri", b'{"log":"1\\n","stream":"stdout","time":"t"}\n'),
        ("cri", b"2026-01-01T00:00:00Z stdin F 1\n"),
        ("cri", b"2026-01-01T00:00:00Z stdout X 1\n"),
    ],
)
def test_a_line_without_an_envelope_is_an_error_that_says_what_was_expected(container: Any, line: bytes) -> None:
    good = docker("1\n") if container == "docker" else cri("1")
    values, errors = unwrapped(container, good + line + good)
    assert [record.value for record in values] == [1, 1]
    [error] = errors
    assert (error.reason, error.offset, error.line, error.frame) == ("invalid_envelope", len(good), 2, line[:-1])
    assert "unwrap=" in str(error)


def test_a_line_of_the_runtime_that_was_cut_is_truncated() -> None:
    values, [error] = unwrapped("docker", docker("1\n") + b'{"log":"2')
    assert [record.value for record in values] == [1]
    assert isinstance(error, TruncatedError)


def test_a_text_of_cri_that_was_cut_is_truncated_and_no_bad_line() -> None:
    for before, part in ((b"", cri('{"a":1}')), (cri('{"a"', "P"), cri(":1}"))):
        values, [error] = unwrapped("cri", cri("1") + before + part[:-3])
        assert [record.value for record in values] == [1]
        assert isinstance(error, TruncatedError)
        assert (error.reason, error.offset, error.line) == ("unfinished", len(cri("1")), 2)
        assert hasattr(error, "envelope")
    values, errors = unwrapped("cri", cri("1") + cri("2")[:-1])
    assert ([record.value for record in values], errors) == ([1, 2], [])
    _, [error] = unwrapped("docker", docker("x\n")[:-1])
    assert error.reason == "invalid_json"


def test_a_message_past_the_limit_is_one_error_however_many_parts_it_has_and_memory_stays_bounded() -> None:
    part = docker("x" * 1000)
    values, errors = unwrapped("docker", part * 5000 + docker("y\n") + docker("1\n"), max_frame_size=2000)
    assert [record.value for record in values] == [1]
    [error] = errors
    assert isinstance(error, FrameTooLargeError)
    assert (error.line, error.limit, error.offset) == (1, 2000, 0)


@pytest.mark.parametrize("container", ["docker", "cri"])
def test_the_cut_of_the_bytes_changes_nothing(container: Any) -> None:
    make: Any = docker if container == "docker" else cri
    if container == "docker":
        data = make("[1,") + b"\r\n" + make("2\n", "stderr") + make("ä]\n") + make("{}\n")
    else:
        data = make("[1,", "P") + b"\r\n" + make("2", stream="stderr") + make("ä]") + make("{}")
    expected, failed = unwrapped(container, data)
    assert [record.value for record in expected] == [2, {}]
    for cut in cuts(data, two_way_most=400):
        values, errors = unwrapped(container, Blocks(cut.chunks))
        assert values == expected, cut.name
        assert [vars(error) for error in errors] == [vars(error) for error in failed], cut.name


def test_selection_and_fields_go_by_the_text_that_was_unwrapped() -> None:
    data = b"".join(docker(f'{{"level":"{"info" if n % 5 else "error"}","n":{n}}}\n') for n in range(50))
    values, errors = unwrapped("docker", data, contains='"level":"error"', fields={"n": ("n", int)})
    assert [record.value.n for record in values] == list(range(0, 50, 5))
    assert errors == []
    sampled, _ = unwrapped("docker", data, sample=0.3)
    assert 5 < len(sampled) < 30


def test_a_carriage_return_at_the_end_of_a_part_is_text(tmp_path: Path) -> None:
    """Without it the number 11 would come out, which nobody wrote."""
    part = b"2026-01-01T00:00:59Z stdout %s %s\n"
    path = tmp_path / "0.log"
    path.write_bytes(part % (b"P", b"1\r") + b"\n" + part % (b"P", b"\r") + part % (b"F", b"1") + part % (b"F", b"2\r"))
    errors: list[StreamError] = []
    for chunks in (path, io.BytesIO(path.read_bytes())):
        assert [record.value for record in logs.read(chunks, unwrap="cri", on_error=errors.append)] == [2]
    assert [(error.reason, error.frame, error.offset) for error in errors] == [("invalid_json", b"1\r\r1", 0)] * 2


def test_the_offset_of_a_text_is_that_of_its_line_whatever_precedes_it(tmp_path: Path) -> None:
    part = b"2026-01-01T00:00:59Z stdout F %s"
    path = tmp_path / "0.log"
    lines = [b"\n", b"  \r\n", part % b"1\r\n", part % b"x\n", b"\n", part % b"y\r\n", part % b"z"]
    path.write_bytes(b"".join(lines))
    errors: list[StreamError] = []
    assert [record.value for record in logs.read(path, unwrap="cri", on_error=errors.append)] == [1]
    assert [error.offset for error in errors] == [sum(map(len, lines[:number])) for number in (3, 5, 6)]


def test_a_message_without_a_limit_may_have_any_number_of_parts() -> None:
    parts = [cri("[" + "1" * 100_000, "P"), *(cri("2" * 100_000, "P") for _ in range(9)), cri("]")]
    values, errors = unwrapped("cri", b"".join(parts), max_frame_size=None, loads=len)
    assert ([record.value for record in values], errors) == ([1_000_002], [])
