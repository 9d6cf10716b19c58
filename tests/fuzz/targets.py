"""What is tried with any bytes. A target raises if what must hold does not.

The first bytes choose options and cuts, and the rest is the stream. So whatever a fuzzer makes is a case, and a case
that is found can be given again.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import orjson

import ndstream
import oracle
from cuts import exact, run
from ndstream import llm, logs
from ndstream.logs import LogFileError
from ndstream.logs._stamps.stamp_error import StampError
from ndstream.logs._stamps.stamp_reader import StampReader
from oracle_concatenated import concatenated

HEAD = 4
"""So many bytes choose; the stream is what follows."""

LIMITS = (None, 1, 2, 7, 64, 4096)


def pieces(stream: bytes, seed: int) -> list[bytes]:
    """The stream, cut: whole, byte by byte, or at random."""
    if seed % 4 == 0:
        return [stream]
    if seed % 4 == 1:
        return [stream[place : place + 1] for place in range(len(stream))]
    chance = random.Random(seed)
    found, place = [], 0
    while place < len(stream):
        size = chance.randint(0, 9)
        found.append(stream[place : place + size])
        place += size
    return found


def same_as_the_oracle(
    data: bytes, make: Callable[..., Any], expect: Callable[..., oracle.Answer], choices: list[dict[str, Any]]
) -> None:
    head, stream = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]
    options = {**choices[head[0] % len(choices)], "max_frame_size": LIMITS[head[1] % len(LIMITS)]}
    if head[2] & 0x80 and "items" not in options:
        options["done"] = b"[DONE]"
        options["require_done"] = bool(head[2] & 0x40)
    found = run(make(**options), pieces(stream, head[3]))
    answer = expect(stream, **options)
    if oracle.comparable(found.outcomes) != answer.outcomes:
        raise AssertionError(f"{options}: {found.outcomes} in place of {answer.outcomes}")


def ndjson(data: bytes) -> None:
    choices: list[dict[str, Any]] = [{}, {"blank_lines": "error"}, {"contains": b'"a'}, {"contains": b"1"}]
    same_as_the_oracle(data, ndstream.NDJSONDecoder, oracle.ndjson, choices)


def sse(data: bytes) -> None:
    choices: list[dict[str, Any]] = [
        {"on_truncated": end, **more}
        for end in ("raise", "discard", "emit")
        for more in ({}, {"values": True}, {"last_event_id": "7"})
    ]
    same_as_the_oracle(data, ndstream.SSEDecoder, oracle.sse, choices)


def jsonseq(data: bytes) -> None:
    same_as_the_oracle(data, ndstream.JSONSeqDecoder, oracle.jsonseq, [{}])


def concatenated_json(data: bytes) -> None:
    choices: list[dict[str, Any]] = [{}, {"items": True}, {"contains": b"1"}]
    same_as_the_oracle(data, ndstream.ConcatenatedJSONDecoder, concatenated, choices)


def ways_in(data: bytes) -> None:
    """Whatever framing is detected, the cut does not matter, and nothing but a `StreamError` is raised."""
    stream = data[HEAD:]

    def outcomes(chunks: list[bytes]) -> list[Any]:
        found: list[Any] = []
        values = ndstream.stream(iter(chunks), on_error=lambda error: found.append((error.reason, error.offset)))
        for value in values:
            found.append(exact(value))
        return found

    try:
        whole: list[Any] | None = outcomes([stream])
    except ndstream.StreamError:
        whole = None
    try:
        cut: list[Any] | None = outcomes(pieces(stream, data[0] if data else 0))
    except ndstream.StreamError:
        cut = None
    assert whole == cut, (whole, cut)


def reply(data: bytes) -> None:
    """A reply says the same for every cut, raises nothing but its own errors, and its deltas add up."""
    head, stream = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]
    wire = (None, *sorted(llm.WIRES))[head[0] % (1 + len(llm.WIRES))]

    def folded(chunks: list[bytes]) -> tuple[Any, ...]:
        deltas, raised = [], None
        answer = llm.reply(iter(chunks), wire=wire)
        try:
            for delta in answer:
                deltas.append((delta.choice, delta.text or ""))
        except (llm.ReplyError, ndstream.StreamError) as error:
            raised = type(error).__name__
        first = answer._state.wire.first_choice
        added = "".join(text for choice, text in deltas if choice == first)
        assert answer.text_revised or added == answer.text, (added, answer.text)
        return answer.text, answer.thinking, repr(answer.tool_calls), repr(answer.finish_reason), raised

    assert folded([stream]) == folded(pieces(stream, head[3]))


def partial_json(data: bytes) -> None:
    """A text fed in pieces is the value that json makes of it, or is refused by both."""
    head, text = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:].decode("utf-8", "replace")
    chance = random.Random(head[3])
    partial = llm.PartialJSON()
    try:
        place = 0
        while place < len(text):
            size = chance.randint(1, 5)
            partial.feed(text[place : place + size])
            place += size
            _ = partial.value
    except llm.PartialJSONError:
        try:
            orjson.loads(text)
        except ValueError:
            return
        raise
    if partial.complete:
        assert exact(partial.value) == exact(json.loads(text)), text


def encoders(data: bytes) -> None:
    """What an encoder writes, a decoder reads; what would be another field or event is refused."""
    event, _, rest = data.decode("utf-8", "replace").partition("\0")
    id, _, text = rest.partition("\0")
    try:
        frame = ndstream.encode_sse(text, event=event or None, id=id or None)
    except ndstream.EncodeError:
        assert any(mark in event + id for mark in "\r\n"), (event, id)
        return
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    [received] = ndstream.SSEDecoder().feed(frame)
    assert (received.event, received.id, received.data) == (event or "message", id, normal)


def archives(data: bytes) -> None:
    """A gzip file gives the lines of its content; a damaged one the first of them, and then one typed error."""
    head, content = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]
    whole = gzip.compress(content, 1, mtime=0)
    stored = bytearray(whole)
    if head[0]:
        stored[head[1] % len(stored)] ^= head[0]
    if head[2] & 1:
        del stored[-(head[3] % len(stored)) :]
    if stored[:3] != whole[:3]:
        return  # it is no gzip file any more
    got: list[object] = []
    errors: list[ndstream.StreamError] = []
    try:
        with logs.read(io.BytesIO(stored), loads=bytes, on_error=errors.append) as lines:
            got.extend(map(exact, lines))
    except LogFileError as error:
        errors.append(error)
    if stored != whole:
        assert errors or got == [] or zlib.crc32(content) == zlib.crc32(gunzipped(stored)), content
    elif any(isinstance(error, LogFileError) for error in errors):
        # Not lines of JSON at all, but UTF-16 or an archive in an archive: one error of the whole file.
        assert got == []
        assert content[:1] not in set(map(bytes, zip(b'{["-0123456789tfn \t\r\n'))), content
    else:
        outcomes = run(ndstream.NDJSONDecoder(loads=bytes), [content]).outcomes
        assert got == [outcome.value for outcome in outcomes if outcome.error is None], content


def gunzipped(stored: bytes | bytearray) -> bytes:
    try:
        return gzip.decompress(stored)
    except (EOFError, OSError, zlib.error):
        return b""


def stamps(data: bytes) -> None:
    """A stamp that is read is written back as the same bytes for its own time."""
    text = data[HEAD:].decode("utf-8", "replace")
    value: Any = text
    if data[:1] < b"\x40":
        try:
            value = orjson.loads(text)
        except ValueError:
            return
    reader = StampReader("t")
    try:
        line = orjson.dumps({"t": value})
        time = reader.read(orjson.loads(line))
        again = StampReader("t")
        again.read(orjson.loads(line))
        assert again.read(orjson.loads(reader.replace(line, time))) == time, (line, time)
    except (StampError, orjson.JSONEncodeError):
        return


TARGETS: dict[str, Callable[[bytes], None]] = {
    "ndjson": ndjson,
    "sse": sse,
    "jsonseq": jsonseq,
    "concatenated": concatenated_json,
    "ways_in": ways_in,
    "reply": reply,
    "partial_json": partial_json,
    "encoders": encoders,
    "archives": archives,
    "stamps": stamps,
}


def seeds(name: str) -> Iterator[bytes]:
    """Inputs to begin with: the cases of the corpus, and a few of each target's own."""
    from stream_framing_conformance import cases

    framings = {"archives": "ndjson"}
    for case in cases():
        chosen = zlib.crc32(case.data) % 8 == 0 if name == "ways_in" else case.framing == framings.get(name, name)
        if chosen and len(case.data) <= 4096:
            yield bytes(HEAD) + case.data
    if name == "reply":
        from llm.examples import EXAMPLES

        for example in EXAMPLES:
            yield bytes(HEAD) + b"\n".join(example.frames)
    own = {
        "partial_json": [b'{"a":[1,-2.5e3,"\\u00e9\\ud83d\\ude00",null,true],"b":{}}', b'"\\', b"[[[[1]]]]"],
        "encoders": [b"tick\x007\x00a\nb\r\nc\rd", b"\0\0", b"e\nvil\0\0x"],
        "stamps": [b"2024-02-29T23:59:60.123456789Z", b'"2024-01-01 00:00:00,5"', b"1700000000123", b"1e9"],
    }
    for text in own.get(name, []):
        yield bytes(HEAD) + text if name != "encoders" else text
