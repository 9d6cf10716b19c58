"""A decoder that starts in the middle of a stream tells the offsets and lines of the whole stream."""

from __future__ import annotations

import pytest

from inputs.cuts import cuts, outcomes
from ndstream import DecodeError, NDJSONDecoder, TruncatedError

STREAM = b'\xef\xbb\xbf1\n\n{"a":2}\r\nx\n\xef\xbb\xbf3\n' + b"[" * 40 + b'\n"\xff"\n6\n{"half'


def resumed(offset: int, line: int) -> NDJSONDecoder[object]:
    decoder = NDJSONDecoder[object](max_frame_size=30)
    decoder.reset(offset=offset, line=line)
    return decoder


@pytest.mark.parametrize("line", range(STREAM.count(b"\n") + 1))
def test_what_follows_a_line_end_is_told_as_in_the_whole_stream(line: int) -> None:
    offset = sum(map(len, STREAM.splitlines(keepends=True)[:line]))
    whole = outcomes(lambda: NDJSONDecoder(max_frame_size=30), [STREAM])
    expected = [
        (each.value, each.error, each.progress.offset, each.line)
        for each in whole
        if (each.error.offset if each.error else each.progress.offset - 1) >= offset
    ]
    assert len(expected) > 0
    for cut in cuts(STREAM[offset:]):
        seen = outcomes(lambda: resumed(offset, line), cut.chunks)
        assert [(each.value, each.error, each.progress.offset, each.line) for each in seen] == expected, cut.name


def test_the_words_of_an_error_name_the_place_in_the_whole_stream() -> None:
    decoder = resumed(1000, 10)
    with pytest.raises(DecodeError, match=r"byte 1002 \(line 12\)"):
        list(decoder.feed(b"1\nx\n")), list(decoder)
    decoder.reset(offset=7, line=3)
    with pytest.raises(TruncatedError, match=r"byte 7 \(line 4\)"):
        list(decoder.feed(b"{").finish())


def test_counts_start_over() -> None:
    decoder = resumed(0, 0)
    list(decoder.feed(b"1\n2\n"))
    decoder.reset(offset=4, line=2)
    assert (decoder.frames, decoder.errors, decoder.offset, decoder.line) == (0, 0, 4, 2)
    decoder.reset()
    assert (decoder.offset, decoder.line) == (0, 0)


def test_a_place_that_cannot_be_is_refused_and_nothing_is_forgotten() -> None:
    decoder = resumed(0, 0).feed(b"1\n")
    with pytest.raises(ValueError, match="negative"):
        decoder.reset(offset=-1)
    with pytest.raises(ValueError, match="negative"):
        decoder.reset(line=-1)
    with pytest.raises(TypeError):
        decoder.reset(offset="0")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        decoder.reset(offset=2**63)
    assert list(decoder) == [1]
