"""A stream that some server or gateway wrote in a way of its own, and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llm.every_way import read_every_way
from ndstream import llm


@dataclass(frozen=True)
class Odd:
    """A stream, and what must come out of it whatever way it is read.

    Attributes:
        sentence: What the test of it is called.
        frames: The stream.
        text: The text of the reply.
        calls: Name and arguments of each call; None for the arguments of a call that is incomplete.
        verdict: How it ended.
        reason: Why it finished, in the words of all wires.
        thinking: The thoughts.
        kind: The kind of the server's error.
        tokens: Input, output and total.
    """

    sentence: str
    frames: list[bytes]
    text: str = ""
    calls: Sequence[tuple[str | None, Any]] = ()
    verdict: str = "complete"
    reason: llm.FinishReason | None = "stop"
    thinking: str = ""
    kind: str | None = None
    tokens: tuple[int, int, int] | None = None


def check(case: Odd) -> None:
    """Read the stream in every way, and compare all that is said of it."""
    answer = read_every_way(b"".join(case.frames))
    calls = [(call.name, call.arguments) for call in answer.tool_calls]
    assert (answer.text, answer.thinking, calls) == (case.text, case.thinking, list(case.calls))
    assert [call.incomplete for call in answer.tool_calls] == [arguments is None for _, arguments in case.calls]
    assert (answer.ending.verdict, answer.finish_reason) == (case.verdict, case.reason)
    assert not answer.text_revised
    if case.kind is not None:
        assert answer.ending.error.kind == case.kind
    if case.tokens is not None:
        assert (answer.tokens.input, answer.tokens.output, answer.tokens.total) == case.tokens


def sentence(case: Odd) -> str:
    return case.sentence
