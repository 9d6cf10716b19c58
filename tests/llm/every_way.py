"""One stream read in every way that a user may read it: what comes out must be the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from inputs.cuts import cuts
from ndstream import llm


def read_every_way(data: bytes, wire: str | None = None, first: int = 0) -> Any:
    """The answer of a stream: read whole, byte by byte, cut in two and at random, awaited, and by `llm.collect`.

    The texts of the deltas add up to the text, and so do `Reply.texts`, unless the server took text back.
    """
    answer = llm.collect(data, wire, on_incomplete="return")
    expected = _shown(answer)
    for name, chunks in cuts(data, two_way_most=512):
        reply = llm.reply(iter(chunks), wire, on_incomplete="return")
        deltas = list(reply)
        assert _shown(reply) == expected, name
        if not reply.text_revised:
            assert "".join(delta.text for delta in deltas if delta.choice == first) == reply.text, name
            assert "".join(delta.thinking for delta in deltas if delta.choice == first) == reply.thinking, name
    texts = "".join(llm.reply(data, wire, on_incomplete="return").texts())
    assert answer.text_revised or texts == answer.text
    assert asyncio.run(_awaited([data], wire)) == (expected, texts)
    return answer


async def _awaited(chunks: Iterable[bytes], wire: str | None) -> tuple[Any, str]:
    async def source() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    reply = llm.reply(source(), wire, on_incomplete="return")
    texts = [text async for text in reply.texts()]
    return _shown(reply), "".join(texts)


def _shown(answer: Any) -> Any:
    calls = [
        (call.id, call.name, call.type, call.raw, call.arguments, call.complete, call.extra)
        for call in answer.tool_calls
    ]
    texts = (answer.text, answer.thinking, answer.text_revised)
    return answer.wire, texts, calls, answer.usage, answer.body, answer.ending.verdict, answer.ending.evidence
