"""Anthropic's Messages: a message begins, its content comes block by block, then the reason, then the end.

The data names its type, so that servers which leave out the ``event:`` line are read as well.
https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import CallDelta, Delta, FullDelta, SignatureDelta, TextDelta
from ndstream.llm._finish_reason import cuts_output
from ndstream.llm._lenient_readers import as_index, dict_of, label_of, parts_of, text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError
from ndstream.llm._tokens import Tokens, sum_of
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.anthropic_content import Content
from ndstream.llm._wires.output_log import OutputLog
from ndstream.llm._wires.wire import Wire, merged_usage, overlay

_TYPES = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    }
)
# What may bring a signature of thoughts; gateways leave the type of a delta out.
_SIGNED = frozenset({"", "thinking", "thinking_delta", "signature_delta"})
_OF_THE_EVENT = frozenset({"type", "delta", "usage", "error"})


class Anthropic(Wire):
    """Anthropic's ``/v1/messages``, and what imitates it."""

    name: ClassVar[str] = "anthropic"

    def __init__(self) -> None:
        super().__init__()
        self.message: dict[str, Any] | None = None
        self.calls = ToolCalls(self.part_counter)
        self.log = OutputLog()
        self.content = Content(self.part_counter, self.calls, self.log)
        # Where most deltas go.
        self.open_texts = self.content.open_texts
        self.open_thoughts = self.content.open_thoughts
        self.open_calls = self.content.open_calls
        self.foreign = False
        self.whole_seen = False

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        kind = frame.get("type")
        content = frame.get("content")
        whole = kind == "message" and (
            isinstance(content, list)
            or (isinstance(content, str) and "role" in frame)
            or (content is None and "stop_reason" in frame)
        )
        return whole or (isinstance(kind, str) and kind in _TYPES)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        try:
            if frame["type"] == "content_block_delta" and "error" not in frame:
                delta = frame["delta"]
                index = frame["index"]
                # In Python, true equals 1; it is no index.
                if delta["type"] == "text_delta" and index is not True:
                    text = delta["text"]
                    if type(text) is str:
                        self.open_texts[index].append(text)
                        self.log.texts.append(text)
                        plain = TextDelta()
                        plain.raw = frame
                        plain.text = text
                        return plain
                elif delta["type"] == "input_json_delta" and index is not True:
                    calls = self.open_calls[index]
                    text = calls[0].add_and_take(delta["partial_json"])
                    added = CallDelta()
                    added.raw = frame
                    added.tool_calls = calls
                    added.arguments = (text,)
                    return added
                elif delta["type"] == "thinking_delta" and index is not True and len(delta) == 2:
                    thought = delta["thinking"]
                    if type(thought) is str:
                        self.open_thoughts[index].append(thought)
                        self.log.thoughts.append(thought)
                        return FullDelta(frame, "", thought)
        except (KeyError, TypeError):
            pass
        return self.fold_general(frame, event)

    def fold_general(self, frame: Any, event: Event | None) -> Delta:
        """All but the frames that most of a reply consists of."""
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        if self.foreign:
            return FullDelta(frame)
        kind = frame.get("type")
        if kind == "message_start":
            return self.start(dict_of(frame.get("message")), frame)
        if kind == "message":
            known = (self.message or {}).get("id")
            if self.message is not None and (known is None or frame.get("id") in (None, known)):
                # Once is enough, and a server that says it again and again makes no work.
                whole_seen, self.whole_seen = self.whole_seen, True
                return FullDelta(frame) if whole_seen else self.fold_whole(frame)
            self.whole_seen = True
            return self.start(frame, frame)
        if kind == "content_block_start" and dict_of(frame.get("content_block")):
            block = frame["content_block"]
            return self.delta_of_block(frame, self.begin_block(as_index(frame.get("index")) or 0, block), block)
        if kind == "content_block_delta":
            added = dict_of(frame.get("delta"))
            return self.delta_of_block(frame, self.content.add(as_index(frame.get("index")) or 0, added), added)
        if kind == "content_block_stop":
            self.content.stop(as_index(frame.get("index")) or 0)
        elif kind == "message_delta":
            return self.change(frame)
        elif kind == "message_stop":
            self.note_end("message_stop")
            if len(frame) > 1:
                # Bedrock puts its own counts there, and some gateways the usage.
                return self.change(frame)
        return FullDelta(frame)

    def start(self, message: dict[str, Any], frame: dict[str, Any]) -> Delta:
        if self.message is not None:
            # A gateway that tries again within one stream says the same once more, or begins another message.
            if message.get("id") != self.message.get("id"):
                self.foreign = True
                self.open_texts.clear()
                self.open_thoughts.clear()
                self.open_calls.clear()
                if not self.ended:
                    self.note_error(
                        ServerError(
                            f"a second message ({message.get('id')}) begins inside the first "
                            f"({self.message.get('id')}); some gateway has tried again within one stream",
                            "spliced",
                        )
                    )
            return FullDelta(frame)
        self.message = {name: value for name, value in message.items() if name not in ("content", "usage")}
        usage = self.add_usage(message.get("usage"))
        calls = [self.begin_block(index, block) for index, block in enumerate(parts_of(message.get("content")))]
        delta = self.delta(frame, calls, usage)
        if label_of(message.get("stop_reason")):
            self.stop(message["stop_reason"])
            delta.finish_reason = self.finish_reason_of(0)
        return delta

    def delta(
        self, frame: dict[str, Any], calls: Iterable[ToolCall | None] = (), usage: dict[str, Any] | None = None
    ) -> FullDelta:
        """The delta of a frame: what it added to the log, and its calls."""
        return FullDelta(frame, *self.log.new(), [call for call in calls if call is not None], usage)

    def delta_of_block(self, frame: dict[str, Any], call: ToolCall | None, added: dict[str, Any]) -> Delta:
        """The delta of a frame that adds this to one block."""
        is_signed = label_of(added.get("type")) in _SIGNED
        signature = text_of(added.get("signature")) if is_signed else ""
        if not signature:
            return self.delta(frame, [call])
        signed = SignatureDelta(frame, *self.log.new())
        signed.signature = signature
        return signed

    def begin_block(self, index: int, content: dict[str, Any]) -> ToolCall | None:
        """Begin a block. Returns its call, if it is one."""
        if content.get("type") == "fallback" and self.message is not None:
            serving = dict_of(content.get("to")).get("model") or content.get("model")
            self.message["model"] = serving if isinstance(serving, str) else self.message.get("model")
        return self.content.begin(index, content)

    def fold_whole(self, message: dict[str, Any]) -> Delta:
        """Fold a whole message that comes after its events: what it says wins over them."""
        assert self.message is not None
        overlay(self.message, message, ("content", "usage"))
        usage = self.add_usage(message.get("usage"))
        calls = self.content.fold_whole(message.get("content"))
        reason = label_of(message.get("stop_reason"))
        if reason:
            self.stop(reason)
        delta = self.delta(message, calls, usage)
        delta.finish_reason = self.finish_reason_of(0) if reason else None
        return delta

    def change(self, frame: dict[str, Any]) -> Delta:
        """What is known of the message only towards its end."""
        if self.message is None:
            self.message = {}
        delta = dict_of(frame.get("delta"))
        overlay(self.message, delta, ("usage",))
        overlay(self.message, frame, _OF_THE_EVENT)
        usage = self.add_usage(dict_of(frame.get("usage")) or delta.get("usage"))
        reason = label_of(delta.get("stop_reason"))
        if reason:
            self.stop(reason)
        return FullDelta(frame, usage=usage, finish_reason=self.finish_reason_of(0) if reason else None)

    def stop(self, reason: str) -> None:
        self.note_finish_reason(reason)
        cut = cuts_output(reason)
        if cut:
            self.content.cut_last()
        self.calls.finish(complete=not cut)

    def add_usage(self, usage: Any) -> dict[str, Any] | None:
        """Counts are of the whole so far: each one that comes again replaces what it was."""
        self.usage = merged_usage(self.usage, usage)
        return dict_of(usage) or None

    def finish(self, complete: bool) -> None:
        self.calls.finish(complete=complete)

    @property
    def complete(self) -> bool:
        return self.ended or any(each.sign == "finish_reason" for each in self.evidence)

    def has_client_calls(self, choice: int) -> bool:
        return self.calls.has_client_calls

    @property
    def body(self) -> Any:
        if self.message is None and not self.content.blocks:
            return None
        body = {**(self.message or {}), "content": [block.body() for block in self.content.in_order()]}
        if self.usage is not None:
            body["usage"] = dict(self.usage)
        return body

    @property
    def text(self) -> str:
        return self.content.join("text") if self.log.text_revised else self.log.text

    @property
    def text_revised(self) -> bool:
        return self.log.text_revised

    @property
    def thinking(self) -> str:
        return self.content.join("thinking") if self.log.thinking_revised else self.log.thinking

    @property
    def tool_calls(self) -> list[ToolCall]:
        return list(self.calls)

    @property
    def tokens(self) -> Tokens:
        # Their input leaves out what was read from the cache or written to it.
        usage = self.usage or {}
        cached = usage.get("cache_read_input_tokens")
        return Tokens.of(
            input=sum_of(usage.get("input_tokens"), cached, usage.get("cache_creation_input_tokens")),
            cached_input=cached,
            output=usage.get("output_tokens"),
            reasoning=dict_of(usage.get("output_tokens_details")).get("thinking_tokens"),
        )

    @property
    def metrics(self) -> Metrics:
        usage = self.usage or {}
        return Metrics.of("usage", prompt_tokens=usage.get("input_tokens"), output_tokens=usage.get("output_tokens"))
