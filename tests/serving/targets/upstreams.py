"""The upstreams that targets are fed with, by name: made ones that show one thing each, and those of every wire."""

from __future__ import annotations

from inputs.recordings import FILES
from llm.examples import EXAMPLES
from serving.made_replies import DONE, call, chunk, reply

ROME, PARIS = '{"city":"Rome"}', '{"city":"Paris","days":[1,2]}'

MADE = {
    "text": reply(chunk(text="Hel"), chunk(text="lo \u2028\u0085 Ü😀")),
    "thinking": reply(chunk(thinking="h"), chunk(thinking="m"), chunk(text="a"), chunk(thinking="so"), chunk(text="b")),
    "tools": reply(
        chunk(text="a"),
        chunk(calls=[call(0, "c1", "weather")]),
        chunk(calls=[call(0, arguments=ROME[:7])]),
        chunk(calls=[call(0, arguments=ROME[7:])]),
        chunk(calls=[call(1, "c2", "weather", PARIS)]),
        chunk(calls=[call(2, "c3", "now")]),
        reason="tool_calls",
    ),
    "usage": reply(chunk(text="Hi")),
    # Sent with pauses, in which heartbeats come.
    "silence": reply(chunk(text="Hi"), chunk(text=" there")),
    "length": reply(chunk(text="Hi"), reason="length"),
    "cut call": reply(chunk(calls=[call(0, "c1", "weather", ROME[:7])]), reason="length"),
    "refusal": reply(chunk(refusal="I will not.")),
    "error": chunk(text="Hi") + b'data: {"error":{"message":"too busy","code":503}}\n\n' + DONE,
    "cut": chunk(text="Hi"),
    "nothing": b"",
}
"""Replies of the OpenAI chat wire."""


def upstreams() -> dict[str, bytes]:
    """All of them by name."""
    found = dict(MADE)
    for example in EXAMPLES:
        found[f"{example.wire}: {example.name}"] = example.data
        if example.ends_at > 1:
            found[f"{example.wire}: {example.name}, cut"] = b"".join(example.frames[: example.ends_at - 1])
    for path in FILES:
        if not path.name.startswith("mcp--"):
            found[path.name] = path.read_bytes()
    return found
