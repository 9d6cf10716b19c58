"""Ctrl-C in callbacks and sources neither loses a frame nor invents one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

import ndstream
from fuzz.inputs import pieces, same, split
from fuzz.targets.decoders import collect
from fuzz.targets.reentry import chosen_decoder
from inputs.cuts import state_of
from ndstream._core import Puller


class Interruptions:
    """Says at which calls there is an interrupt: those whose bit is set, but never twice in a row."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.calls = 0
        self.last = False

    def come(self) -> None:
        self.calls += 1
        self.last = not self.last and bool(self.bits >> (self.calls % 7) & 1)
        if self.last:
            raise KeyboardInterrupt


class Source:
    """An iterator over chunks that survives an interrupt, as a socket does.

    No interrupt comes before its end: a source that ends after one was cut as far as anybody knows.
    """

    def __init__(self, chunks: list[bytes], interruptions: Interruptions) -> None:
        self.chunks = iter(chunks)
        self.left = len(chunks)
        self.interruptions = interruptions

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.left:
            self.interruptions.come()
            self.left -= 1
        return next(self.chunks)


def interrupts(data: bytes) -> None:
    head, stream = split(data)
    make, options = chosen_decoder(head)
    chunks = pieces(stream, head[3])
    plain: list[Any] = []
    skips = head[3] & 12 != 0
    decoder = make(on_error="skip" if skips else plain.append, loads=orjson.loads, **options)
    collect(decoder, chunks, plain)

    found: list[Any] = []
    interruptions = Interruptions(head[2])

    def loads(payload: bytes) -> Any:
        interruptions.come()
        return orjson.loads(payload)

    def on_error(error: ndstream.StreamError) -> None:
        # It was handed over before the interrupt, and so it counts as handled.
        found.append(error)
        interruptions.come()

    other = make(on_error="skip" if skips else on_error, loads=loads, **options)
    source: Iterator[bytes] = Source(chunks, interruptions) if head[2] & 0x80 else iter(chunks)
    _collect(_Stream(source, other), other, found)
    if not same(plain, found):
        raise AssertionError(f"{options}: {found} in place of {plain}")
    assert state_of(other) == state_of(decoder), (state_of(other), state_of(decoder))


class _Stream(Puller[Any]):
    def _release(self) -> None:
        pass


def _collect(stream: Puller[Any], decoder: Any, out: list[Any]) -> None:
    while True:
        before = (decoder.offset, decoder.frames)
        try:
            for value in stream:
                out.append(value)
                out.append(decoder.offset)
                before = (decoder.offset, decoder.frames)
            return
        except ndstream.StreamError as error:
            out.append(error)
        except KeyboardInterrupt:
            assert decoder.frames == before[1], "an interrupted step counted a frame"
            assert decoder.offset >= before[0]
        if len(out) > 100_000:
            raise AssertionError("the stream goes on for ever")
