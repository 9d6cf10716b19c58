"""One choice of a chat completion: the message that its deltas add up to.

The file is long since a message comes in two ways: in deltas, and as a whole that wins over them.
"""

from __future__ import annotations

from typing import Any

from ndstream.llm._delta import CallDelta, Delta, FullDelta, TextDelta
from ndstream.llm._finish_reason import cuts_output
from ndstream.llm._lenient_readers import dict_of, label_of, says_nothing, written_text_of
from ndstream.llm._limits import PartCounter
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.growing_text import GrowingText
from ndstream.llm._wires.labels import ALL_BUT_LABELS, MAX_LEVELS
from ndstream.llm._wires.merging import Piece, Pieces
from ndstream.llm._wires.openai_chat_content import THOUGHTS, texts_in_parts, thoughts_in

_APART = frozenset({"content", "tool_calls", "function_call", "usage"})
_OF_CHOICE = frozenset({"delta", "message", "text", "index", "usage"})


class Choice:
    """The state of one choice.

    Attributes:
        index: Its index.
        fields: What was said of it beside its message; lists are added to.
        message: The message but for its content and calls.
        text: The visible text; if the content is text alone, this is the content.
        parts: The content if it came as a list of parts, as thinking models of Mistral and Databricks send it.
        deferred: The choice folded last, if all but what it added still has to be folded.
        is_completion: Whether it is one of the older completions.
        cumulative: Whether each delta is the whole message so far.
        streams_deltas: Whether a delta came, so that a message is the whole of what the deltas said.
    """

    def __init__(self, index: int, part_counter: PartCounter, cumulative: bool = False) -> None:
        self.cumulative = cumulative
        self.index = index
        self.fields = Piece({"index": index})
        self.message = Piece()
        self.text = GrowingText()
        self.texts = self.text.pieces
        self.thinking = GrowingText()
        self.parts: Pieces | None = None
        self.calls = ToolCalls(part_counter)
        self.legacy_call = ToolCalls(part_counter)
        # The calls as a whole message has them.
        self.whole_calls: Any = None
        self.deferred: dict[str, Any] | None = None
        self.is_completion = False
        self.streams_deltas = False

    def fold(self, choice: dict[str, Any], frame: dict[str, Any]) -> FullDelta:
        """Fold what a frame says of this choice."""
        self.fold_deferred()
        text = thinking = ""
        calls: list[ToolCall] = []
        delta, message = _message_of(choice.get("delta")), _message_of(choice.get("message"))
        if isinstance(delta, dict) and delta:
            self.streams_deltas = True
            text, thinking = (self.fold_message if self.cumulative else self.fold_delta)(delta, calls)
        whole = isinstance(message, dict) and bool(message) and self.is_whole(message)
        if isinstance(message, dict) and message:
            more = (self.fold_message if whole else self.fold_delta)(message, calls)
            text, thinking = text + more[0], thinking + more[1]
        elif (written := written_text_of(choice.get("text")) or choice.get("text")).__class__ is str and not delta:
            self.is_completion = True
            text = written
            if self.cumulative:
                text = self.text.set_final(text)
            else:
                self.add_texts(text, "")
        self.fold_fields(choice, whole)
        reason = label_of(choice.get("finish_reason"))
        if reason:
            self.finish(not cuts_output(reason))
        return FullDelta(frame, text, thinking, calls, choice=self.index)

    def fold_frequent(self, delta: dict[str, Any], frame: dict[str, Any]) -> Delta | None:
        """Fold the most frequent deltas, of text or arguments alone; None of any other.

        Raises:
            KeyError, TypeError, ValueError: It is another one, and nothing was folded.
        """
        text = delta.get("content")
        if text.__class__ is str and self.parts is None:
            if self.index:
                if frame["choices"][0]["index"] is True:
                    # In Python, true equals 1; it is no index.
                    return None
                self.texts.append(text)
                return FullDelta(frame, text, choice=self.index)
            self.texts.append(text)
            plain = TextDelta()
            plain.raw = frame
            plain.text = text
            return plain
        if "tool_calls" in delta and not self.index:
            (call,) = delta["tool_calls"]
            function = call["function"]
            if len(call) == 2 and len(function) == 1 and call["index"].__class__ is int:
                grown = self.calls.with_index(call["index"])
                arguments = function["arguments"]
                if grown is not None and arguments.__class__ is str:
                    added = CallDelta()
                    added.raw = frame
                    added.tool_calls = (grown,)
                    added.arguments = (grown.add_and_take(arguments),)
                    return added
        return None

    def is_whole(self, message: dict[str, Any]) -> bool:
        """Whether a message is the whole answer so far, and not another piece of a server that streams messages."""
        content = message.get("content")
        # Its first piece is asked first, since all of the text is put together for the second question.
        begins_so = (
            isinstance(content, str)
            and content.startswith(self.texts[0] if self.texts else "")
            and content.startswith(self.text.text)
        )
        return self.cumulative or self.streams_deltas or not self.message.fields or (begins_so and content != "")

    def fold_delta(self, delta: dict[str, Any], calls: list[ToolCall]) -> tuple[str, str]:
        """Fold a delta. Returns the text and the thoughts that it adds."""
        text, thinking = self.add_content(delta["content"]) if "content" in delta else ("", "")
        thinking += thoughts_in(delta)
        self.add_texts(text, thinking)
        if "tool_calls" in delta:
            self.whole_calls = None
            calls += self.calls.add_all(delta["tool_calls"])
        if "function_call" in delta:
            calls += self.add_legacy_call(dict_of(delta["function_call"]))
        rest = {
            name: (written_text_of(value) or value) if name in THOUGHTS else value
            for name, value in delta.items()
            if name not in _APART
        }
        self.message.add(rest, ALL_BUT_LABELS, MAX_LEVELS)
        return text, thinking

    def fold_message(self, message: dict[str, Any], calls: list[ToolCall]) -> tuple[str, str]:
        """Fold a whole message: it wins over its pieces. Returns the text and the thoughts that it adds."""
        content = message.get("content")
        if isinstance(content, (list, dict)) and content:
            self.parts = Pieces()
            self.parts.set_whole(content if isinstance(content, list) else [content])
            text, thinking = texts_in_parts(content)
        else:
            text, thinking = written_text_of(content), ""
            if text:
                self.parts = None
            if text or "content" not in self.message.fields:
                self.message.replace("content", "" if text or isinstance(content, str) else None)
        if not says_nothing(message.get("tool_calls")):
            self.whole_calls = message["tool_calls"]
            calls += self.calls.add_whole(self.whole_calls)
        if not len(self.legacy_call):
            calls += self.add_legacy_call(dict_of(message.get("function_call")))
        for name, value in message.items():
            if name not in _APART and (name not in self.message.fields or not says_nothing(value)):
                self.message.replace(name, value)
        return self.text.set_final(text), self.thinking.set_final(thinking + thoughts_in(message))

    def add_texts(self, text: str, thinking: str) -> None:
        if text:
            self.text.pieces.append(text)
        if thinking:
            self.thinking.pieces.append(thinking)

    def add_content(self, content: Any) -> tuple[str, str]:
        """Add content, which is text or a list of parts. Returns its text and its thoughts."""
        content = written_text_of(content) or content
        if isinstance(content, str):
            if self.parts is not None and content:
                self.parts.add([{"type": "text", "text": content}])
            elif self.message.fields.get("content") is None:
                self.message.fields["content"] = ""
            return content, ""
        if says_nothing(content) or not isinstance(content, (list, dict)):
            self.message.fields.setdefault("content", None)
            return "", ""
        if self.parts is None:
            begun = self.text.text
            self.parts = Pieces([{"type": "text", "text": begun}] if begun else [])
        self.parts.add(content)
        return texts_in_parts(content)

    def add_legacy_call(self, function: dict[str, Any]) -> list[ToolCall]:
        return self.legacy_call.add_all([{"index": 0, "function": function}]) if function else []

    def fold_fields(self, choice: dict[str, Any], whole: bool) -> None:
        fields = {name: value for name, value in choice.items() if name not in _OF_CHOICE}
        if self.finished and not label_of(fields.get("finish_reason")):
            fields.pop("finish_reason", None)
        if whole:
            self.fields.add(fields, ())
        else:
            self.fields.add_lists(fields)

    def fold_deferred(self) -> None:
        """Fold what the frame before said of this choice beside what it added."""
        if self.deferred is not None:
            deferred, self.deferred = self.deferred, None
            self.fold_fields(deferred, whole=False)
            if self.text.pieces:
                # Only a choice whose content is text is deferred.
                self.message.fields["content"] = ""

    @property
    def finished(self) -> bool:
        return bool(label_of(self.fields.fields.get("finish_reason")))

    def finish(self, complete: bool) -> None:
        self.calls.finish(complete=complete)
        self.legacy_call.finish(complete=complete)

    @property
    def refusal(self) -> str:
        return self.message.text("refusal")

    @property
    def tool_calls(self) -> list[ToolCall]:
        return [*self.calls, *self.legacy_call]

    def body(self) -> dict[str, Any]:
        """The choice, as an answer that was not streamed has it."""
        self.fold_deferred()
        choice = self.fields.body()
        choice.setdefault("finish_reason", None)
        if self.is_completion:
            choice["text"] = self.text.text
            return choice
        message = {"role": "assistant", "content": None, **self.message.body()}
        if self.parts is not None:
            message["content"] = self.parts.body()
        elif message["content"] is not None:
            message["content"] = self.text.text
        if self.whole_calls is not None:
            message["tool_calls"] = self.whole_calls
        elif len(self.calls):
            message["tool_calls"] = [_call_body(call) for call in self.calls]
        for call in self.legacy_call:
            message["function_call"] = {"name": call.name, "arguments": call.raw}
        choice["message"] = message
        return choice


def _message_of(value: Any) -> Any:
    """A message or a delta. Text in place of it is short for one with this content."""
    return {"content": value} if isinstance(value, str) and value else value


def _call_body(call: ToolCall) -> dict[str, Any]:
    body: dict[str, Any] = {} if call.synthetic else {"id": call.id}
    body["type"] = call.type or "function"
    if call.type == "custom":
        body["custom"] = {"name": call.name, "input": call.raw}
    else:
        body["function"] = {"name": call.name, "arguments": call.raw}
    # What could not be used is kept under names of its own alone.
    return {**body, **call.extra, **body}
