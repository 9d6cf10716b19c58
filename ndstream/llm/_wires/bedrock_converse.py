"""Amazon Bedrock's Converse: messages of one key each, which is their type; blocks by index.

ConverseStream is a binary event stream. These are its messages as JSON, as boto3 and gateways give them once they
have unwrapped it, and the answer of Converse, which is not streamed.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html

The file is long since each message has a method, and all of them change the same state.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta, TextDelta
from ndstream.llm._finish_reason import cuts_output
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, label_of, text_of
from ndstream.llm._metrics import Metrics, number_of
from ndstream.llm._server_error import ServerError
from ndstream.llm._tokens import Tokens, sum_of
from ndstream.llm._wires.bedrock_converse_block import Block
from ndstream.llm._wires.frame_gains import FrameGains
from ndstream.llm._wires.labels import ALL_BUT_LABELS, MAX_LEVELS
from ndstream.llm._wires.single_message import SingleMessage
from ndstream.llm._wires.wire import merged_usage, overlay

_MESSAGES = frozenset({"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop"})
# The exceptions of the API's reference, each with the kind of error that it is.
_EXCEPTIONS = {
    "internalServerException": "server",
    "modelStreamErrorException": "server",
    "modelTimeoutException": "timeout",
    "serviceUnavailableException": "overloaded",
    "throttlingException": "rate_limit",
    "validationException": "invalid_request",
}

_FOLDED = frozenset({"text", "reasoningContent", "toolUse", "citation", "toolResult"})


class BedrockConverse(SingleMessage):
    """Amazon Bedrock's ``ConverseStream`` as JSON, and ``Converse``."""

    name: ClassVar[str] = "bedrock-converse"

    def __init__(self) -> None:
        super().__init__()
        self.message: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.blocks: list[Block] = []
        self.by_index: dict[int, Block] = {}
        # The content as the answer of Converse says it after its pieces.
        self.whole_content: list[dict[str, Any]] = []
        self.latency: Any = None

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        if not _MESSAGES.isdisjoint(frame):
            return True
        whole = "stopReason" in frame and isinstance(dict_of(frame.get("output")).get("message"), dict)
        return whole or any(isinstance(frame.get(name), dict) for name in _EXCEPTIONS.keys() & frame.keys())

    def fold(self, frame: Any, event: Event | None) -> Delta:
        try:
            message = frame["contentBlockDelta"]
            text = message["delta"]["text"]
            block = self.by_index[message["contentBlockIndex"]]
            if (
                text
                and type(text) is str
                and not block.stopped
                and message["contentBlockIndex"] is not True
                and len(frame) == 1
            ):
                block.texts.append(text)
                self.texts.append(text)
                plain = TextDelta()
                plain.raw = frame
                plain.text = text
                return plain
        except (KeyError, TypeError):
            pass
        return self.fold_general(frame, event)

    def fold_general(self, frame: Any, event: Event | None) -> Delta:
        """All but text for a block that is open."""
        if not isinstance(frame, dict):
            return FullDelta(frame)
        failed = self.look_for_error(frame, event)
        if "output" in frame and (not failed or self.matches(frame)):
            return self.fold_whole(frame)
        gains = FrameGains()
        for name, message in frame.items():
            if not isinstance(message, dict):
                continue
            index = as_index(message.get("contentBlockIndex")) or 0
            if name == "messageStart":
                overlay(self.message, message)
            elif name == "contentBlockStart":
                self.start_block(index, dict_of(message.get("start")), gains)
            elif name == "contentBlockDelta":
                # What says nothing begins no block.
                if any(dict_of(message.get("delta")).values()):
                    self.add(self.block(index), message["delta"], gains)
            elif name == "contentBlockStop":
                self.stop_block(index)
            elif name == "messageStop":
                self.stop(message, gains)
            elif name == "metadata":
                self.add_metadata(message, gains)
        return gains.delta(frame)

    def look_for_error(self, frame: Any, event: Event | None) -> bool:
        for name, kind in _EXCEPTIONS.items():
            exception = frame.get(name) if isinstance(frame, dict) else None
            if isinstance(exception, dict):
                text = text_of(exception.get("message")) or text_of(exception.get("originalMessage")) or name
                self.note_error(ServerError(text, kind, name))
                return True
        return super().look_for_error(frame, event)

    def fold_whole(self, frame: dict[str, Any]) -> Delta:
        """The answer of Converse, which is one frame."""
        gains = FrameGains()
        message = dict_of(dict_of(frame.get("output")).get("message"))
        overlay(self.message, message, ("content",))
        contents = list(dicts_of(message.get("content")))
        if self.blocks:
            self.fold_whole_again(contents, gains)
            contents = []
        for index, content in enumerate(contents):
            block = self.block(index)
            text, reasoning = content.get("text"), dict_of(content.get("reasoningContent"))
            cited = dict_of(content.get("citationsContent"))
            grows = {"text", "reasoningContent", "citationsContent"}
            self.start_block(index, {name: value for name, value in content.items() if name not in grows}, gains)
            self.add(block, {"text": text, "reasoningContent": reasoning}, gains)
            for part in dicts_of(cited.get("content")):
                self.add(block, {"text": part.get("text")}, gains)
            block.citations += dicts_of(cited.get("citations"))
            self.stop_block(index)
        self.add_metadata(frame, gains)
        known = ("stopReason", "additionalModelResponseFields")
        self.stop({name: frame[name] for name in known if name in frame}, gains)
        return gains.delta(frame)

    def fold_whole_again(self, contents: list[dict[str, Any]], gains: FrameGains) -> None:
        """Fold the whole content after its pieces: what it says wins over them."""
        if not contents:
            return
        self.whole_content = contents
        texts, thoughts, calls = [], [], []
        for content in contents:
            cited = dicts_of(dict_of(content.get("citationsContent")).get("content"))
            texts += [text_of(content.get("text")), *(text_of(part.get("text")) for part in cited)]
            reasoning = dict_of(dict_of(content.get("reasoningContent")).get("reasoningText"))
            thoughts.append(text_of(reasoning.get("text")))
            if isinstance(content.get("toolUse"), dict):
                tool = content["toolUse"]
                calls.append({"id": tool.get("toolUseId"), "name": tool.get("name"), "arguments": tool.get("input")})
        text, thinking = self.set_final("".join(texts), "".join(thoughts))
        gains.texts.append(text)
        gains.thoughts.append(thinking)
        gains.tool_calls += self.calls.add_whole(calls)

    def block(self, index: int) -> Block:
        """The block that an index means now: after its stop, the index means a new one."""
        block = self.by_index.get(index)
        if block is None or block.stopped:
            block = Block(index)
            if not self.part_counter.count():
                return block
            self.by_index[index] = block
            self.blocks.append(block)
        return block

    def start_block(self, index: int, start: dict[str, Any], gains: FrameGains) -> None:
        tool = start.get("toolUse")
        known = self.by_index.get(index)
        if known is not None and isinstance(tool, dict) and not known.goes_on_with(tool):
            self.stop_block(index)
        block = self.block(index)
        overlay(block.fields, start)
        if isinstance(tool, dict):
            given = tool.get("input")
            if block.call is None:
                block.call = self.calls.open(
                    id=tool.get("toolUseId"),
                    index=index,
                    name=tool.get("name"),
                    arguments=given if given else None,
                    type=tool.get("type"),
                )
            else:
                # Arguments came before the call that they are of, or its begin is repeated.
                block.call.identify(tool.get("toolUseId"), tool.get("name"), tool.get("type"))
            gains.tool_calls.append(block.call)

    def stop_block(self, index: int) -> None:
        block = self.by_index.get(index)
        if block is not None:
            block.stopped = True
            if block.call is not None:
                block.call.close()

    def add(self, block: Block, new: dict[str, Any], gains: FrameGains) -> None:
        text = text_of(new.get("text"))
        if text:
            block.texts.append(text)
            self.texts.append(text)
            gains.texts.append(text)
        reasoning = dict_of(new.get("reasoningContent"))
        if isinstance(reasoning.get("reasoningText"), dict):
            # The shape of the whole answer.
            reasoning = {**reasoning, **reasoning["reasoningText"]}
        thought = text_of(reasoning.get("text"))
        if thought:
            block.thoughts.append(thought)
            self.thoughts.append(thought)
            gains.thoughts.append(thought)
        if text_of(reasoning.get("signature")):
            block.signature.append(reasoning["signature"])
        if reasoning.get("redactedContent"):
            block.redacted = reasoning["redactedContent"]
        tool = new.get("toolUse")
        if isinstance(tool, dict):
            if block.call is None:
                block.call = self.calls.open(index=block.index)
            block.call.add_arguments(tool.get("input"))
            gains.tool_calls.append(block.call)
        if new.keys() - _FOLDED:
            rest = {name: value for name, value in new.items() if name not in _FOLDED}
            block.more.add(rest, ALL_BUT_LABELS, MAX_LEVELS)
        if isinstance(new.get("citation"), dict):
            block.citations.append(new["citation"])
        if isinstance(new.get("toolResult"), list):
            # The result of a tool that the server runs: no part of the answer's text.
            block.results += new["toolResult"]

    def stop(self, message: dict[str, Any], gains: FrameGains) -> None:
        overlay(self.fields, message)
        reason = label_of(message.get("stopReason"))
        if reason:
            self.note_finish_reason(reason)
        cut = cuts_output(reason)
        if cut and len(self.calls) and self.blocks[-1].call is not None:
            # Its block is stopped all the same, so that a call that was cut looks like one that is whole.
            self.blocks[-1].call.cut()
        self.calls.finish(complete=not cut)
        self.note_end("messageStop")
        gains.finish_reason = self.finish_reason_of(0)

    def add_metadata(self, message: dict[str, Any], gains: FrameGains) -> None:
        usage = message.get("usage")
        if isinstance(usage, dict):
            self.usage = merged_usage(self.usage, usage)
            gains.usage = usage or None
        self.latency = dict_of(message.get("metrics")).get("latencyMs", self.latency)
        known = {"output", "stopReason", "additionalModelResponseFields"}
        overlay(self.fields, message, known)

    @property
    def body(self) -> Any:
        if not self.message and not self.blocks and not self.fields:
            return None
        content = [block.body() for block in sorted(self.blocks, key=lambda block: block.index)]
        message = {"role": "assistant", **self.message, "content": self.whole_content or content}
        return {"output": {"message": message}, **self.fields}

    @property
    def tokens(self) -> Tokens:
        # Their input leaves out what was read from the cache or written to it.
        usage = self.usage or {}
        cached = usage.get("cacheReadInputTokens")
        return Tokens.of(
            input=sum_of(usage.get("inputTokens"), cached, usage.get("cacheWriteInputTokens")),
            cached_input=cached,
            output=usage.get("outputTokens"),
            total=usage.get("totalTokens"),
        )

    @property
    def metrics(self) -> Metrics:
        usage = self.usage or {}
        return Metrics.of(
            "usage",
            prompt_tokens=usage.get("inputTokens"),
            output_tokens=usage.get("outputTokens"),
            total_seconds=number_of(self.latency, 0.001),
        )
