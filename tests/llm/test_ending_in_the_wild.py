"""How replies end that servers end in ways of their own: errors in odd places, heartbeats, indexes used again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import DONE, sse, typed
from llm.examples import chat_frame
from ndstream import TruncatedError, llm

HI = b"".join(sse(chat_frame({"content": "Hi"})))
STOP = b"".join(sse(chat_frame({}, "stop")))
SENTINEL = DONE


def frames(*values: Any) -> bytes:
    return b"".join(sse(*values))


def error_of(data: bytes) -> llm.ServerError:
    answer = read_every_way(data)
    assert answer.ending.verdict == "error"
    assert isinstance(answer.ending.error, llm.ServerError)
    with pytest.raises(llm.ReplyServerError):
        llm.collect(data)
    return answer.ending.error


ERROR_LINE = b'error: {"code":500,"message":"boom","type":"server_error"}'


class TestErrorsAsAFieldOfTheirOwn:
    @pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\n\n" + SENTINEL, b"", b"\n"])
    @pytest.mark.parametrize("before", [b"", HI, HI + STOP], ids=["first", "after text", "after the reason"])
    def test_a_line_named_error_is_an_error(self, before: bytes, end: bytes) -> None:
        error = error_of(before + ERROR_LINE + end)
        assert (error.message, error.kind, error.code) == ("boom", "server", 500)

    @pytest.mark.parametrize("line", [b"error: upstream gone", b'ERROR:{"error":{"message":"upstream gone"}}'])
    def test_it_may_be_text_or_an_object_with_the_error(self, line: bytes) -> None:
        assert error_of(HI + line + b"\n\n" + SENTINEL).message == "upstream gone"

    def test_an_empty_field_named_error_is_none(self) -> None:
        assert read_every_way(HI + STOP + b"error:\n\n" + SENTINEL).ending.verdict == "complete"


class TestErrorsInOddPlaces:
    @pytest.mark.parametrize("reason", ["abort", "aborted", "ABORT", "failed"])
    def test_a_reply_that_was_aborted_is_not_complete_and_its_call_is_not(self, reason: str) -> None:
        call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
        answer = read_every_way(frames(chat_frame({"tool_calls": [call]}), chat_frame({}, reason)) + SENTINEL)
        assert answer.ending.verdict == "error"
        assert [call.incomplete for call in answer.tool_calls] == [True]

    def test_an_error_inside_the_choice_says_more_than_its_reason(self) -> None:
        frame = chat_frame({}, "error")
        frame["choices"][0]["error"] = {"code": 402, "message": "Insufficient credits"}
        error = error_of(HI + frames(frame) + SENTINEL)
        assert (error.kind, error.retryable, error.message) == ("billing", False, "Insufficient credits")

    def test_an_error_of_groq_is_an_error_though_the_sentinel_follows(self) -> None:
        error = error_of(HI + frames({"choices": [], "x_groq": {"error": "over capacity"}}) + SENTINEL)
        assert (error.kind, error.message) == ("overloaded", "over capacity")

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (1001, "timeout"), (1002, "rate_limit"), (1004, "authentication"), (1008, "billing"), (1013, "server"),
            (1026, "content_filter"), (1027, "content_filter"), (1039, "rate_limit"), (2013, "invalid_request"),
            (2049, "authentication"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("before", [b"", HI])
    def test_a_status_of_minimax_is_an_error(self, before: bytes, code: int, kind: str) -> None:
        told = {"choices": None, "base_resp": {"status_code": code, "status_msg": "no"}}
        error = error_of(before + frames(told))
        assert (error.kind, error.message) == (kind, "no")

    @pytest.mark.parametrize(
        ("answer", "kind", "message"),
        [
            ({"code": 401, "msg": "bad key"}, "authentication", "bad key"),
            ({"status": 429, "title": "Too Many Requests"}, "rate_limit", "Too Many Requests"),
            ({"detail": "Not authenticated", "code": 401}, "authentication", "Not authenticated"),
            (
                {"detail": [{"loc": ["body", "model"], "msg": "field required", "type": "missing"}]},
                "invalid_request",
                "body.model: field required",
            ),
            ({"__type": "ThrottlingException", "message": "slow down"}, "rate_limit", "slow down"),
            ({"success": False, "errors": [{"code": 429, "message": "slow down"}]}, "rate_limit", "slow down"),
        ],
    )
    @pytest.mark.parametrize("indent", [None, 1])
    def test_a_plain_answer_with_what_is_wrong_is_an_error(
        self, answer: dict[str, Any], kind: str, message: str, indent: int | None
    ) -> None:
        error = error_of(json.dumps(answer, indent=indent).encode())
        assert (error.kind, error.message) == (kind, message)

    @pytest.mark.parametrize(
        "answer",
        [
            {"code": 1113, "msg": "no credit"},
            {"code": "InvalidApiKey", "message": "bad key"},
            {"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]},
            {"detail": "Not Found"},
            {"success": False, "errors": [{"code": 429, "message": "slow down"}]},
        ],
    )
    @pytest.mark.parametrize("end", [b"", SENTINEL])
    def test_a_plain_answer_in_the_middle_of_a_stream_is_an_error(self, answer: dict[str, Any], end: bytes) -> None:
        data = HI + frames(answer) + end
        error_of(data)
        assert llm.collect(data, on_incomplete="return").text == "Hi"
        begun = b"".join(typed({"type": "message_start", "message": {"id": "m", "content": []}}))
        error_of(begun + frames(answer))

    def test_a_plain_answer_that_reports_success_is_no_error(self) -> None:
        for frame in ({"code": 200, "msg": "ok"}, {"code": 0, "message": "done"}, {"message": "hello"}):
            assert read_every_way(HI + frames(frame) + STOP + SENTINEL).ending.verdict == "complete"

    def test_an_error_inside_the_delta_is_an_error(self) -> None:
        frame = {"choices": [{"index": 0, "delta": {"error": {"code": 429, "message": "slow down"}}}]}
        assert error_of(HI + frames(frame) + SENTINEL).kind == "rate_limit"

    @pytest.mark.parametrize("nothing", [{}, [], "", None, "null", False, 0])
    def test_an_error_that_says_nothing_is_none(self, nothing: Any) -> None:
        frame = {**chat_frame({"content": "Hi"}, "stop"), "error": nothing, "base_resp": {"status_code": 0}}
        answer = read_every_way(frames(frame) + SENTINEL)
        assert (answer.ending.verdict, answer.text) == ("complete", "Hi")

    def test_a_code_of_zero_is_no_error(self) -> None:
        assert read_every_way(frames({"code": 0, "msg": "ok"})).ending.verdict == "truncated"


@pytest.mark.parametrize("nothing", [False, 0, "", None, {}])
def test_what_is_no_reason_does_not_take_one_back(nothing: Any) -> None:
    answer = read_every_way(HI + STOP + frames(chat_frame({}, nothing)))
    assert (answer.ending.verdict, answer.finish_reason) == ("complete", "stop")


class TestAWireThatIsNotKnown:
    @pytest.mark.parametrize("frame", [{"output": "Hello"}, {"text": "Hello"}, ["Hello"], "Hello"])
    def test_its_sentinel_is_no_end_of_a_reply(self, frame: Any) -> None:
        data = frames(frame, frame) + SENTINEL
        answer = read_every_way(data)
        assert (answer.wire, answer.ending.verdict) == ("unknown", "truncated")
        with pytest.raises(llm.ReplyTruncatedError, match="none of its frames was of a wire that is known"):
            llm.collect(data)

    @pytest.mark.parametrize("wire", [None, "openai-chat"])
    def test_nor_is_it_the_end_of_a_wire_that_is_named(self, wire: str | None) -> None:
        assert read_every_way(frames({"output": "Hello"}) + SENTINEL, wire).ending.verdict == "truncated"

    def test_a_wire_that_is_known_later_ends_as_it_does(self) -> None:
        assert read_every_way(frames({"queue": 3}) + HI + SENTINEL).ending.verdict == "complete"


class TestASentinelAlone:
    @pytest.mark.parametrize("wire", [None, *llm.WIRES])
    @pytest.mark.parametrize("before", [b"", b": ping\n\n", b"data:\n\n"], ids=["nothing", "comment", "no data"])
    def test_it_ends_no_reply_since_none_began(self, before: bytes, wire: str | None) -> None:
        answer = read_every_way(before + SENTINEL, wire)
        assert (answer.ending.verdict, answer.text, answer.tool_calls) == ("truncated", "", [])
        assert [each.sign for each in answer.ending.evidence] == ["sentinel"]
        if not before:
            with pytest.raises(llm.ReplyTruncatedError, match=r"sent \[DONE\], but nothing of a reply") as caught:
                llm.collect(SENTINEL, wire)
            assert caught.value.retryable

    @pytest.mark.parametrize("wire", [None, "openai-chat"])
    @pytest.mark.parametrize("before", [{}, {"type": "ping"}, {"choices": []}, {"choices": [], "usage": {"n": 1}}])
    def test_chat_completions_begin_with_a_choice(self, before: Any, wire: str | None) -> None:
        assert read_every_way(frames(before) + SENTINEL, wire).ending.verdict == "truncated"

    def test_one_frame_of_a_reply_is_enough(self) -> None:
        assert read_every_way(frames({"choices": [{"delta": {}}]}) + SENTINEL).ending.verdict == "complete"

    def test_a_reply_that_its_reader_closes_after_it_is_cancelled(self) -> None:
        with llm.reply(iter([SENTINEL])) as reply:
            pass
        assert reply.ending is not None
        assert reply.ending.verdict == "cancelled"


class TestIdentities:
    def test_a_response_whose_id_changes_from_event_to_event_is_one_response(self) -> None:
        events = typed(
            {"type": "response.created", "response": {"id": "a", "status": "in_progress", "output": []}},
            {"type": "response.output_text.delta", "item_id": "b", "output_index": 0, "delta": "Hi"},
            {"type": "response.in_progress", "response": {"id": "c", "status": "in_progress", "output": []}},
            {"type": "response.completed", "response": {"id": "d", "status": "completed"}},
        )
        answer = read_every_way(b"".join(events))
        assert (answer.ending.verdict, answer.text) == ("complete", "Hi")

    def test_a_block_that_begins_on_an_index_that_was_stopped_is_another_block(self) -> None:
        def block(text: str) -> list[dict[str, Any]]:
            return [
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "."}},
                {"type": "content_block_stop", "index": 0},
            ]

        def call(name: str) -> list[dict[str, Any]]:
            begun = {"type": "tool_use", "id": name, "name": name, "input": {}}
            return [
                {"type": "content_block_start", "index": 0, "content_block": begun},
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "input_json_delta", "partial_json": "{}"},
                },
                {"type": "content_block_stop", "index": 0},
            ]

        events = typed(
            {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": []}},
            *block("A"), *block("B"), *call("f"), *call("g"),
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            {"type": "message_stop"},
        )  # fmt: skip
        answer = read_every_way(b"".join(events))
        assert answer.text == "A.B."
        assert [block.get("text") for block in answer.body["content"][:2]] == ["A.", "B."]
        assert [(call.name, call.arguments) for call in answer.tool_calls] == [("f", {}), ("g", {})]


HEARTBEATS = [
    b"event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":7}\n\n",
    b"event: ping\ndata: {}\n\n",
    b"data: \"\"\n\n",
    b"data: {\"type\":\"ping\"}\n\n",
    b"data: {\"type\":\"response.heartbeat\"}\n\n",
    b"event: heartbeat\ndata: 2026-01-01\n\n",
    b"data: null\n\n",
    b": keep-alive\n\n",
]  # fmt: skip


class TestHeartbeats:
    @pytest.mark.parametrize("beat", HEARTBEATS[:5] + HEARTBEATS[6:])
    def test_they_say_nothing_wherever_they_come(self, beat: bytes) -> None:
        answer = read_every_way(beat + HI + beat + STOP + beat + SENTINEL)
        assert (answer.ending.verdict, answer.text) == ("complete", "Hi")

    @pytest.mark.parametrize("beat", HEARTBEATS)
    def test_they_do_not_put_off_the_idle_timeout(self, beat: bytes) -> None:
        async def source() -> AsyncIterator[bytes]:
            yield HI
            while True:
                await asyncio.sleep(0.01)
                yield beat

        async def main() -> llm.ReplyError:
            with pytest.raises(llm.ReplyTruncatedError) as caught:
                async for _ in llm.reply(source(), idle_timeout=0.1):
                    pass
            return caught.value

        error = asyncio.run(main())
        assert isinstance(error, TruncatedError)
        assert error.reason == "stalled"


def test_an_interaction_that_was_cancelled_is_no_complete_reply() -> None:
    ended = {"event_type": "interaction.completed", "interaction": {"id": "i", "status": "cancelled"}}
    answer = read_every_way(frames({"event_type": "interaction.created", "interaction": {"id": "i"}}, ended))
    assert (answer.ending.verdict, answer.finish_reason, answer.ending.error.code) == ("error", "error", "cancelled")
