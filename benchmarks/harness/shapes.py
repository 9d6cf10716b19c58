"""Named streams to test and to time with: always the same bytes, each with what it must decode to.

A shape is built from a seed with nothing but `random.Random.random`, whose sequence Python promises
to keep, so that a shape is the same with every version and on every machine; tests/project/test_shapes.py
holds each to its digest, its values and its stated size.

`pieces` are what a server would write one by one, so that a stream can be cut where it would be.
`payloads` are what is left to decode when the framing is gone: the work that no decoder can save.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Literal, TypeVar

import orjson

T = TypeVar("T")

KIB = 1024
MIB = 1024 * KIB

WORDS = (
    " the", " of", " and", " stream", " a", " in", " token", "s", ".", ",", " bytes", " is", " chunk", "ing",
    " frame", " to", " that", " network", "\n", " ends", " größer", " 流", " before", " “quoted”", " cut",
)  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """A stream, the parts it was written in, and what it holds."""

    name: str
    format: Literal["ndjson", "sse"]
    pieces: tuple[bytes, ...]
    payloads: tuple[bytes, ...]

    @cached_property
    def data(self) -> bytes:
        """The whole stream."""
        return b"".join(self.pieces)

    @cached_property
    def values(self) -> list[Any]:
        """What the stream must decode to."""
        return [orjson.loads(payload) for payload in self.payloads]


def cut(data: bytes, size: int) -> list[bytes]:
    """Chunks of one size, which end where they end: in a line, a word, a character."""
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def drip(data: bytes) -> Iterator[bytes]:
    """One byte at a time: the worst that a sender can do, and what shows work done more than once."""
    return (data[index : index + 1] for index in range(len(data)))


def token_lines(count: int = 1000, seed: int = 1) -> Shape:
    """A chat reply as Ollama streams it: a token a line, lines of 125 bytes that differ in few of them."""
    chance = Random(seed)
    payloads = []
    for index in range(count):
        token: dict[str, Any] = {
            "model": "llama3.2",
            "created_at": f"2026-02-11T09:14:{index // 40 % 60:02}.{number(chance, 10**6):06}Z",
            "message": {"role": "assistant", "content": word(chance) if index < count - 1 else ""},
            "done": False,
        }
        if index == count - 1:
            token |= {"done": True, "done_reason": "stop", "eval_count": count, "eval_duration": 4799921000}
        payloads.append(orjson.dumps(token))
    return _lines("token_lines", payloads)


def access_logs(count: int = 1000, seed: int = 2) -> Shape:
    """A web server's log: lines of 120 bytes, of which one in a hundred is an error, at random."""
    chance = Random(seed)
    failing = {hundred + number(chance, 100) for hundred in range(0, count, 100)}
    payloads = []
    for index in range(count):
        bad = index in failing
        payloads.append(
            orjson.dumps(
                {
                    "time": f"2026-03-02T{index // 3600 % 24:02}:{index // 60 % 60:02}:{index % 60:02}Z",
                    "level": "error" if bad else "info",
                    "method": pick(chance, ("GET", "GET", "GET", "POST", "PUT")),
                    "path": f"/api/v2/{pick(chance, ('items', 'orders'))}/{10**6 + number(chance, 10**6)}",
                    "status": 500 if bad else pick(chance, (200, 200, 200, 204, 304)),
                    "ms": number(chance, 4000) / 10,
                }
            )
        )
    return _lines("access_logs", payloads)


