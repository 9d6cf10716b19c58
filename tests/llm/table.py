"""What each wire gives, found out by running its examples: ``python tests/llm/table.py``.

A cell is ``yes`` where an example of the wire shows it, ``no`` where one shows the opposite, and ``-`` where
the wire has no such thing to give.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from llm.examples import EXAMPLES, Example
from ndstream import llm

ERROR = b'{"error":{"message":"gone","type":"server_error"}}'


def _told(example: Example, read: Callable[[llm.Answer], Any], wanted: Any) -> bool | None:
    """Whether the answer has what is wanted; None where nothing is."""
    if wanted is None or wanted == "" or wanted == []:
        return None
    return bool(read(llm.collect(example.data)) == wanted)


def _metrics(example: Example) -> bool | None:
    if example.usage is None:
        return None
    metrics = llm.collect(example.data).metrics
    return metrics.source != "" and metrics.output_tokens is not None


def _error(example: Example) -> bool:
    lines = example.frames[0].startswith(b"{")
    array = example.frames[0].startswith(b"[")
    last = ERROR + b"\n" if lines else b"," + ERROR + b"\n" if array else b"data: " + ERROR + b"\n\n"
    try:
        llm.collect(iter([example.frames[0], last]))
    except llm.ReplyServerError as error:
        return str(error) == "gone" and error.reply.wire == example.wire
    return False


def _truncated(example: Example) -> bool:
    try:
        llm.collect(iter(example.frames[: example.ends_at - 1]))
    except llm.ReplyTruncatedError:
        return True
    return False


COLUMNS: dict[str, Callable[[Example], bool | None]] = {
    "text": lambda example: _told(example, lambda answer: answer.text, example.text),
    "thinking": lambda example: _told(example, lambda answer: answer.thinking, example.thinking),
    "tools": lambda example: _told(
        example, lambda answer: [(call.name, call.arguments) for call in answer.tool_calls], example.calls
    ),
    "usage": lambda example: _told(example, lambda answer: answer.usage, example.usage),
    "metrics": _metrics,
    "error": _error,
    "truncated": _truncated,
    "fold equals body": lambda example: _told(example, lambda answer: answer.body, example.body),
}


def table() -> dict[str, dict[str, str]]:
    """A row for each wire: what its examples show, by column."""
    rows: dict[str, dict[str, str]] = {}
    for wire in llm.WIRES:
        examples = [example for example in EXAMPLES if example.wire == wire]
        rows[wire] = {"examples": str(len(examples))}
        for name, shows in COLUMNS.items():
            shown = [shows(example) for example in examples]
            rows[wire][name] = "no" if False in shown else "yes" if True in shown else "-"
    return rows


def main() -> None:
    """Print the table."""
    rows = table()
    names = ["examples", *COLUMNS]
    print(f"{'wire':18}" + "".join(f"{name:>{len(name) + 2}}" for name in names))
    for wire, cells in rows.items():
        print(f"{wire:18}" + "".join(f"{cells[name]:>{len(name) + 2}}" for name in names))


if __name__ == "__main__":
    main()
