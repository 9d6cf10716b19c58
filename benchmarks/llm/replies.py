"""Replies of LLM servers against the official clients, on the same bytes from memory.

The clients are asked as their users ask them; a transport of theirs answers from memory, so that what is
timed is decoding, their objects and, for ours, the fold. What a request costs them is shared by thousands
of deltas. Deltas without text are passed over by all, since clients differ in which of them they show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import orjson

from benchmarks.harness import shapes
from benchmarks.harness.contenders import LIBRARIES, Case, Contender
from benchmarks.harness.rows import Budget, Entry, Row
from benchmarks.harness.shapes import Shape
from benchmarks.llm.official_clients import CLIENTS, at_once, turns
from ndstream import llm

TOKENS = 3000
CONCURRENT = 1000
EACH = 20
"""Deltas of each of the concurrent replies."""
PIECE = 20
"""Bytes of text or of tool arguments in a delta."""


def all_rows(scale: float = 1.0) -> list[Row]:
    """The rows in order; a scale below 1 makes the streams shorter."""
    tokens = max(100, int(TOKENS * scale))
    return [
        *(delta_row(name, make, tokens, peer, limit) for name, make, peer, limit in PEERS),
        concurrent_row(max(10, int(CONCURRENT * scale))),
        arguments_row(max(50, int(2000 * scale))),
        *megabyte_rows(max(1000, int(1_000_000 * scale))),
    ]


def delta_row(name: str, make: Callable[..., Shape], tokens: int, peer: Contender, limit: float) -> Row:
    def case() -> Case:
        return _case(make, tokens)

    return Row(
        f"replies, {name}",
        f"Replies: `{make.__name__}`, an event or line a chunk, against {peer.name}",
        "delta",
        (
            Entry(REPLY, case),
            Entry(TEXTS, case),
            Entry(AWAITED, case),
            Entry(peer, case, Budget("at least", limit)),
        ),
    )


def concurrent_row(replies: int) -> Row:
    """Many replies at once in one event loop, which goes round among them after each chunk."""

    def case() -> Case:
        shape = shapes.openai_events(EACH)
        texts = ["".join(_texts(shape))] * replies
        return Case(list(shape.pieces), [], texts, replies * EACH)

    return Row(
        "replies, concurrent",
        f"{replies:,} async replies at once: `openai_events`, {EACH} events each, an event a chunk",
        "delta",
        (Entry(CONCURRENTLY, case), Entry(OPENAI_CONCURRENTLY, case)),
        processes=2,
        settle=False,
    )


def arguments_row(pieces: int) -> Row:
    """Tool arguments in small pieces, which the stream helper reads from their start each time."""

    def case() -> Case:
        return _arguments(pieces, as_text=False)

    return Row(
        "replies, arguments",
        f"Tool arguments, {pieces * PIECE:,} bytes in deltas of {PIECE}",
        "delta",
        (Entry(ARGUMENTS, case), Entry(ANTHROPIC_HELPER, case)),
        processes=2,
        settle=False,
    )


def megabyte_rows(size: int) -> Iterator[Row]:
    def of(size: int, as_text: bool) -> Callable[[], Case]:
        return lambda: _arguments(size // PIECE, as_text)

    yield Row(
        "replies, megabyte",
        f"{size:,} bytes in deltas of {PIECE}: tool arguments beside text",
        "delta",
        (Entry(AS_TEXT, of(size, True)), Entry(ARGUMENTS, of(size, False))),
        processes=3,
    )
    yield Row(
        "replies, megabyte doubled",
        f"Tool arguments, {size:,} bytes in deltas of {PIECE}, and half of that",
        "byte",
        (
            Entry(HALF, lambda: _in_bytes(of(size // 2, False)())),
            Entry(ARGUMENTS, lambda: _in_bytes(of(size, False)()), Budget("at most", 2.2)),
        ),
        processes=2,
        settle=False,
    )


REPLY = Contender(
    "ndstream.llm.reply",
    """
    for delta in llm.reply(iter(chunks)):
        value = delta.text
        if value:
            take(value)
    """,
    "llm",
)
TEXTS = Contender("ndstream.llm.reply, texts()", "for value in llm.reply(iter(chunks)).texts(): take(value)", "llm")
AWAITED = Contender(
    "ndstream.llm.reply, async",
    """
    async for delta in llm.reply(arriving(chunks)):
        value = delta.text
        if value:
            take(value)
    """,
    "llm",
)
OPENAI = Contender(
    "openai create(stream=True)",
    """
    for chunk in openai_client(chunks).chat.completions.create(model="m", messages=[], stream=True):
        value = chunk.choices[0].delta.content
        if value:
            take(value)
    """,
    "openai client",
)
ANTHROPIC = Contender(
    "anthropic create(stream=True)",
    """
    for event in anthropic_client(chunks).messages.create(model="m", max_tokens=9, messages=[], stream=True):
        if event.type == "content_block_delta":
            value = event.delta.text
            take(value)
    """,
    "anthropic client",
)
OLLAMA = Contender(
    "ollama chat(stream=True)",
    """
    for part in ollama_client(chunks).chat(model="m", messages=[], stream=True):
        value = part.message.content
        if value:
            take(value)
    """,
    "ollama client",
)
CONCURRENTLY = Contender(
    "ndstream.llm.reply",
    "for value in at_once(lambda: llm.reply(turns(chunks)).texts(), expected): take(value)",
    "llm",
)
OPENAI_CONCURRENTLY = Contender(
    "openai create(stream=True)",
    "for value in at_once(lambda: openai_texts(turns(chunks)), expected): take(value)",
    "openai client",
)
AS_TEXT = Contender("text", "value = llm.collect(iter(chunks)).text\ntake(value)", "llm")
_ARGUMENTS = "value = llm.collect(iter(chunks)).tool_calls[0].raw\ntake(value)"
ARGUMENTS = Contender("ndstream.llm.collect", _ARGUMENTS, "llm")
HALF = Contender("ndstream.llm.collect, half", _ARGUMENTS, "llm")
ANTHROPIC_HELPER = Contender(
    "anthropic messages.stream()",
    """
    with anthropic_client(chunks).messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        value = stream.get_final_message().content[0].input
        take(value)
    """,
    "anthropic client",
    plain=lambda value: orjson.dumps(value).decode(),
)

PEERS = (
    ("openai", shapes.openai_events, OPENAI, 20),
    ("anthropic", shapes.anthropic_events, ANTHROPIC, 8),
    ("ollama", shapes.token_lines, OLLAMA, 5),
)


@lru_cache(maxsize=1)
def _case(make: Callable[..., Shape], tokens: int) -> Case:
    shape = make(tokens)
    return Case(list(shape.pieces), list(shape.payloads), _texts(shape), tokens)


def _texts(shape: Shape) -> list[str]:
    """What a patient reader finds in it."""
    found = []
    for value in shape.values:
        if "choices" in value:
            found += [choice["delta"].get("content") for choice in value["choices"]]
        elif "message" in value and "done" in value:
            found.append(value["message"]["content"])
        else:
            found.append(value.get("delta", {}).get("text"))
    return [text for text in found if text]


@lru_cache(maxsize=4)
def _arguments(pieces: int, as_text: bool) -> Case:
    """A message of Anthropic's that is one text, or one call with a list of small objects for its arguments."""
    items = [f'{{"id":{10_000 + number % 10_000},"on":true}}' for number in range(pieces * PIECE // 23)]
    whole = f'{{"items":[{",".join(items)}]}}'
    parts = [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]
    block: dict[str, Any] = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    deltas: list[dict[str, Any]] = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    if as_text:
        block = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": part} for part in parts]
    message: dict[str, Any] = {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    values: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": pieces}},
        {"type": "message_stop"},
    ]
    frames = [b"event: %s\ndata: %s\n\n" % (value["type"].encode(), orjson.dumps(value)) for value in values]
    return Case(frames, [], [whole], len(deltas))


def _in_bytes(case: Case) -> Case:
    return Case(case.chunks, case.payloads, case.expected, len(case.expected[0]))


LIBRARIES |= {"llm": lambda: {"llm": llm, "at_once": at_once, "turns": turns}, **CLIENTS}
