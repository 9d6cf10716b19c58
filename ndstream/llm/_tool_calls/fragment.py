"""What one frame says of a tool call, wherever it says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, label_of, says_nothing

# The last one is that of older servers of Text Generation Inference.
_ARGUMENTS = ("arguments", "input", "parameters")
_KNOWN = frozenset({"id", "index", "type", "function", "custom", "name", *_ARGUMENTS})


@dataclass(slots=True)
class Fragment:
    """A part of a call.

    Attributes:
        id: The call's id.
        index: The call's index.
        name: The function's name, or a part of it.
        arguments: A part of the arguments' JSON text, or their decoded value.
        type: The kind of call; the arguments of ``custom`` are text, not JSON.
        extra: Whatever else the frame holds.
    """

    id: object = None
    index: object = None
    name: object = None
    arguments: object = None
    type: object = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def says_nothing(self) -> bool:
        """Whether it names no call and brings no arguments, so that it opens none."""
        return (
            says_nothing(self.id)
            and not label_of(self.name)
            and (says_nothing(self.arguments) or self.arguments is False)
        )


def fragment_of(call: dict[str, Any]) -> Fragment:
    """The fragment in an object, whose name and arguments are in ``function``, in ``custom`` or flat."""
    custom = dict_of(call.get("custom"))
    function = custom or dict_of(call.get("function"))
    name = next(
        (each for each in (function.get("name"), call.get("name"), call.get("function")) if label_of(each)), None
    )
    arguments = [holder.get(word) for holder in (function, call) for word in _ARGUMENTS]
    kind = call.get("type")
    return Fragment(
        id=call.get("id"),
        index=call.get("index"),
        name=name or function.get("name"),
        arguments=next((each for each in arguments if each is not None), None),
        type="custom" if custom and not label_of(kind) else kind,
        extra={name: value for name, value in call.items() if name not in _KNOWN},
    )


def fragments_of(value: Any) -> list[Fragment]:
    """The fragments of a list, or of what some servers send in its place: one object, or objects by their index."""
    if (
        isinstance(value, dict)
        and value
        and all(isinstance(each, dict) and as_index(key) is not None for key, each in value.items())
    ):
        value = [{"index": key, **each} for key, each in value.items() if isinstance(each, dict)]
    return [fragment_of(each) for each in dicts_of(value)]
