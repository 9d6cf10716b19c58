"""Anthropic's Messages: blocks by index, each begun, added to and ended; then the reason, then the end.

The data names its type, so that servers which leave out the ``event:`` line are read as well.
https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import CallDelta, Delta, FullDelta, TextDelta
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, label_of, text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError
from ndstream.llm._tokens import Tokens, sum_of
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.merging import Piece
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
_TOOLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_CUT = frozenset({"max_tokens", "model_context_window_exceeded"})
_NO_INDEX = float("nan")
"""Unlike any index, itself included."""
_TEXTS = ("text", "thinking")
_JOINED = {"text_delta": "text", "thinking_delta": "thinking"}


class _Block(Piece):
    """One block of the content."""

    __slots__ = ("call", "index", "stopped")

    def __init__(self, index: int) -> None:
        super().__init__()
        self.call: ToolCall | None = None
        self.index = index
        self.stopped = False

    def body(self) -> dict[str, Any]:
        if self.call is not None and self.call.arguments is not None:
            return {**super().body(), "input": self.call.arguments}
        return super().body()


class Anthropic(Wire):
    """Anthropic's ``/v1/messages``, and what imitates it."""

    name: ClassVar[str] = "anthropic"

    def __init__(self) -> None:
        super().__init__()
        self.message: dict[str, Any] | None = None
        # All blocks as they came, those that an index means now, and the one with the greatest index.
        self.blocks: list[_Block] = []
        self.current: dict[int, _Block] = {}
        self.last: _Block | None = None
        self.calls = ToolCalls(self.room)
        # Where most deltas go: the texts of the block that text came for last, and calls by their index.
        self.index: float = _NO_INDEX
        self.texts: list[str] = []
        self.log = OutputLog()
        self.by_index: dict[int, tuple[ToolCall]] = {}
        self.foreign = False
        self.whole_seen = False

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        kind = frame.get("type")
        whole = kind == "message" and isinstance(frame.get("content"), list)
        return whole or (isinstance(kind, str) and kind in _TYPES)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        try:
            if frame["type"] == "content_block_delta":
                delta = frame["delta"]
                index = frame["index"]
                # In Python, true equals 1; it is no index.
                if delta["type"] == "text_delta" and index == self.index and index is not True:
                    text = delta["text"]
                    if type(text) is str:
                        self.texts.append(text)
                        self.log.texts.append(text)
                        plain = TextDelta()
                        plain.raw = frame
                        plain.text = text
                        return plain
                elif delta["type"] == "input_json_delta" and index is not True:
                    calls = self.by_index[index]
                    text = calls[0].add_and_take(delta["partial_json"])
                    added = CallDelta()
                    added.raw = frame
                    added.tool_calls = calls
                    added.arguments = (text,)
                    return added
        except (KeyError, TypeError):
            pass
        return self.fold_general(frame, event)

    def fold_general(self, frame: Any, event: Event | None) -> Delta:
        """All but the frames that most of a reply consists of."""
        if not isinstance(frame, dict) or self.look_for_error(frame, event) or self.foreign:
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
            begun = self.start_block(as_index(frame.get("index")) or 0, dict_of(frame.get("content_block")))
            return self.delta(frame, [begun])
        if kind == "content_block_delta":
            return self.add(as_index(frame.get("index")) or 0, dict_of(frame.get("delta")), frame)
        if kind == "content_block_stop":
            self.stop_block(as_index(frame.get("index")) or 0)
        elif kind == "message_delta":
            return self.change(frame)
        elif kind == "message_stop":
            self.note_end("message_stop")
        return FullDelta(frame)

    def start(self, message: dict[str, Any], frame: dict[str, Any]) -> Delta:
        if self.message is not None:
            # A gateway that tries again within one stream says the same once more, or begins another message.
            if message.get("id") != self.message.get("id"):
                self.foreign = True
                self.index = _NO_INDEX
                self.by_index.clear()
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
        calls = [self.start_block(index, block) for index, block in enumerate(dicts_of(message.get("content")))]
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

    def start_block(self, index: int, content: dict[str, Any]) -> ToolCall | None:
        """Begin a block. Returns its call, if it is one."""
        block = self.current.get(index)
        if block is not None and block.stopped:
            # The index is used again: this is another block.
            del self.current[index]
            self.by_index.pop(index, None)
            self.index = _NO_INDEX
        elif block is not None and block.fields:
            return None
        block = self.block(index)
        block.add(content, ("text", "thinking"))
        kind = content.get("type")
        if isinstance(kind, str) and kind in _TOOLS:
            given = content.get("input")
            block.call = self.calls.open(
                id=content.get("id"),
                index=index,
                name=content.get("name"),
                arguments=given if given else None,
                type=kind,
            )
            self.by_index[index] = (block.call,)
        if kind == "fallback" and self.message is not None:
            serving = dict_of(content.get("to")).get("model") or content.get("model")
            self.message["model"] = serving if isinstance(serving, str) else self.message.get("model")
        self.log.add_text(text_of(content.get("text")))
        self.log.add_thought(text_of(content.get("thinking")))
        return block.call

    def stop_block(self, index: int) -> None:
        block = self.current.get(index)
        if block is not None:
            block.stopped = True
            if block.call is not None:
                block.call.close()

    def fold_whole(self, message: dict[str, Any]) -> Delta:
        """Fold a whole message that comes after its events: what it says wins over them."""
        assert self.message is not None
        overlay(self.message, {name: value for name, value in message.items() if name not in ("content", "usage")})
        usage = self.add_usage(message.get("usage"))
        known = self.in_order()
        calls: list[ToolCall | None] = []
        for position, content in enumerate(dicts_of(message.get("content"))):
            block = known[position] if position < len(known) else None
            if block is None or block.fields.get("type") != content.get("type"):
                calls.append(self.start_block(0 if self.last is None else self.last.index + 1, content))
                continue
            for name in _TEXTS:
                if name in content:
                    self.set_final(block, name, text_of(content[name]))
            block.add({name: value for name, value in content.items() if name not in (*_TEXTS, "input")}, ())
            if block.call is not None:
                block.call.set_final_arguments(content.get("input"))
                calls.append(block.call)
        reason = label_of(message.get("stop_reason"))
        if reason:
            self.stop(reason)
        delta = self.delta(message, calls, usage)
        delta.finish_reason = self.finish_reason_of(0) if reason else None
        return delta

    def set_final(self, block: _Block, name: str, text: str) -> None:
        added = block.set_final(name, text)
        if name == "text":
            self.log.text_revised = self.log.text_revised or added is None
            self.log.add_text(added or "")
        else:
            self.log.thinking_revised = self.log.thinking_revised or added is None
            self.log.add_thought(added or "")

    def block(self, index: int) -> _Block:
        """The block that an index means now."""
        block = self.current.get(index)
        if block is None:
            block = _Block(index)
            if not self.room.take():
                return block
            self.current[index] = block
            self.blocks.append(block)
            if self.last is None or index >= self.last.index:
                self.last = block
        return block

    def add(self, index: int, delta: dict[str, Any], frame: dict[str, Any]) -> Delta:
        kind = delta.get("type")
        name = _JOINED.get(kind) if isinstance(kind, str) else None
        value = "" if name is None else text_of(delta.get(name))
        if index not in self.current and not value and (name is not None or not delta):
            # What says nothing begins no block.
            return FullDelta(frame)
        block = self.block(index)
        if name is not None:
            block.fields.setdefault("type", name)
            parts = block.join(name, value)
            if name == "thinking":
                self.log.add_thought(value)
            else:
                self.index, self.texts = index, parts
                self.log.add_text(value)
            return self.delta(frame)
        if kind == "input_json_delta":
            if block.call is None:
                block.fields.setdefault("type", "tool_use")
                block.call = self.calls.open(index=index)
                self.by_index[index] = (block.call,)
            block.call.add_arguments(delta.get("partial_json"))
            return FullDelta(frame, tool_calls=(block.call,))
        if kind == "citations_delta":
            block.extend("citations", [delta.get("citation")])
        else:
            # signature_delta, compaction_delta, and those to come: the last one counts.
            block.add({key: value for key, value in delta.items() if key != "type" and key not in block.texts}, ())
        return FullDelta(frame)

    def change(self, frame: dict[str, Any]) -> Delta:
        """What is known of the message only towards its end."""
        if self.message is None:
            self.message = {}
        delta = dict_of(frame.get("delta"))
        overlay(self.message, delta)
        overlay(self.message, {key: value for key, value in frame.items() if key not in ("type", "delta", "usage")})
        usage = self.add_usage(frame.get("usage"))
        reason = label_of(delta.get("stop_reason"))
        if reason:
            self.stop(reason)
        return FullDelta(frame, usage=usage, finish_reason=self.finish_reason_of(0) if reason else None)

    def stop(self, reason: str) -> None:
        self.note_finish_reason(reason)
        if reason in _CUT and self.last is not None:
            block = self.last
            last = block.call
            # Its block ends all the same, so that a call that was cut looks like one that happens to be whole.
            if last is not None:
                if last.arguments is not None:
                    block.fields["input"] = last.arguments
                last.cut()
        self.calls.finish(complete=reason not in _CUT)

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

    def in_order(self) -> list[_Block]:
        return sorted(self.blocks, key=lambda block: block.index)

    @property
    def body(self) -> Any:
        if self.message is None and not self.blocks:
            return None
        body = {**(self.message or {}), "content": [block.body() for block in self.in_order()]}
        if self.usage is not None:
            body["usage"] = self.usage
        return body

    @property
    def text(self) -> str:
        return self.join("text") if self.log.text_revised else self.log.text

    @property
    def text_revised(self) -> bool:
        return self.log.text_revised

    @property
    def thinking(self) -> str:
        return self.join("thinking") if self.log.thinking_revised else self.log.thinking

    def join(self, name: str) -> str:
        """The texts of all blocks, in the order of the blocks."""
        return "".join(block.text(name) for block in self.in_order())

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
