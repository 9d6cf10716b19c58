"""Which items of a response are tool calls, and which of their fields says what the tool was called with.

Every item by which the model uses a tool is one: those whose type ends in ``_call``, and the request to approve a call
of an MCP server, which the client has to answer. What only lists tools, or has the result of a call, is none.
"""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import label_of, says_nothing

_APPROVAL = "mcp_approval_request"
_FIELDS = {
    "function_call": ("arguments",),
    "mcp_call": ("arguments",),
    _APPROVAL: ("arguments",),
    "tool_search_call": ("arguments",),
    "custom_tool_call": ("input",),
    "code_interpreter_call": ("code",),
    "file_search_call": ("queries",),
    "image_generation_call": ("revised_prompt",),
    "computer_call": ("action", "actions"),
    "web_search_call": ("action",),
    "shell_call": ("action",),
    "local_shell_call": ("action",),
    "apply_patch_call": ("operation",),
}
_NAMED = frozenset({"function_call", "custom_tool_call", "mcp_call"})
"""Calls that have a name of their own."""
_FIELDS_OF_OTHERS = ("arguments", "input", "action", "operation")

GROWING = frozenset({"function_call", "custom_tool_call", "mcp_call", "code_interpreter_call"})
"""Calls whose arguments come in pieces."""
EVENTS = {
    "response.function_call_arguments": "function_call",
    "response.custom_tool_call_input": "custom_tool_call",
    "response.mcp_call_arguments": "mcp_call",
    "response.mcp_call.arguments": "mcp_call",
    "response.code_interpreter_call_code": "code_interpreter_call",
    "response.code_interpreter_call.code": "code_interpreter_call",
}
"""Events that bring pieces of arguments, before ``.delta`` and ``.done``, and the type of their call."""
WHERE_IT_RUNS = ("execution", "environment")
"""Fields of a call that say on which side its tool runs."""


def is_call(kind: str) -> bool:
    """Whether items of this type are tool calls.

    Example:
        >>> [is_call(kind) for kind in ("function_call", "a_new_call", "mcp_list_tools", "function_call_output")]
        [True, True, False, False]
    """
    return kind.endswith("_call") or kind == _APPROVAL


def arguments_field(kind: str) -> str:
    """The name of the field that has the arguments of a growing call."""
    return _FIELDS.get(kind, _FIELDS_OF_OTHERS)[0]


def arguments_of(kind: str, item: dict[str, Any]) -> Any:
    """What an item says that its tool was called with; None if it does not say so."""
    values = (item.get(name) for name in _FIELDS.get(kind, _FIELDS_OF_OTHERS))
    return next((value for value in values if not says_nothing(value)), None)


def name_of(item: dict[str, Any]) -> str | None:
    """What a call is named for: its name, or the type of a tool that the API itself defines."""
    kind = label_of(item.get("type"))
    return label_of(item.get("name")) or (kind.removesuffix("_call") if kind and kind not in _NAMED else None)
