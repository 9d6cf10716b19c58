"""The public functions over sources of every kind say what the decoder by itself says."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any

import ndstream
from fuzz.inputs import pieces, same, split
from fuzz.oracle_runs import note_oracle_run

FUNCTIONS: list[tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = [
    (ndstream.ndjson, ndstream.NDJSONDecoder, {}),
    (ndstream.ndjson, ndstream.NDJSONDecoder, {"contains": b"a"}),
    (ndstream.sse, ndstream.SSEDecoder, {}),
    (ndstream.sse, ndstream.SSEDecoder, {"on_truncated": "emit"}),
    (ndstream.jsonseq, ndstream.JSONSeqDecoder, {}),
    (ndstream.concatenated, ndstream.ConcatenatedJSONDecoder, {}),
    (ndstream.concatenated, ndstream.ConcatenatedJSONDecoder, {"items": True}),
]
LIMITS = (None, 5, 100)


class _Pause:
    """What suspends once, as a read that has to wait does."""

    def __await__(self) -> Generator[None, None, None]:
        yield None


async def _awaited(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for number, chunk in enumerate(chunks):
        if number % 3 == 2:
            await _Pause()
        yield chunk


def _finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that awaits no event loop."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value


def sources(chunks: list[bytes]) -> list[Callable[[], Any]]:
    """The chunks as each kind of source."""
    return [
        lambda: chunks,
        lambda: iter(chunks),
        lambda: (chunk for chunk in chunks),
        lambda: b"".join(chunks),
        lambda: io.BytesIO(b"".join(chunks)),
        lambda: io.BufferedReader(io.BytesIO(b"".join(chunks))),
        lambda: _awaited(chunks),
    ]


def _taken(stream: Any, out: list[Any]) -> list[Any]:
    with stream:
        out.extend(stream)
    assert stream.closed
    return out


async def _taken_async(stream: Any, out: list[Any]) -> list[Any]:
    async with stream:
        async for value in stream:
            out.append(value)
    assert stream.closed
    return out


def outcomes(open_stream: Callable[..., Any], source: Any, **options: Any) -> list[Any]:
    """What comes out of a stream, errors among it."""
    out: list[Any] = []
    # Values and errors each in their order: a list that grows while it is extended has no order of both.
    errors: list[Any] = []
    stream = open_stream(source, on_error=errors.append, **options)
    if isinstance(stream, ndstream.Stream):
        return [*_taken(stream, out), *errors]
    values: list[Any] = _finished(_taken_async(stream, out))
    return [*values, *errors]


def ways_in(data: bytes) -> None:
    head, stream = split(data)
    chunks = pieces(stream, head[3])
    makes = sources(chunks)
    limit = LIMITS[head[0] % 3]
    if head[1] & 1:
        # The framing is detected: from the first bytes, however they are cut.
        whole = outcomes(ndstream.stream, [stream], max_frame_size=limit)
        found = outcomes(ndstream.stream, makes[head[2] % len(makes)](), max_frame_size=limit)
    else:
        note_oracle_run()
        function, make, options = FUNCTIONS[(head[1] >> 1) % len(FUNCTIONS)]
        errors: list[Any] = []
        decoder = make(on_error=errors.append, max_frame_size=limit, **options)
        whole = [*decoder.feed(stream), *decoder.finish(), *errors]
        found = outcomes(function, makes[head[2] % len(makes)](), max_frame_size=limit, **options)
    if not same(whole, found):
        raise AssertionError(f"{found} in place of {whole}")
