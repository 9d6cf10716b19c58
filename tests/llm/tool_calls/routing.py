"""Fragments of tool calls, and the calls that the router makes of them."""

from __future__ import annotations

from typing import Any

from ndstream.llm._tool_calls.router import ToolCalls

Fragment = dict[str, Any]
A, B = '{"a":1}', '{"b":2}'


def routed(*fragments: Fragment, complete: bool = True) -> ToolCalls:
    calls = ToolCalls()
    for fragment in fragments:
        calls.add(**fragment)
    calls.finish(complete=complete)
    return calls
