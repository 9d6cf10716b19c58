"""An interrupt inside a decoder neither loses a frame nor invents one: the next step repeats what it cut short."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import ndstream
from inputs.cuts import cuts, exact, wrong
from inputs.strategies import FRAMINGS, Framing
from ndstream import _diagnosis

every_framing = pytest.mark.parametrize("framing", FRAMINGS, ids=repr)

# Streams that have every error which a decoder makes, with good frames around it.
LONG = b"1" * 40
STREAMS: list[tuple[str, dict[str, Any], bytes]] = [
    ("ndjson", {}, b"1\nnope\n2\n\xef\xbb\xbf3\n4\n\xff\n[5"),
    ("ndjson", {"blank_lines": "error"}, b"1\n \n2\n\n3\n "),
    ("ndjson", {"max_frame_size": 9}, b"1\n" + LONG + b"\n2\n" + LONG + b"\n" + LONG),
    ("ndjson", {"loads": int}, b'1\n"a"\n2\n"b"'),
    ("ndjson", {"done": b"END", "require_done": True}, b"1\n2\nnope\n3"),
    ("sse", {"values": True}, b"data: 1\n\ndata: nope\n\nid: 7\ndata: 2\n\ndata: 3\n"),
    ("sse", {"max_frame_size": 6}, b"data: 1111\ndata: 2222\ndata: 3\n\ndata: 4\n\ndata: " + LONG),
    ("sse", {"values": True, "max_frame_size": 6, "on_truncated": "emit"}, b"data: 1\n\ndata: 1111\ndata: 2222"),
    ("sse", {"values": True, "on_truncated": "emit"}, b"data: 1\n\n: note\ndata: [2"),
    ("sse", {"done": "END", "require_done": True, "on_truncated": "discard"}, b"data: 1\n\ndata: 2"),
    ("jsonseq", {}, b"stray\x1e1\n\x1enope\n\x1e \n\x1e \x1e2\x1e[3]\x1etrue"),
    ("jsonseq", {"max_frame_size": 9}, b"\x1e" + LONG + b"\n\x1e1\n\x1e" + LONG + b"\x1e" + LONG),
    ("json", {}, b"[1} {2} 3 nope [4"),
    ("json", {"items": True, "max_frame_size": 9}, b"[1 2,,3," + LONG + b",4"),
]
DECODERS: dict[str, Any] = {
    "ndjson": ndstream.NDJSONDecoder,
    "sse": ndstream.SSEDecoder,
    "jsonseq": ndstream.JSONSeqDecoder,
    "json": ndstream.ConcatenatedJSONDecoder,
}
WORDS = [name for name, _ in inspect.getmembers(_diagnosis, inspect.isfunction) if not name.startswith("_")]


@contextmanager
def interrupted(times: int) -> Iterator[set[str]]:
    """The making of each error is interrupted so many times before it succeeds; gives the names of what was."""
    left: dict[Any, int] = {}
    seen: set[str] = set()

    def wrap(name: str, make: Any) -> Any:
        def made(*arguments: Any) -> Any:
            key = (name, repr(arguments))
            left.setdefault(key, times)
            if left[key]:
                left[key] -= 1
                seen.add(name)
                raise KeyboardInterrupt
            return make(*arguments)

        return made

    with pytest.MonkeyPatch.context() as patch:
        for name in WORDS:
            patch.setattr(_diagnosis, name, wrap(name, getattr(_diagnosis, name)))
        yield seen


def drain(decoder: Any) -> Iterator[Any]:
    """What comes out; an interrupt is answered by asking again."""
    while True:
        before = (decoder.offset, decoder.frames, decoder.errors)
        try:
            yield exact(next(decoder))
        except StopIteration:
            return
        except ndstream.StreamError as error:
            assert error.offset >= before[0]
            yield wrong(error)
        except KeyboardInterrupt:
            # Nothing was delivered, so that a program that stops here can resume before the frame.
            assert (decoder.frames, decoder.errors) == before[1:]
            assert before[0] <= decoder.offset


def run(decoder: Any, chunks: list[bytes]) -> list[Any]:
    out = [one for chunk in chunks for one in drain(decoder.feed(chunk))]
    return [*out, *drain(decoder.finish())]


@pytest.mark.parametrize(("name", "options", "data"), STREAMS)
@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_in_the_words_of_an_error_changes_nothing(
    name: str, options: dict[str, Any], data: bytes, times: int
) -> None:
    for cut in cuts(data):
        plain, other = DECODERS[name](**options), DECODERS[name](**options)
        expected = run(plain, cut.chunks)
        with interrupted(times) as seen:
            assert run(other, cut.chunks) == expected, cut.name
        assert seen
        for attribute in ("offset", "pending", "frames", "errors", "line", "last_event_id"):
            assert getattr(other, attribute, None) == getattr(plain, attribute, None), (cut.name, attribute)


def test_the_streams_have_every_error_of_a_decoder() -> None:
    names: set[str] = set()
    for name, options, data in STREAMS:
        with interrupted(1) as seen:
            run(DECODERS[name](**options), [data])
        names |= seen
    assert names == set(WORDS) - {"source_failed", "not_bytes", "nul_tail"}


@every_framing
def test_the_offset_stays_before_a_frame_whose_delivery_was_interrupted(framing: Framing) -> None:
    class Loads:
        interrupts = 1

        def __call__(self, payload: bytes) -> int:
            if payload == b"22" and self.interrupts:
                self.interrupts -= 1
                raise KeyboardInterrupt
            return int(payload)

    data = b"".join(map(framing.wrap, (b"11", b"22", b"33")))
    first = len(framing.wrap(b"11"))
    decoder = framing.values(loads=Loads()).feed(data)
    assert next(decoder) == 11
    line = getattr(decoder, "line", None)
    with pytest.raises(KeyboardInterrupt):
        next(decoder)
    assert first - 1 <= decoder.offset <= first
    assert decoder.offset + decoder.pending == len(data)
    assert getattr(decoder, "line", None) == line
    # Another decoder that goes on from there has all that was not delivered.
    assert list(framing.values().feed(data[decoder.offset :])) == [22, 33]
    assert list(decoder) == [22, 33]
    assert decoder.offset == len(data)


@every_framing
def test_the_offset_stays_before_a_bad_frame_whose_report_was_interrupted(framing: Framing) -> None:
    data = b"".join(map(framing.wrap, (b"11", b"[2}", b"33")))
    decoder = framing.values().feed(data)
    assert next(decoder) == 11
    with interrupted(1), pytest.raises(KeyboardInterrupt):
        next(decoder)
    with pytest.raises(ndstream.DecodeError) as caught:
        next(framing.values().feed(data[decoder.offset :]))
    assert caught.value.frame == b"[2}"
    with pytest.raises(ndstream.DecodeError) as caught:
        next(decoder)
    assert caught.value.frame == b"[2}"
    assert list(decoder) == [33]


def test_a_reset_forgets_an_error_that_was_interrupted() -> None:
    decoder = ndstream.NDJSONDecoder().feed(b"nope\n1\n")
    with interrupted(1), pytest.raises(KeyboardInterrupt):
        next(decoder)
    decoder.reset()
    assert list(decoder.feed(b"2\n")) == [2]
    assert decoder.errors == 0
