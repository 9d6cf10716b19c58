"""A reply says the same for every cut, raises nothing but its own errors, and its deltas add up."""

from __future__ import annotations

from typing import Any

import ndstream
from fuzz.inputs import pieces, split
from ndstream import llm

WIRES = (None, *sorted(llm.WIRES))


def folded(chunks: list[bytes], wire: str | None, on_incomplete: Any) -> tuple[Any, ...]:
    """All that can be seen of a reply."""
    deltas, raised = [], None
    reply = llm.reply(iter(chunks), wire=wire, on_incomplete=on_incomplete)
    try:
        for delta in reply:
            deltas.append((delta.choice, delta.text or ""))
    except (llm.ReplyError, ndstream.StreamError) as error:
        raised = type(error).__name__
    first = reply._state.wire.first_choice
    added = "".join(text for choice, text in deltas if choice == first)
    assert reply.text_revised or added == reply.text, (added, reply.text)
    return (
        reply.text,
        reply.thinking,
        repr(reply.tool_calls),
        repr(reply.finish_reason),
        reply.ending and reply.ending.verdict,
        repr(reply.usage),
        repr(reply.body),
        raised,
    )


def replies(data: bytes) -> None:
    head, stream = split(data)
    wire = WIRES[head[0] % len(WIRES)] if head[1] & 1 else None
    ending = "return" if head[1] & 2 else "raise"
    whole = folded([stream], wire, ending)
    if head[2] & 3:
        return
    cut = folded(pieces(stream, head[3]), wire, ending)
    assert whole == cut, f"{cut} in place of {whole}"
