"""Lines that are copied in ranges: what comes out is what writing value by value gives, however the content is cut."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest

from inputs.cuts import cuts
from ndstream import NDJSONDecoder, StreamError
from ndstream._cli.good_lines import GoodLines
from ndstream._cli.selection import line_of


class Copied:
    """What was copied and written, and the offsets of what was copied."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.output = b""
        self.ranges: list[tuple[int, int]] = []

    def copy(self, start: int, stop: int, pieces: Sequence[bytes | memoryview]) -> None:
        assert b"".join(pieces) == self.content[start:stop]
        self.ranges.append((start, stop))
        self.output += self.content[start:stop]

    def write(self, data: bytes) -> None:
        self.output += data


def copied(content: bytes, chunks: Sequence[bytes], limit: int | None = None) -> tuple[Copied, list[tuple[int, str]]]:
    target = Copied(content)
    errors: list[tuple[int, str]] = []

    def note(error: StreamError) -> None:
        errors.append((error.offset, error.reason))

    decoder = NDJSONDecoder(loads=orjson.loads, max_frame_size=limit, done="[DONE]")
    lines = GoodLines(decoder, target, note)
    for chunk in chunks:
        lines.feed(chunk)
    lines.finish()
    return target, errors


def one_by_one(content: bytes, limit: int | None = None) -> tuple[bytes, list[tuple[int, str]]]:
    errors: list[tuple[int, str]] = []

    def note(error: StreamError) -> None:
        errors.append((error.offset, error.reason))

    decoder = NDJSONDecoder(loads=line_of, max_frame_size=limit, done="[DONE]", on_error=note)
    output = b"".join(decoder.feed(content)) + b"".join(decoder.finish())
    return output, errors


@pytest.mark.parametrize(
    ("content", "limit"),
    [
        (b"1\n2\n3", None),
        (b"1\r\n2\r\n", None),
        (b"\n \n1\n\t\n\n2\n \n", None),
        (b"1\n  ", None),
        (b'[1,\r 2]\n"a  b"\r', None),
        (b'{\r  "n": 1.10,\r\r  "s": "a  b"\r}\r\n 5 \r\n', None),
        (b"\xef\xbb\xbf1\n2\n", None),
        (b"\xef\xbb\xbf", None),
        (b"1\n[DONE]\n", None),
        (b"[DONE]", None),
        (b"1\nx\n\xff\n2\ny", None),
        (b"x\n1\r\ny\r\n2\n\n\0\0\n3", None),
        (b"1\n\0\0\0", None),
        (b"\0\0\0{}\n1\n", None),
        (b"1 \n 2\n", None),
        (b"1\n" + b"7" * 40 + b"\n2\n" + b"8" * 40, 10),
        (b"7" * 40 + b"\n\n" + b"8" * 40 + b"\n3\n", 10),
        (b"", None),
    ],
)
def test_every_cut_gives_what_writing_value_by_value_gives(content: bytes, limit: int | None) -> None:
    for cut in cuts(content):
        target, errors = copied(content, cut.chunks, limit)
        assert (target.output, errors) == one_by_one(content, limit), cut.name


def test_good_lines_are_copied_and_not_written_anew() -> None:
    content = b"".join(b'{"number":%d}\n' % number for number in range(1000))
    target, _ = copied(content, [content])
    assert target.ranges == [(0, len(content))]


def test_only_what_is_around_a_bad_line_is_not_in_the_range() -> None:
    target, errors = copied(b"1\n2\nx\n3\n4\n", [b"1\n2\nx\n3\n4\n"])
    assert target.ranges == [(0, 4), (6, 10)]
    assert errors == [(4, "invalid_json")]


def test_an_over_long_line_is_not_kept() -> None:
    target = Copied(b"")
    lines = GoodLines(NDJSONDecoder(loads=orjson.loads, max_frame_size=10), target, lambda error: None)
    for _ in range(100):
        lines.feed(b"x" * 1000)
        assert sum(map(len, lines._pieces)) <= 1000
