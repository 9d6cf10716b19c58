"""The ending: a verdict for every way in which a stream can stop, and the evidence for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from llm.example import DONE, lines, sse, typed
from llm.examples import EXAMPLES, Example, by_name, chat_frame, ids, ollama_frame
from llm.examples_typed import LM_STUDIO_FRAMES, STARTED, gemini_frame, message, stopped
from ndstream import llm

CHAT = by_name("openai text")


def ending_of(source: Any, wire: str | None = None) -> llm.Ending:
    answer: llm.Answer = llm.collect(source, wire, on_incomplete="return")
    ending = answer.ending
    assert ending is not None
    return ending


def signs(ending: llm.Ending) -> list[str]:
    return [each.sign for each in ending.evidence]


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


def test_a_sentinel_alone_is_an_end() -> None:
    ending = ending_of(b"".join([*sse(chat_frame({"content": "Hi"})), DONE]))
    assert (ending.verdict, signs(ending)) == ("complete", ["sentinel"])


def test_a_finish_reason_alone_is_an_end() -> None:
    ending = ending_of(b"".join(sse(chat_frame({"content": "Hi"}, "stop"))))
    assert (ending.verdict, signs(ending)) == ("complete", ["finish_reason", "end_of_stream"])
    assert ending.finish_reason == "stop"


def test_all_that_was_seen_of_an_end_is_told() -> None:
    assert signs(ending_of(CHAT.data)) == ["finish_reason", "sentinel"]


def test_one_choice_of_two_that_finished_is_no_end() -> None:
    frames = sse(chat_frame({"content": "a"}, "stop"), chat_frame({"content": "b"}, index=1))
    assert ending_of(iter(frames)).verdict == "truncated"


def test_a_done_reason_without_done_is_an_end() -> None:
    frames = lines(ollama_frame({"content": "a"}), ollama_frame({"content": ""}, done_reason="stop"))
    assert ending_of(iter(frames)).verdict == "complete"


def test_a_sentinel_that_a_proxy_adds_to_another_wire_is_no_harm() -> None:
    for name in ("responses with a thought, a text and a call", "anthropic thinks, speaks and calls"):
        assert ending_of(by_name(name).data + DONE).verdict == "complete"


def test_a_usage_chunk_behind_the_finish_reason_is_taken() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    frames = sse(chat_frame({"content": "a"}, "stop"), {**chat_frame({}), "choices": [], "usage": usage})
    answer = llm.collect(iter([*frames, DONE, DONE]))
    assert answer.usage == usage
    assert answer.ending is not None
    assert signs(answer.ending).count("sentinel") == 1


def test_early_finish_reasons_of_gemini_end_nothing_and_the_last_one_counts() -> None:
    frames = [
        gemini_frame([{"text": text}], reason) for text, reason in (("a", "STOP"), ("b", "STOP"), ("c", "MAX_TOKENS"))
    ]
    answer = llm.collect(iter(sse(*frames, end=b"\r\n")))
    assert answer.text == "abc"
    assert answer.ending is not None
    assert answer.ending.finish_reason == "MAX_TOKENS"


def test_an_anthropic_stop_reason_without_message_stop_is_an_end() -> None:
    assert ending_of(iter(typed(STARTED, *stopped("end_turn", {"output_tokens": 1})[:1]))).verdict == "complete"


class Broken(Exception):
    """What a source of ours raises."""


def failing(frames: list[bytes]) -> Iterator[bytes]:
    yield from frames
    raise Broken("reset by peer")


def test_a_source_that_fails_is_told_from_a_clean_end() -> None:
    with pytest.raises(llm.ReplyTruncatedError) as caught:
        llm.collect(failing(CHAT.frames[:2]))
    error = caught.value
    assert error.reason == "source_failed"
    assert isinstance(error.__cause__, Exception)
    assert isinstance(error.__cause__.__cause__, Broken)
    assert error.reply.text == "Hel"
    assert error.reply.ending is not None
    assert error.reply.ending.evidence[-1] == llm.Evidence("transport_error", "Broken: reset by peer")


def test_a_source_that_fails_behind_the_end_is_no_harm() -> None:
    for frames in (CHAT.frames[:4], by_name("ollama chat").frames):
        ending = ending_of(failing(frames))
        assert ending.verdict == "complete"
        assert signs(ending)[-1] == "transport_error"


def test_a_reply_that_its_reader_closes_is_cancelled() -> None:
    with llm.reply(iter(CHAT.frames)) as reply:
        next(reply)
        next(reply)
    assert reply.ending is not None
    assert (reply.ending.verdict, signs(reply.ending)) == ("cancelled", ["closed"])
    assert list(reply) == []
    assert reply.text == "Hel"


def test_a_reply_that_is_closed_behind_its_end_is_complete() -> None:
    with llm.reply(iter(CHAT.frames)) as reply:
        for _ in zip(range(4), reply, strict=False):
            pass
    assert reply.ending is not None
    assert reply.ending.verdict == "complete"


def test_there_is_no_ending_while_a_reply_goes_on() -> None:
    reply = llm.reply(iter(CHAT.frames))
    assert reply.ending is None
    next(reply)
    assert reply.ending is None


@pytest.mark.parametrize("data", [b"", b"\n\n", b": ping\n\n" * 3, b"data:\n\n", b"[]"])
def test_a_stream_without_a_frame_is_truncated(data: bytes) -> None:
    with pytest.raises(llm.ReplyTruncatedError) as caught:
        llm.collect(data)
    assert not caught.value.output_started
    assert caught.value.reply.body is None


def test_heartbeats_alone_are_truncated_and_the_clock_tells_them_from_silence() -> None:
    for beat, payload in ((b": ping\n\n", False), (b'event: ping\ndata: {"type": "ping"}\n\n', True)):
        answer = llm.collect(iter([beat] * 3), on_incomplete="return")
        assert answer.ending is not None
        assert answer.ending.verdict == "truncated"
        assert answer.times.first_byte is not None
        assert (answer.times.first_payload is not None) == payload
        assert answer.times.first_text is None


def test_pings_before_the_first_frame_tell_no_wire() -> None:
    answer = llm.collect(iter([b'event: ping\ndata: {"type": "ping"}\n\n', *CHAT.frames]))
    assert (answer.wire, answer.body) == ("openai-chat", CHAT.body)


def test_frames_of_no_known_wire_are_truncated_and_the_error_says_what_to_do() -> None:
    with pytest.raises(llm.ReplyTruncatedError, match="wire="):
        llm.collect(b'{"jsonrpc":"2.0"}\n{"jsonrpc":"2.0"}\n')


def test_an_error_that_lm_studio_reports_before_its_end_is_an_error_with_the_result() -> None:
    error = {"type": "error", "error": {"type": "internal_error", "message": "out of memory", "code": None}}
    with pytest.raises(llm.ReplyServerError, match="out of memory") as caught:
        llm.collect(iter(typed(*LM_STUDIO_FRAMES[:-1], error, LM_STUDIO_FRAMES[-1])))
    assert caught.value.reply.body == LM_STUDIO_FRAMES[-1]["result"]
    assert caught.value.output_started


def test_a_second_message_start_with_the_same_id_is_passed_over() -> None:
    example = by_name("anthropic thinks, speaks and calls")
    frames = [*example.frames[:3], example.frames[0], *example.frames[3:]]
    assert llm.collect(iter(frames)).body == example.body


def test_a_second_message_inside_the_first_is_an_error_and_changes_nothing() -> None:
    example = by_name("anthropic thinks, speaks and calls")
    other = typed({"type": "message_start", "message": message([], None, {}, id="msg_2")})
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(iter([*example.frames[:9], *other, *example.frames[1:]]))
    assert (caught.value.kind, caught.value.reason) == ("spliced", "spliced")
    assert caught.value.reply.text == "I will"


def test_another_response_inside_the_first_is_an_error() -> None:
    example = by_name("responses with a thought, a text and a call")
    other = typed({"type": "response.created", "response": {"id": "resp_2"}})
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(iter([*example.frames[:9], *other]))
    assert caught.value.kind == "spliced"


def test_a_server_that_repeats_its_reason_for_ever_costs_no_memory() -> None:
    frame = sse(chat_frame({}, "stop"))[0] + sse(chat_frame({}, "length"))[0]
    ending = ending_of(iter([frame * 3000]))
    assert len(ending.evidence) == 1000
    assert ending.finish_reason == "length"


def test_the_verdict_is_left_to_the_reader_who_asks_for_that() -> None:
    reply = llm.reply(iter(CHAT.frames[:2]), on_incomplete="return")
    assert len(list(reply)) == 2
    assert reply.ending is not None
    assert reply.ending.verdict == "truncated"


def test_options_are_checked_at_once() -> None:
    with pytest.raises(ValueError, match="wire must be one of 'openai-chat'"):
        llm.reply(b"", "openai")
    with pytest.raises(ValueError, match="on_incomplete"):
        llm.reply(b"", on_incomplete="ignore")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="max_frame_size"):
        llm.reply(b"", max_frame_size=0)
    with pytest.raises(TypeError, match="bytes"):
        llm.reply({b"a": 1})
