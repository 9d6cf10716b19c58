"""Every limit just below, at and just above; bounded memory without end; and options that are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import ndstream
from inputs.strategies import CONCATENATED, FRAMINGS, JSONSEQ, NDJSON, SSE, Framing

LIMIT = 20
SSE_SLACK = 65536
every_framing = pytest.mark.parametrize("framing", FRAMINGS, ids=repr)


def text(size: int) -> bytes:
    """A JSON string of so many bytes."""
    return b'"' + b"x" * (size - 2) + b'"'


def outcomes(decoder: Any, data: bytes, size: int) -> list[Any]:
    """Values, and for each error its reason; then the end of the stream."""
    found: list[Any] = []
    for chunk in [*(data[begin : begin + size] for begin in range(0, len(data), size)), None]:
        source = decoder.finish() if chunk is None else decoder.feed(chunk)
        while True:
            try:
                found.append(next(source))
            except StopIteration:
                break
            except ndstream.StreamError as error:
                found.append(error)
    return found


def said(found: list[Any]) -> list[Any]:
    return [one.reason if isinstance(one, ndstream.StreamError) else one for one in found]


ENDS = {
    "lf": (NDJSON, b"%s\n"),
    "crlf": (NDJSON, b"%s\r\n"),
    "unterminated": (NDJSON, b"%s"),
    "unterminated_cr": (NDJSON, b"%s\r"),
    "sse": (SSE, b"data: %s\n\n"),
    "sse_no_space": (SSE, b"data:%s\n\n"),
    "sse_crlf": (SSE, b"data: %s\r\n\r\n"),
    "sse_cr": (SSE, b"data: %s\r\r"),
    "sse_with_other_fields": (SSE, b"id: 123456789\nevent: a long one\n: note\ndata: %s\nretry: 1\n\n"),
    "element_lf": (JSONSEQ, b"\x1e%s\n"),
    "element_crlf": (JSONSEQ, b"\x1e%s\r\n"),
    "element_rs": (JSONSEQ, b"\x1e%s\x1e"),
    "element_unterminated": (JSONSEQ, b"\x1e%s"),
    "value": (CONCATENATED, b"%s"),
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 2**20])
@pytest.mark.parametrize(("framing", "form"), ENDS.values(), ids=ENDS)
def test_a_frame_of_the_limit_passes_and_one_more_byte_does_not(framing: Framing, form: bytes, size: int) -> None:
    for length in (LIMIT - 1, LIMIT, LIMIT + 1):
        data = form % text(length)
        found = outcomes(framing.values(max_frame_size=LIMIT), data, size)
        assert said(found) == (["x" * (length - 2)] if length <= LIMIT else ["too_large"])


@pytest.mark.parametrize("size", [1000, 2**20])
def test_the_fields_of_an_event_without_its_data_may_have_64_kib_more(size: int) -> None:
    for more in (0, 1):
        decoder = ndstream.SSEDecoder(max_frame_size=LIMIT, on_error="skip")
        data = b"event: ".ljust(LIMIT + 64 * 1024 + more, b"x")
        for begin in range(0, len(data), size):
            assert list(decoder.feed(data[begin : begin + size])) == []
        assert decoder.errors == more


@pytest.mark.parametrize("size", [1, 2, 3, 7, 2**20])
@pytest.mark.parametrize("form", [form for form in ENDS if "unterminated" not in form])
def test_the_error_tells_all_and_the_next_frame_is_whole(form: str, size: int) -> None:
    framing, wrapped = ENDS[form]
    good, bad = wrapped % b"1 ", wrapped % text(LIMIT + 1)
    found = outcomes(framing.values(max_frame_size=LIMIT), good + bad + good, size)
    assert said(found) == [1, "too_large", 1]
    error = found[1]
    assert isinstance(error, ndstream.FrameTooLargeError)
    assert (error.limit, error.option) == (LIMIT, "max_frame_size")
    assert "max_frame_size" in str(error)
    assert str(LIMIT) in str(error)
    assert error.offset == len(good)
    assert error.frame
    assert bad[framing is JSONSEQ :].startswith(error.frame)
    assert error.line == (1 + len(good.splitlines()) if framing in (NDJSON, SSE) else None)


@pytest.mark.parametrize("size", [1, 100, 2**20])
@every_framing
def test_the_preview_is_the_first_256_bytes_of_the_frame(framing: Framing, size: int) -> None:
    long = b'"' + bytes(range(0x30, 0x58)) * 20 + b'"'
    (error,) = outcomes(framing.values(max_frame_size=300), framing.wrap(long), size)
    assert error.frame == (b"data: " + long if framing is SSE else long)[:256]


@pytest.mark.parametrize("size", [1, 3, 2**20])
@pytest.mark.parametrize("framing", [NDJSON, JSONSEQ], ids=repr)
def test_the_preview_never_shows_bytes_of_another_frame(framing: Framing, size: int) -> None:
    data = framing.wrap(text(LIMIT + 1)) + framing.wrap(b"1")
    (error, value) = outcomes(framing.values(max_frame_size=LIMIT), data, size)
    assert value == 1
    assert text(LIMIT + 1).startswith(error.frame)
    assert len(error.frame) >= LIMIT


@pytest.mark.parametrize("size", [1, 2, 5, 2**20])
def test_a_cr_at_the_limit_is_not_counted_until_it_proves_to_be_data(size: int) -> None:
    cases = {
        b"%s\r\n1\n": ["x" * (LIMIT - 2), 1],
        b"%s\r\r\n1\n": ["too_large", 1],
        b"%s\r \n1\n": ["too_large", 1],
        b"%s\r": ["x" * (LIMIT - 2)],
        b"%s\r\r": ["too_large"],
    }
    for form, expected in cases.items():
        found = outcomes(ndstream.NDJSONDecoder(max_frame_size=LIMIT), form % text(LIMIT), size)
        assert said(found) == expected, form


@pytest.mark.parametrize("size", [1, 2, 5, 2**20])
def test_a_cr_at_the_limit_of_an_element_is_data_unless_a_lf_follows(size: int) -> None:
    cases = {
        b"\x1e%s\r\n": ["x" * (LIMIT - 2)],
        b"\x1e%s\r": ["too_large"],
        b"\x1e%s\r\x1e1\n": ["too_large", 1],
    }
    for form, expected in cases.items():
        found = outcomes(ndstream.JSONSeqDecoder(max_frame_size=LIMIT), form % text(LIMIT), size)
        assert said(found) == expected, form


@pytest.mark.parametrize("size", [1, 2, 5, 2**20])
def test_the_lines_of_an_event_count_with_their_joints(size: int) -> None:
    for last, expected in ((b"y" * 9, "x" * 10 + "\n" + "y" * 9), (b"y" * 10, "too_large")):
        data = b"data: " + b"x" * 10 + b"\ndata: " + last + b"\n\n"
        decoder = ndstream.SSEDecoder(max_frame_size=LIMIT)
        found = [getattr(one, "data", one) for one in outcomes(decoder, data, size)]
        assert said(found) == [expected]
    # Empty data lines are one byte each: the LF that joins them.
    for lines, expected in ((LIMIT + 1, "\n" * LIMIT), (LIMIT + 2, "too_large")):
        decoder = ndstream.SSEDecoder(max_frame_size=LIMIT)
        found = [getattr(one, "data", one) for one in outcomes(decoder, b"data\n" * lines + b"\n", size)]
        assert said(found) == [expected]


SSE_BLOCKS: dict[str, Callable[[int], bytes]] = {
    # So many bytes up to the end of the last line's content.
    "comment_in_the_block": lambda size: b"data: 1\n:" + b"c" * (size - 9),
    "unknown_field": lambda size: b"u" * size,
    "long_id": lambda size: b"id: " + b"i" * (size - 4),
    "tiny_fields": lambda size: b"a\n" * ((size - 3) // 2) + b"a" * (size - 2 * ((size - 3) // 2)),
}


@pytest.mark.parametrize("size", [1000, 2**20])
@pytest.mark.parametrize("block", SSE_BLOCKS.values(), ids=SSE_BLOCKS)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=repr)
def test_a_block_may_hold_64_kib_beside_its_data_and_not_a_byte_more(
    block: Callable[[int], bytes], size: int, newline: bytes
) -> None:
    for length, trips in ((-1, False), (0, False), (1, True)):
        data = block(LIMIT + SSE_SLACK + length - len(newline)) + newline
        assert len(data) == LIMIT + SSE_SLACK + length
        decoder = ndstream.SSEDecoder(max_frame_size=LIMIT)
        found = outcomes(decoder, data + newline + b"data: 2\n\n", size)
        assert found[-1].data == "2"
        assert said(found).count("too_large") == trips


@pytest.mark.parametrize("size", [1000, 2**20])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=repr)
def test_a_comment_between_blocks_may_hold_64_kib_and_not_a_byte_more(size: int, newline: bytes) -> None:
    for length, trips in ((-1, False), (0, False), (1, True)):
        data = b":" + b"c" * (LIMIT + SSE_SLACK + length - 1) + newline * 2 + b"data: 2\n\n"
        found = outcomes(ndstream.SSEDecoder(max_frame_size=LIMIT), data, size)
        assert found[-1].data == "2"
        assert said(found).count("too_large") == trips


@pytest.mark.parametrize("size", [1000, 2**20])
def test_an_over_long_block_that_never_ends_is_one_error_and_no_second(size: int) -> None:
    for block in SSE_BLOCKS.values():
        found = outcomes(ndstream.SSEDecoder(max_frame_size=LIMIT), block(LIMIT + SSE_SLACK + 1), size)
        assert said(found) == ["too_large"]


@every_framing
def test_the_limit_trips_before_the_frame_ends(framing: Framing) -> None:
    decoder = framing.values(max_frame_size=LIMIT)
    decoder.feed(framing.wrap(text(LIMIT + 1 + SSE_SLACK * (framing is SSE)))[: LIMIT + SSE_SLACK + 8])
    with pytest.raises(ndstream.FrameTooLargeError):
        next(decoder)


@every_framing
def test_none_means_no_limit(framing: Framing) -> None:
    size = 17 * 1024 * 1024
    data = framing.wrap(text(size))
    (error,) = outcomes(framing.values(loads=len), data, 2**20)
    assert error.limit == 16 * 1024 * 1024
    assert outcomes(framing.values(loads=len, max_frame_size=None), data, 2**20) == [size]


@every_framing
def test_a_huge_limit_is_as_good_as_none(framing: Framing) -> None:
    for limit in (2**31, 2**63 - 1, 2**64, 10**30):
        assert outcomes(framing.values(max_frame_size=limit), framing.wrap(b"1"), 3) == [1]


@every_framing
def test_a_limit_of_one_byte_works(framing: Framing) -> None:
    data = framing.wrap(b"1") + framing.wrap(b"22") + framing.wrap(b"3")
    for size in (1, 2, 2**20):
        assert said(outcomes(framing.values(max_frame_size=1), data, size)) == [1, "too_large", 3]


ENDLESS = {
    "line": (NDJSON, b"", b"x" * 65536, {}),
    "line_of_spaces": (NDJSON, b"", b" " * 65536, {}),
    "line_of_cr": (NDJSON, b"", b"\r" * 65536, {}),
    "line_without_needle": (NDJSON, b"", b"x" * 65536, {"contains": b"needle"}),
    "data": (SSE, b"data: ", b"x" * 65536, {}),
    "data_lines": (SSE, b"", b"data: x\n" * 8192, {}),
    "fields": (SSE, b"", b"field\n" * 10000, {}),
    "comments_in_a_block": (SSE, b"event: a\n", b": c\n" * 16384, {}),
    "comment": (SSE, b":", b"c" * 65536, {}),
    "ids": (SSE, b"", b"id: 1\n" * 10000, {}),
    "element": (JSONSEQ, b"\x1e", b"x" * 65536, {}),
    "string": (JSONSEQ, b'\x1e"', b"\n" * 65536, {}),
    "brackets": (JSONSEQ, b"\x1e", b"[" * 65536, {}),
    "spaces": (JSONSEQ, b"\x1e", b" " * 65536, {}),
    "stray": (JSONSEQ, b"", b"x" * 65536, {}),
    "object": (CONCATENATED, b"{", b'"a":1,' * 9000, {}),
    "open_string": (CONCATENATED, b'"', b"\n" * 65536, {}),
    "open_brackets": (CONCATENATED, b"", b"[{" * 32768, {}),
    "number": (CONCATENATED, b"", b"1" * 65536, {}),
    "stray_text": (CONCATENATED, b"", b"x " * 32768, {}),
    "item": (CONCATENATED, b"[{", b'"a":1,' * 9000, {"items": True}),
    "stray_item": (CONCATENATED, b"[", b"x " * 32768, {"items": True}),
}


@pytest.mark.parametrize(("framing", "begin", "chunk", "options"), ENDLESS.values(), ids=ENDLESS)
def test_a_frame_without_end_is_one_error_and_bounded_memory(
    framing: Framing, begin: bytes, chunk: bytes, options: dict[str, Any]
) -> None:
    limit = 300_000
    decoder = framing.decoder(max_frame_size=limit, on_error="skip", **options).feed(begin)
    for _ in range(200):
        assert list(decoder.feed(chunk)) == []
        assert decoder.pending <= limit + SSE_SLACK + len(chunk)
    assert decoder.errors == 1
    assert list(decoder.finish()) == []
    # An array that was not closed is an error of its own.
    assert decoder.errors == (2 if "items" in options else 1)


@every_framing
def test_blank_and_empty_frames_hold_no_memory(framing: Framing) -> None:
    blank = {NDJSON: b" \r\n", SSE: b": ping\r\n\r\n", JSONSEQ: b"\x1e\x1e", CONCATENATED: b" \r\n\t"}
    chunk = blank[framing] * 10_000
    decoder = framing.decoder(max_frame_size=LIMIT)
    for _ in range(50):
        assert list(decoder.feed(chunk)) == []
        assert decoder.pending <= 2


@pytest.mark.parametrize("size", [1, 5, 2**20])
def test_the_limit_holds_for_lines_without_the_needle(size: int) -> None:
    data = text(LIMIT + 1) + b"\n" + text(LIMIT) + b'\n"needle"\n'
    found = outcomes(ndstream.NDJSONDecoder(max_frame_size=LIMIT, contains=b"needle"), data, size)
    assert said(found) == ["too_large", "needle"]


@pytest.mark.parametrize("size", [1, 5, 2**20])
@pytest.mark.parametrize("blank_lines", ["skip", "error"])
def test_blank_lines_over_the_limit_are_over_long_lines(size: int, blank_lines: str) -> None:
    for length, expected in ((LIMIT, ["blank_line"] * (blank_lines == "error")), (LIMIT + 1, ["too_large"])):
        decoder = ndstream.NDJSONDecoder(max_frame_size=LIMIT, blank_lines=blank_lines)
        assert said(outcomes(decoder, b" " * length + b"\n1\n", size)) == [*expected, 1]


EVERY = FRAMINGS
REFUSED = [
    *[(EVERY, "max_frame_size", value, ValueError) for value in (0, -1, -(2**70))],
    *[(EVERY, "max_frame_size", value, TypeError) for value in (True, False, "10", b"10", 1.5, [])],
    *[(EVERY, "on_error", value, ValueError) for value in ("ignore", "", "RAISE", b"raise", None, 0)],
    *[(EVERY, "loads", value, TypeError) for value in (None, "json", 0)],
    *[(EVERY, "done", value, TypeError) for value in (0, 1.5, [b"x"], object())],
    *[(EVERY, "done", value, ValueError) for value in (b"", "")],
    (EVERY, "require_done", True, ValueError),
    *[([NDJSON, CONCATENATED], "contains", value, ValueError) for value in (b"", b"\n", b"a\nb")],
    *[([NDJSON, CONCATENATED], "contains", value, TypeError) for value in (0, [1], True)],
    *[([NDJSON], "blank_lines", value, ValueError) for value in ("ignore", "", None, True)],
    *[([SSE], "on_truncated", value, ValueError) for value in ("ignore", "", None, True, "skip")],
    *[([SSE], "last_event_id", value, TypeError) for value in (None, 5, b"5")],
]


@pytest.mark.parametrize(
    ("framing", "option", "value", "error"),
    [(framing, *rest) for framings, *rest in REFUSED for framing in framings],
    ids=repr,
)
def test_an_option_that_makes_no_sense_is_refused_by_name(
    framing: Framing, option: str, value: object, error: type[Exception]
) -> None:
    with pytest.raises(error, match=option):
        framing.decoder(**{option: value})


@every_framing
def test_options_go_by_name_only_and_unknown_ones_are_refused(framing: Framing) -> None:
    with pytest.raises(TypeError):
        framing.decoder(len)
    with pytest.raises(TypeError, match="max_size"):
        framing.decoder(max_size=10)


@every_framing
@pytest.mark.parametrize(
    ("chunk", "word"), [("{}\n", "str"), (None, "NoneType"), (1, "int"), ([b"{}"], "list"), ({}, "dict")]
)
def test_a_chunk_that_is_not_bytes_is_refused_and_changes_nothing(framing: Framing, chunk: object, word: str) -> None:
    decoder = framing.values().feed(framing.wrap(b"1")[:3])
    with pytest.raises(TypeError, match=word):
        decoder.feed(chunk)
    assert outcomes(decoder.feed(framing.wrap(b"1")[3:]), b"", 1) == [1]


@every_framing
def test_feed_after_finish_is_refused_until_reset(framing: Framing) -> None:
    decoder = framing.values().feed(framing.wrap(b"1")).finish()
    for chunk in (framing.wrap(b"2"), b""):
        with pytest.raises(RuntimeError, match="reset"):
            decoder.feed(chunk)
    assert list(decoder.finish().finish()) == [1]
    assert list(decoder) == []
    decoder.reset()
    assert (decoder.offset, decoder.frames, decoder.pending) == (0, 0, 0)
    assert list(decoder.feed(framing.wrap(b"3"))) == [3]
