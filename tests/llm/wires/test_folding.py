"""The rules of folding, held to by the wires other than chat and Responses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import lines, sse, typed
from llm.examples import ollama_frame
from llm.examples_typed import STARTED, gemini_frame
from ndstream import llm

NOTHING: list[Any] = [None, "", "null", [], {}]


def read(frames: list[bytes], first: int = 0) -> Any:
    return read_every_way(b"".join(frames), first=first)


def text_delta(index: int, text: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


BEGUN = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


class TestAnthropic:
    MESSAGE: Any = STARTED["message"]

    def whole(self, *content: Any, **fields: Any) -> dict[str, Any]:
        return {**self.MESSAGE, "content": list(content), "stop_reason": "end_turn", **fields}

    @pytest.mark.parametrize("nothing", NOTHING, ids=repr)
    def test_what_says_nothing_replaces_begins_and_ends_nothing(self, nothing: Any) -> None:
        odd = {"stop_reason": nothing, "stop_sequence": nothing}
        answer = read(
            typed(
                STARTED,
                BEGUN,
                text_delta(0, "Hi"),
                {"type": "content_block_start", "index": 1, "content_block": nothing},
                {"type": "content_block_delta", "index": 2, "delta": nothing},
                text_delta(3, ""),
                {"type": "content_block_stop", "index": 4},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
                {"type": "message_delta", "delta": odd, "model": nothing, "usage": nothing},
            )
        )
        assert answer.body["content"] == [{"type": "text", "text": "Hi"}]
        assert (answer.ending.verdict, answer.body["stop_reason"]) == ("complete", "end_turn")
        assert answer.body["model"] == self.MESSAGE["model"]
        assert answer.usage["output_tokens"] == 7

    def test_a_stop_reason_that_says_nothing_is_no_end(self) -> None:
        for nothing in NOTHING:
            frames = typed(STARTED, {"type": "message_delta", "delta": {"stop_reason": nothing}})
            assert read(frames).ending.verdict == "truncated"

    def test_zero_tokens_of_input_are_none_that_were_counted(self) -> None:
        usage = {"input_tokens": 0, "output_tokens": 5, "cache_read_input_tokens": 0}
        started = {**STARTED, "message": {**self.MESSAGE, "usage": {"input_tokens": 9, "cache_read_input_tokens": 4}}}
        last = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
        assert read(typed(started, last)).usage == {**usage, "input_tokens": 9}

    @pytest.mark.parametrize(
        ("text", "deltas", "revised"),
        [("Hi", ["Hi"], False), ("Hi you", ["Hi", " you"], False), ("Ho", ["Hi"], True), ("", ["Hi"], False)],
        ids=["same", "goes on", "changes", "empty"],
    )
    def test_a_whole_message_at_the_end_wins_over_its_events(self, text: str, deltas: list[str], revised: bool) -> None:
        tool = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
        frames = typed(
            STARTED,
            BEGUN,
            text_delta(0, "Hi"),
            {"type": "content_block_stop", "index": 0},
            self.whole({"type": "text", "text": text}, tool),
        )
        assert [delta.text for delta in llm.reply(iter(frames)) if delta.text] == deltas
        answer = read(frames)
        assert (answer.text, answer.text_revised, answer.ending.verdict) == (text or "Hi", revised, "complete")
        assert [(call.name, call.arguments) for call in answer.tool_calls] == [("f", {"a": 1})]

    def test_whole_thoughts_win_over_their_pieces(self) -> None:
        thought = {"type": "thinking", "thinking": "Hi."}
        piece = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Ho."}}
        answer = llm.collect(iter(typed(STARTED, piece, self.whole(thought))))
        assert (answer.thinking, answer.text_revised) == ("Hi.", False)
        assert answer.body["content"] == [thought]

    def test_texts_of_blocks_side_by_side_are_in_the_order_in_which_they_came(self) -> None:
        frames = typed(STARTED, text_delta(1, "b"), text_delta(0, "a"), text_delta(1, "B"), {"type": "message_stop"})
        answer = read(frames)
        assert (answer.text, answer.text_revised) == ("baB", False)
        assert [part["text"] for part in answer.body["content"]] == ["a", "bB"]

    def test_a_message_that_is_not_streamed_is_as_it_came(self) -> None:
        content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "citations": [{"n": 1}]}]
        message = self.whole(*content, usage={"input_tokens": 1, "output_tokens": 2})
        assert read_every_way(json.dumps(message).encode()).body == message


class TestGemini:
    @pytest.mark.parametrize("nothing", [*NOTHING, "FINISH_REASON_UNSPECIFIED"], ids=repr)
    def test_what_says_nothing_replaces_begins_and_ends_nothing(self, nothing: Any) -> None:
        frames = sse(
            gemini_frame([{"text": "Hi"}], "STOP", modelVersion="m", usageMetadata={"promptTokenCount": 3}),
            gemini_frame([{}], nothing, modelVersion=nothing, usageMetadata=nothing),
        )
        answer = read(frames)
        assert (answer.text, answer.ending.verdict, answer.ending.finish_reason) == ("Hi", "complete", "STOP")
        assert answer.body["candidates"][0]["finishReason"] == "STOP"
        assert answer.body["candidates"][0]["content"]["parts"] == [{"text": "Hi"}]
        if nothing != "FINISH_REASON_UNSPECIFIED":
            assert answer.body["modelVersion"] == "m"
            assert answer.usage == {"promptTokenCount": 3}

    @pytest.mark.parametrize("value", [None, 0, 1, "", "true", "false", {}])
    def test_only_true_makes_a_part_a_thought(self, value: Any) -> None:
        answer = read(sse(gemini_frame([{"text": "Hi", "thought": value}], "STOP")))
        assert (answer.text, answer.thinking) == ("Hi", "")

    def test_log_probabilities_are_of_the_tokens_of_their_frame(self) -> None:
        frames = [gemini_frame([{"text": text}]) for text in "ab"]
        for frame, token in zip(frames, "ab", strict=True):
            frame["candidates"][0]["logprobsResult"] = {"chosenCandidates": [{"token": token}], "topCandidates": []}
        answer = read(sse(*frames, gemini_frame([], "STOP")))
        assert answer.body["candidates"][0]["logprobsResult"] == {
            "chosenCandidates": [{"token": "a"}, {"token": "b"}],
            "topCandidates": [],
        }

    def test_one_object_in_place_of_a_list_is_read(self) -> None:
        frame = {"candidates": {"content": {"parts": {"text": "Hi"}}, "finishReason": "STOP"}}
        assert read(sse(frame)).text == "Hi"

    def test_candidates_without_an_index_are_told_apart_by_their_position(self) -> None:
        frame = {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"} for text in "ab"]}
        answer = read(sse(frame))
        assert answer.text == "a"
        assert [each["content"]["parts"][0]["text"] for each in answer.body["candidates"]] == ["a", "b"]

    def test_without_a_candidate_0_the_text_is_that_of_the_lowest(self) -> None:
        frame = {"candidates": [{"index": 1, "content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
        assert read(sse(frame), first=1).text == "Hi"
        assert list(llm.reply(iter(sse(frame))).texts()) == ["Hi"]


class TestOllama:
    @pytest.mark.parametrize("nothing", NOTHING, ids=repr)
    def test_what_says_nothing_replaces_begins_and_ends_nothing(self, nothing: Any) -> None:
        odd = {"role": nothing, "content": "", "tool_calls": nothing, "thinking": nothing}
        frames = lines(
            ollama_frame({"role": "assistant", "content": "Hi"}),
            ollama_frame(odd, done_reason=nothing) | {"model": nothing},
        )
        answer = read(frames)
        assert (answer.text, answer.tool_calls, answer.ending.verdict) == ("Hi", [], "truncated")
        assert (answer.body["model"], answer.body["message"]["role"]) == ("m", "assistant")

    @pytest.mark.parametrize(
        "call",
        [
            {"function": {"name": "f", "arguments": {"a": 1}}},
            {"name": "f", "arguments": {"a": 1}},
            {"function": {"name": "f", "arguments": '{"a":1}'}},
        ],
        ids=["nested", "flat", "text"],
    )
    def test_a_call_is_found_wherever_a_server_writes_it(self, call: Any) -> None:
        for calls in ([call], call, [call, {}]):
            message = {"role": "assistant", "content": "", "tool_calls": calls}
            answer = read(lines(ollama_frame(message, True, done_reason="stop")))
            assert [(each.name, each.arguments) for each in answer.tool_calls] == [("f", {"a": 1})]


class TestCohere:
    def event(self, kind: str, message: Any, **fields: Any) -> dict[str, Any]:
        return {"type": kind, "index": 0, "delta": {"message": message}, **fields}

    def test_log_probabilities_of_each_frame_are_kept(self) -> None:
        probabilities = [{"text": text, "token_ids": [number], "logprobs": [-0.5]} for number, text in enumerate("ab")]
        events = [
            self.event("content-delta", {"content": {"type": "text", "text": text}}, logprobs=each)
            for text, each in zip("ab", probabilities, strict=True)
        ]
        answer = read(typed(*events, {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}))
        assert (answer.text, answer.body["logprobs"]) == ("ab", probabilities)

    def test_lists_in_the_content_are_pieces_of_longer_ones(self) -> None:
        events = [
            self.event("content-delta", {"content": {"text": text, "logprobs": {"token_ids": [number]}}})
            for number, text in enumerate("ab")
        ]
        answer = read(typed(*events, {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}))
        assert answer.body["message"]["content"] == [{"text": "ab", "logprobs": {"token_ids": [0, 1]}}]

    @pytest.mark.parametrize("reason", NOTHING, ids=repr)
    def test_calls_may_be_written_as_a_list_and_flat(self, reason: Any) -> None:
        call = {"id": "c", "type": "function", "name": "f", "arguments": ""}
        frames = typed(
            self.event("tool-call-start", {"tool_calls": [call]}),
            self.event("tool-call-delta", {"tool_calls": {"function": {"arguments": '{"a":1}'}}}),
            self.event("tool-call-end", {}),
            {"type": "message-end", "delta": {"finish_reason": reason}},
        )
        assert [(each.name, each.arguments) for each in read(frames).tool_calls] == [("f", {"a": 1})]


class TestLMStudio:
    def test_events_of_a_call_after_the_result_raise_nothing(self) -> None:
        result = {"output": [{"type": "tool_call", "tool": "f", "arguments": {"a": 1}}]}
        end = {"type": "chat.end", "result": result}
        answer = read(typed({"type": "chat.start"}, end, {"type": "tool_call.success", "output": "x"}))
        assert [(call.name, call.arguments) for call in answer.tool_calls] == [("f", {"a": 1})]
        assert answer.body == result


class TestWholesAtTheEnd:
    def tgi(self, final: str) -> list[bytes]:
        tokens = [{"token": {"id": 1, "text": text, "special": False}} for text in ("H", "i")]
        return sse(*tokens, {"token": {"id": 2, "text": "</s>", "special": True}, "generated_text": final})

    def lm_studio(self, final: str) -> list[bytes]:
        deltas = [{"type": "message.delta", "content": text} for text in ("H", "i")]
        result = {"output": [{"type": "message", "content": final}]}
        return typed({"type": "chat.start"}, {"type": "message.start"}, *deltas, {"type": "chat.end", "result": result})

    def cohere(self, final: str) -> list[bytes]:
        deltas = [
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"type": "text", "text": text}}}}
            for text in ("H", "i")
        ]
        message = {"role": "assistant", "content": [{"type": "text", "text": final}]}
        return sse(*deltas, {"message": message, "finish_reason": "COMPLETE"})

    @pytest.mark.parametrize("wire", ["tgi", "lm_studio", "cohere"])
    @pytest.mark.parametrize(
        ("final", "deltas", "revised"),
        [
            ("Hi", ["H", "i"], False),
            ("Hi you", ["H", "i", " you"], False),
            ("Ho", ["H", "i"], True),
            ("", ["H", "i"], False),
        ],
        ids=["same", "goes on", "changes", "empty"],
    )
    def test_it_wins_over_its_pieces(self, wire: str, final: str, deltas: list[str], revised: bool) -> None:
        frames = getattr(self, wire)(final)
        assert [delta.text for delta in llm.reply(iter(frames)) if delta.text] == deltas
        answer = read(frames)
        assert (answer.text, answer.text_revised, answer.ending.verdict) == (final or "Hi", revised, "complete")
