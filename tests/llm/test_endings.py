"""The ending: a verdict for every way in which a stream can stop, and the evidence for it."""

from __future__ import annotations

import pytest

from llm.examples import EXAMPLES, Example, ids
from ndstream import llm


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_a_cut_behind_any_frame_is_truncated_until_the_server_is_done(example: Example) -> None:
    for count in range(len(example.frames)):
        answer = llm.collect(iter(example.frames[:count]), on_incomplete="return")
        assert answer.ending is not None
        wanted = "complete" if count >= example.ends_at else "truncated"
        assert answer.ending.verdict == wanted, count


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_a_cut_inside_any_frame_is_truncated_and_keeps_what_came(example: Example) -> None:
    for count, frame in enumerate(example.frames[: example.ends_at]):
        half = [*example.frames[:count], frame[: len(frame) // 2]]
        with pytest.raises(llm.ReplyTruncatedError) as caught:
            llm.collect(iter(half))
        whole = llm.collect(iter(half[:-1]), on_incomplete="return")
        assert caught.value.reply.body == whole.body
        assert caught.value.retryable
        assert caught.value.output_started == bool(whole.text or whole.thinking or whole.tool_calls)
