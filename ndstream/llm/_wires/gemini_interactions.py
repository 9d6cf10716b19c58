"""Gemini's Interactions: steps by index, each begun, added to and ended, between the begin and the end of it all.

A step is a thought, the model's output, a call, or the result of a call that the server made. The data names its
type as ``event_type``, so that streams without ``event:`` lines are read as well. The first version of the API has
contents in place of steps, and calls all of them outputs.
https://ai.google.dev/api/interactions-api

The file is long since its events all change the same state; what a step holds is in its own module.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta, TextDelta
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, parts_of, text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError, error_in
from ndstream.llm._tokens import Tokens, sum_of
from ndstream.llm._wires.frame_gains import FrameGains
from ndstream.llm._wires.gemini_interactions_step import Step, call_of, is_call, outputs_of, step_of, texts_of
from ndstream.llm._wires.merging import Piece
from ndstream.llm._wires.single_message import SingleMessage
from ndstream.llm._wires.wire import merged_usage, overlay

_EVENTS = ("interaction.", "step.", "content.")
_CUT = frozenset({"incomplete", "budget_exceeded", "cancelled", "failed"})
_GOES_ON = frozenset({"", "in_progress", "queued", "requires_continuation"})


class GeminiInteractions(SingleMessage):
    """Gemini's ``/v1beta/interactions``."""

    name: ClassVar[str] = "gemini-interactions"

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self.steps: list[Step] = []
        self.by_index: dict[int, Step] = {}
        # Whether it is of the first version of the API.
        self.has_outputs = False
        # The steps as the last event says them.
        self.whole_steps: list[dict[str, Any]] = []
        # Where most deltas go: the output's text that was added to last, and the index of its step.
        self.open_text: dict[int, list[str]] = {}

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        whole = frame.get("object") == "interaction" and "status" in frame
        return whole or text_of(frame.get("event_type")).startswith(_EVENTS)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        try:
            delta = frame["delta"]
            is_text = delta["type"] == "text" and frame["event_type"] == "step.delta" and len(delta) == 2
            if is_text and "error" not in frame:
                text, index = delta["text"], frame["index"]
                parts = self.open_text[index]
                if type(text) is str and index is not True:
                    parts.append(text)
                    self.texts.append(text)
                    plain = TextDelta()
                    plain.raw = frame
                    plain.text = text
                    return plain
        except (KeyError, TypeError):
            pass
        return self.fold_general(frame, event)

    def fold_general(self, frame: Any, event: Event | None) -> Delta:
        """All but text for an output that has text already."""
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        kind = text_of(frame.get("event_type"))
        index = as_index(frame.get("index")) or 0
        gains = FrameGains()
        if kind == "step.start":
            self.start_step(index, dict_of(frame.get("step")), gains)
        elif kind == "content.start":
            self.has_outputs = True
            if dict_of(frame.get("content")):
                self.start_step(index, step_of(frame["content"]), gains)
        elif kind in ("step.delta", "content.delta"):
            self.has_outputs = self.has_outputs or kind == "content.delta"
            self.add(index, dict_of(frame.get("delta")), gains)
        elif kind in ("step.stop", "content.stop"):
            self.stop_step(index)
        elif kind == "interaction.status_update":
            overlay(self.fields, {"id": frame.get("interaction_id"), "status": frame.get("status")})
            self.add_usage(frame.get("usage"), gains)
            self.note_status(text_of(frame.get("status")), gains, ends=False)
        elif kind.startswith("interaction."):
            self.update(dict_of(frame.get("interaction")), gains, ends=not kind.endswith((".created", ".start")))
        elif frame.get("object") == "interaction":
            self.update(frame, gains, ends=True)
        return gains.delta(frame)

    def look_for_error(self, frame: Any, event: Event | None) -> bool:
        if isinstance(frame, dict) and frame.get("event_type") == "error":
            self.note_error(error_in({"error": frame.get("error") or frame}) or ServerError(str(frame)))
            return True
        return super().look_for_error(frame, event)

    def update(self, interaction: dict[str, Any], gains: FrameGains, ends: bool) -> None:
        """Take in the interaction itself, which comes at the begin without its steps and at the end sometimes whole."""
        overlay(self.fields, interaction, ("steps", "outputs", "usage"))
        self.add_usage(interaction.get("usage"), gains)
        steps = [step for step in dicts_of(interaction.get("steps")) if step.get("type") != "user_input"]
        if not steps and "outputs" in interaction:
            self.has_outputs = True
            steps = [step_of(content) for content in parts_of(interaction["outputs"])]
        if ends and self.steps and not self.whole_steps and self.begin_with_known(steps):
            self.fold_whole(steps, gains)
        elif not self.whole_steps:
            for index, step in enumerate(steps[len(self.steps) :], len(self.steps)):
                self.start_step(index, step, gains)
                self.stop_step(index)
        if ends:
            self.note_status(text_of(interaction.get("status")), gains, ends=True)

    def begin_with_known(self, steps: list[dict[str, Any]]) -> bool:
        """Whether whole steps begin with those that came, as their types say."""
        return len(steps) >= len(self.steps) and all(
            known.fields.get("type") == step.get("type") for known, step in zip(self.steps, steps, strict=False)
        )

    def fold_whole(self, steps: list[dict[str, Any]], gains: FrameGains) -> None:
        """Fold all steps as they come once more at the end: what they say wins over their pieces.

        Once is enough, and a server that says it again and again makes no work.
        """
        self.whole_steps = steps
        text, thinking = self.set_final(*texts_of(steps))
        gains.texts.append(text)
        gains.thoughts.append(thinking)
        gains.tool_calls += self.calls.add_whole(
            [call_of(step) for step in steps if is_call(text_of(step.get("type")))]
        )

    def note_status(self, status: str, gains: FrameGains, ends: bool) -> None:
        if status in _GOES_ON or (status not in _CUT and not ends):
            return
        if status == "failed" and self.error is None:
            # Before the reason, which would be an error without the server's words.
            found = self.fields.get("error") or next(iter(dicts_of(self.fields.get("errors"))), {})
            self.note_error(error_in({"error": found}) or ServerError("the interaction failed", "server", status))
        self.note_finish_reason(status)
        if status in _CUT and self.steps and self.steps[-1].call is not None:
            # Its step is stopped all the same, so that a call that was cut looks like one that is whole.
            self.steps[-1].call.cut()
        self.calls.finish(complete=status not in _CUT)
        gains.finish_reason = self.finish_reason_of(0)
        if ends:
            self.note_end("interaction.completed")

    def step(self, index: int) -> Step:
        """The step that an index means now: after its stop, the index means a new one."""
        step = self.by_index.get(index)
        if step is None or step.stopped:
            step = Step()
            if not self.part_counter.count():
                return step
            self.by_index[index] = step
            self.open_text.pop(index, None)
            self.steps.append(step)
        return step

    def start_step(self, index: int, given: dict[str, Any], gains: FrameGains) -> None:
        open_step = self.by_index.get(index)
        if open_step is not None and not open_step.goes_on_with(given):
            self.stop_step(index)
        step = self.step(index)
        kind = text_of(given.get("type"))
        grows = "summary" if kind == "thought" else "content"
        overlay(step.fields, given, (grows,))
        if is_call(kind):
            call = call_of(given)
            if step.call is None:
                step.call = self.calls.open(index=index, **call)
            else:
                # Arguments came before the call that they are of, or its begin is repeated.
                step.call.identify(call["id"], call["name"], kind)
            gains.tool_calls.append(step.call)
        for item in parts_of(given.get(grows)):
            self.add_item(index, step, item, gains)

    def add(self, index: int, new: dict[str, Any], gains: FrameGains) -> None:
        step = self.step(index)
        kind = text_of(new.get("type"))
        if kind == "text":
            step.fields.setdefault("type", "model_output")
            self.add_item(index, step, new, gains)
        elif kind == "thought_summary":
            step.fields.setdefault("type", "thought")
            self.add_item(index, step, dict_of(new.get("content")) or {"text": new.get("text")}, gains)
        elif kind == "thought" and text_of(new.get("thought")):
            step.fields.setdefault("type", "thought")
            self.add_item(index, step, {"text": new["thought"]}, gains)
        elif kind == "arguments_delta":
            if step.call is None:
                step.fields.setdefault("type", "function_call")
                step.call = self.calls.open(index=index)
            step.call.add_arguments(new.get("arguments"))
            gains.tool_calls.append(step.call)
        elif kind == "text_annotation_delta":
            step.text_item().extend("annotations", dicts_of(new.get("annotations")))
        elif kind in ("image", "audio", "video", "document"):
            self.add_item(index, step, new, gains)
        else:
            # A signature, or a call or result of a tool that the server runs: the last value counts.
            if kind.endswith(("_call", "_result")):
                step.fields.setdefault("type", kind)
            overlay(step.fields, new, ("type",))
            if step.call is None and is_call(kind):
                # It comes whole, without a begin.
                step.call = self.calls.open(index=index, **call_of(new))
                gains.tool_calls.append(step.call)
            elif step.call is not None and new.get("arguments"):
                step.call.add_arguments(new["arguments"])
                gains.tool_calls.append(step.call)

    def add_item(self, index: int, step: Step, item: dict[str, Any], gains: FrameGains) -> None:
        """Add an item of an output or of a thought's summary; text goes on where text was."""
        if item.get("type", "text") != "text":
            if self.part_counter.count():
                step.items.append(Piece())
                step.items[-1].add(item, ())
            self.open_text.pop(index, None)
            return
        text = text_of(item.get("text"))
        held = step.text_item()
        parts = held.join("text", text)
        if item.get("annotations"):
            held.extend("annotations", dicts_of(item["annotations"]))
        if step.fields.get("type") == "thought":
            self.thoughts.append(text)
            gains.thoughts.append(text)
        else:
            self.texts.append(text)
            gains.texts.append(text)
            self.open_text[index] = parts

    def stop_step(self, index: int) -> None:
        step = self.by_index.get(index)
        if step is not None:
            step.stopped = True
            self.open_text.pop(index, None)
            if step.call is not None:
                step.call.close()

    def add_usage(self, usage: Any, gains: FrameGains) -> None:
        self.usage = merged_usage(self.usage, usage)
        gains.usage = dict_of(usage) or None

    @property
    def body(self) -> Any:
        if not self.fields and not self.steps:
            return None
        steps = self.whole_steps or [step.body() for step in self.steps]
        body = {**self.fields, **({"outputs": outputs_of(steps)} if self.has_outputs else {"steps": steps})}
        if self.usage is not None:
            body["usage"] = dict(self.usage)
        return body

    @property
    def tokens(self) -> Tokens:
        # Their count of output leaves out the thoughts.
        usage = self.usage or {}
        thoughts = usage.get("total_thought_tokens")
        return Tokens.of(
            input=sum_of(usage.get("total_input_tokens"), usage.get("total_tool_use_tokens")),
            cached_input=usage.get("total_cached_tokens"),
            output=sum_of(usage.get("total_output_tokens"), thoughts),
            reasoning=thoughts,
            total=usage.get("total_tokens"),
        )

    @property
    def metrics(self) -> Metrics:
        usage = self.usage or {}
        return Metrics.of(
            "usage", prompt_tokens=usage.get("total_input_tokens"), output_tokens=usage.get("total_output_tokens")
        )