def one_frame(size: int = 16 * MIB, seed: int = 3) -> Shape:
    """A single line of exactly `size` bytes, nearly all of it one string: an image in base64."""
    chance = Random(seed)
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    head, tail = b'{"type":"image","width":4096,"data":"', b'"}'
    block = bytes(letters[number(chance, 64)] for _ in range(4093))
    length = size - len(head) - len(tail)
    return _lines("one_frame", [head + (block * (length // len(block) + 1))[:length] + tail])


def openai_events(count: int = 1000, seed: int = 4) -> Shape:
    """A chat completion as OpenAI streams it: a token an event of 330 bytes, mostly envelope, then [DONE]."""
    chance = Random(seed)
    letters = "".join(pick(chance, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(28))
    envelope = {
        "id": f"chatcmpl-{letters}",
        "object": "chat.completion.chunk",
        "created": 1773132626,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_ff25b2783a",
    }
    payloads = []
    for index in range(count):
        last = index == count - 1
        delta: dict[str, str | None] = {} if last else {"content": word(chance)}
        if index == 0:
            delta = {"role": "assistant", "content": "", "refusal": None}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if last else None}
        padding = "a1B2c3D4e5F6g7H8"[: 1 + number(chance, 16)]
        payloads.append(orjson.dumps(envelope | {"choices": [choice], "usage": None, "obfuscation": padding}))
    pieces = [b"data: " + payload + b"\n\n" for payload in payloads]
    return Shape("openai_events", "sse", (*pieces, b"data: [DONE]\n\n"), tuple(payloads))


def anthropic_events(count: int = 1000, seed: int = 5) -> Shape:
    """A message as Anthropic streams it: typed events of 125 bytes, with a ping and padded JSON."""
    chance = Random(seed)
    usage = {"input_tokens": 899, "cache_read_input_tokens": 0, "output_tokens": 3}
    message: dict[str, Any] = {
        "model": "claude-sonnet-4-20250514", "id": "msg_015eAVGKhBrs95jUkYb2BaDt", "type": "message",
        "role": "assistant", "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    block = {"type": "text", "text": ""}
    begin: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
    ]
    end: list[dict[str, Any]] = [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": count}},
        {"type": "message_stop"},
    ]
    deltas: list[dict[str, Any]] = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word(chance)}}
        for _ in range(count - len(begin) - len(end))
    ]
    pieces, payloads = [], []
    for value in [*begin, *deltas, *end]:
        payload = orjson.dumps(value) + b" " * number(chance, 14)
        payloads.append(payload)
        pieces.append(b"event: %s\ndata: %s\n\n" % (value["type"].encode(), payload))
    return Shape("anthropic_events", "sse", tuple(pieces), tuple(payloads))


def multi_line_data(count: int = 1000, seed: int = 6) -> Shape:
    """JSON printed over eight lines, each in a data field of its own: events of 150 bytes to be joined."""
    chance = Random(seed)
    pieces, payloads = [], []
    for index in range(count):
        value = {"id": index, "words": [word(chance), word(chance)], "user": f"user-{number(chance, 10**4)}"}
        payload = orjson.dumps(value, option=orjson.OPT_INDENT_2)
        payloads.append(payload)
        lines = b"".join(b"data: " + line + b"\n" for line in payload.split(b"\n"))
        pieces.append(b"event: update\nid: %d\n%s\n" % (index, lines))
    return Shape("multi_line_data", "sse", tuple(pieces), tuple(payloads))


def heartbeats(count: int = 1000, seed: int = 7) -> Shape:
    """Small events with three to six comments before each: how a quiet stream is kept from being closed."""
    chance = Random(seed)
    pieces, payloads = [], []
    for index in range(count):
        pieces.extend([b": keep-alive\n\n"] * (3 + number(chance, 4)))
        payloads.append(orjson.dumps({"n": index, "text": word(chance)}))
        pieces.append(b"data: " + payloads[-1] + b"\n\n")
    return Shape("heartbeats", "sse", tuple(pieces), tuple(payloads))


def cr_floods(count: int = 1000, seed: int = 8) -> Shape:
    """Events that end in CR CR with up to 400 bare CRs behind each, and never a LF to be found."""
    chance = Random(seed)
    pieces, payloads = [], []
    for index in range(count):
        payloads.append(orjson.dumps([index]))
        pieces.append(b"data:" + payloads[-1] + b"\r\r" + b"\r" * number(chance, 401))
    return Shape("cr_floods", "sse", tuple(pieces), tuple(payloads))


def tiny_fields(count: int = 1000) -> Shape:
    """One event whose data is `count` lines of two bytes: what a line costs, and whether that grows."""
    lines = [b"[", *[b"1,"] * (count - 2), b"1]"]
    piece = b"".join(b"data:" + line + b"\n" for line in lines) + b"\n"
    return Shape("tiny_fields", "sse", (piece,), (b"\n".join(lines),))


SHAPES: tuple[Callable[[], Shape], ...] = (
    token_lines,
    access_logs,
    one_frame,
    openai_events,
    anthropic_events,
    multi_line_data,
    heartbeats,
    cr_floods,
    tiny_fields,
)


def number(chance: Random, below: int) -> int:
    """An integer from 0 up to `below`."""
    return int(chance.random() * below)


def pick(chance: Random, choices: Sequence[T]) -> T:
    return choices[number(chance, len(choices))]


def word(chance: Random) -> str:
    """A token of a reply; one in a few is not ASCII."""
    return pick(chance, WORDS)


def _lines(name: str, payloads: list[bytes]) -> Shape:
    return Shape(name, "ndjson", tuple(payload + b"\n" for payload in payloads), tuple(payloads))
