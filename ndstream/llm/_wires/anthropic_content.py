"""The content of an Anthropic message: blocks by index, each begun, added to and ended.

An index means the block that began with it last. A begin without an end before it goes on with the open block if it
says the same once more, and else is another block, which ends the open one: gateways leave out ends, give every block
the index 0, or repeat a begin.
"""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import label_of, parts_of, text_of
from ndstream.llm._limits import PartCounter
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.anthropic_block import TEXTS, Block, matched
from ndstream.llm._wires.output_log import OutputLog

_TOOLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_JOINED = {"text_delta": "text", "thinking_delta": "thinking"}
_GROWING = {"text": "text_delta", "thinking": "thinking_delta", "partial_json": "input_json_delta"}
_TYPES_OF_BLOCKS = frozenset({"", "text", "thinking", "tool_use"})


class Content:
    """The blocks of a message.

    Attributes:
        blocks: All of them, in the order in which they began.
        open_texts: The texts of each block to which text was added, by its index, for the most frequent deltas.
        open_thoughts: The same of thoughts.
        open_calls: The call of each block that is one, by its index, for the same.
    """

    def __init__(self, part_counter: PartCounter, calls: ToolCalls, log: OutputLog) -> None:
        self._part_counter = part_counter
        self._calls = calls
        self._log = log
        self.blocks: list[Block] = []
        self.open_texts: dict[int, list[str]] = {}
        self.open_thoughts: dict[int, list[str]] = {}
        self.open_calls: dict[int, tuple[ToolCall]] = {}
        # Those that an index means now, and the one with the greatest index.
        self._current: dict[int, Block] = {}
        self._last: Block | None = None

    def begin(self, index: int, begun: dict[str, Any]) -> ToolCall | None:
        """Begin a block. Returns its call, if it is one."""
        known = self._current.get(index)
        if known is not None and not known.goes_on_with(begun):
            known.stop()
            del self._current[index]
            self.open_calls.pop(index, None)
        self.open_texts.pop(index, None)
        self.open_thoughts.pop(index, None)
        block = self._block(index)
        added = dict(begun)
        for name in TEXTS:
            text = begun.get(name)
            if isinstance(text, str) and block.is_whole(name):
                # A begin that is repeated. Of a text in parts this is not asked, since to join them each time costs
                # too much.
                added[name] = text.removeprefix(block.text(name))
        block.add(added, TEXTS)
        self._log.add_text(text_of(added.get("text")))
        self._log.add_thought(text_of(added.get("thinking")))
        if label_of(begun.get("type")) in _TOOLS:
            self._begin_call(block, begun)
        return block.call

    def _begin_call(self, block: Block, begun: dict[str, Any]) -> None:
        arguments = begun.get("input") or None
        if block.call is None:
            block.call = self._calls.open(
                id=begun.get("id"), index=block.index, name=begun.get("name"), arguments=arguments, type=begun["type"]
            )
        else:
            block.call.identify(begun.get("id"), begun.get("name"), begun["type"])
            if arguments is not None:
                block.call.set_final_arguments(arguments)
        self.open_calls[block.index] = (block.call,)

    def stop(self, index: int) -> None:
        """End a block."""
        block = self._current.get(index)
        if block is not None:
            block.stop()

    def add(self, index: int, delta: dict[str, Any]) -> ToolCall | None:
        """Add to a block. Returns its call, if arguments were added."""
        kind = _kind_of(delta)
        name = _JOINED.get(kind) if isinstance(kind, str) else None
        value = "" if name is None else text_of(delta.get(name))
        if index not in self._current and not value and (name is not None or not delta):
            # What says nothing begins no block.
            return None
        block = self._block(index)
        if name is not None:
            block.fields.setdefault("type", name)
            parts = block.join(name, value)
            if label_of(delta.get("signature")):
                block.replace("signature", delta["signature"])
            if name == "thinking":
                self.open_thoughts[index] = parts
                self._log.add_thought(value)
            else:
                self.open_texts[index] = parts
                self._log.add_text(value)
        elif kind == "input_json_delta":
            if block.call is None:
                block.fields.setdefault("type", "tool_use")
                block.call = self._calls.open(index=index)
                self.open_calls[index] = (block.call,)
            block.call.add_arguments(delta.get("partial_json"))
            return block.call
        elif kind == "citations_delta":
            block.extend("citations", [delta.get("citation")])
        else:
            # signature_delta, compaction_delta, and those to come: the last one counts.
            block.add({key: value for key, value in delta.items() if key != "type" and key not in block.texts}, ())
        return None

    def fold_whole(self, whole: Any) -> list[ToolCall | None]:
        """Fold all of the content as it comes once more: it wins over its pieces. Returns the calls in it."""
        calls: list[ToolCall | None] = []
        for content, block in matched(list(parts_of(whole)), self.in_order()):
            if block is None:
                calls.append(self.begin(0 if self._last is None else self._last.index + 1, content))
                continue
            for name in TEXTS:
                if name in content:
                    self._set_final(block, name, text_of(content[name]))
            block.add({name: value for name, value in content.items() if name not in (*TEXTS, "input")}, ())
            if block.call is not None:
                block.call.set_final_arguments(content.get("input"))
                calls.append(block.call)
        return calls

    def cut_last(self) -> None:
        """Flag the call in the last block: its block ends, so that a call that was cut looks like a whole one."""
        if self._last is not None and self._last.call is not None:
            if self._last.call.arguments is not None:
                self._last.fields["input"] = self._last.call.arguments
            self._last.call.cut()

    def in_order(self) -> list[Block]:
        return sorted(self.blocks, key=lambda block: block.index)

    def join(self, name: str) -> str:
        """The texts of all blocks, in the order of the blocks."""
        return "".join(block.text(name) for block in self.in_order())

    def _block(self, index: int) -> Block:
        """The block that an index means now."""
        block = self._current.get(index)
        if block is None:
            block = Block(index)
            if not self._part_counter.count():
                return block
            self._current[index] = block
            self.blocks.append(block)
            if self._last is None or index >= self._last.index:
                self._last = block
        return block

    def _set_final(self, block: Block, name: str, text: str) -> None:
        added = block.set_final(name, text)
        if name == "text":
            self._log.text_revised = self._log.text_revised or added is None
            self._log.add_text(added or "")
        else:
            self._log.thinking_revised = self._log.thinking_revised or added is None
            self._log.add_thought(added or "")


def _kind_of(delta: dict[str, Any]) -> Any:
    """The type of a delta. Gateways leave it out, or write that of the block: then what it has tells it."""
    kind = delta.get("type")
    if kind is not None and (not isinstance(kind, str) or label_of(kind) not in _TYPES_OF_BLOCKS):
        return kind
    return next((grows for name, grows in _GROWING.items() if text_of(delta.get(name))), kind)
