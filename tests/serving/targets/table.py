"""The table of targets: what each official client makes of a reply that shows one thing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .clients import CLIENTS, Client, Found
from .serving_targets import serving_targets
from .upstreams import MADE

CALLS = [["weather", {"city": "Rome"}], ["weather", {"city": "Paris", "days": [1, 2]}], ["now", {}]]
STOP = {"openai-chat": "stop", "anthropic": "end_turn", "ollama-chat": "stop", "ui": "stop", "ag-ui": "stop"}
ASKS = {
    "openai-chat": "tool_calls",
    "anthropic": "tool_use",
    "ollama-chat": "stop",
    "ui": "tool-calls",
    "ag-ui": "tool_calls",
}
LENGTH = {**dict.fromkeys(STOP, "length"), "anthropic": "max_tokens"}
REFUSES = {
    "openai-chat": "stop",
    "anthropic": "refusal",
    "ollama-chat": "refusal",
    "ui": "content-filter",
    "ag-ui": "refusal",
}
ENDED = "the upstream ended before its stream was complete"


def decoded(calls: list[list[Any]]) -> list[list[Any]]:
    """Calls with their arguments decoded, which some clients leave as text."""
    return [[name, json.loads(value) if isinstance(value, str) else value] for name, value in calls]


def _complete(found: Found, finish: str, text: str) -> bool:
    return (found.error, found.finish, found.text) == (None, finish, text)


def _failed(found: Found, message: str, text: str) -> bool:
    return found.error is not None and message in found.error and found.finish is None and found.text == text


COLUMNS: dict[str, Callable[[Found, str], bool]] = {
    "text": lambda found, target: _complete(found, STOP[target], "Hello \u2028\u0085 Ü😀"),
    "thinking": lambda found, target: _complete(found, STOP[target], "ab") and found.thinking == "hmso",
    "tools": lambda found, target: _complete(found, ASKS[target], "a") and decoded(found.calls) == CALLS,
    "usage": lambda found, target: _complete(found, STOP[target], "Hi") and (found.input, found.output) == (3, 2),
    "silence": lambda found, target: _complete(found, STOP[target], "Hi there"),
    "length": lambda found, target: _complete(found, LENGTH[target], "Hi"),
    "refusal": lambda found, target: _complete(found, REFUSES[target], "I will not."),
    "error": lambda found, _: _failed(found, "too busy", "Hi"),
    "cut": lambda found, _: _failed(found, ENDED, "Hi"),
    "nothing": lambda found, _: _failed(found, ENDED, ""),
}


def row(client: Client, base: str) -> dict[str, bool]:
    """What a client gets right, by column."""
    numbers = {name: number for number, name in enumerate(MADE)}
    results = client.read_all(base, [f"{client.target}/{numbers[name]}" for name in COLUMNS])
    assert len(results) == len(COLUMNS)
    return {name: shows(found, client.target) for (name, shows), found in zip(COLUMNS.items(), results, strict=True)}


def main() -> None:
    """Print the table."""
    print(f"{'target':14}{'client':26}" + "".join(f"{name:>10}" for name in COLUMNS))
    with serving_targets() as base:
        for client in CLIENTS:
            cells = ["yes" if shown else "NO" for shown in row(client, base).values()]
            print(f"{client.target:14}{client.package:26}" + "".join(f"{cell:>10}" for cell in cells))
