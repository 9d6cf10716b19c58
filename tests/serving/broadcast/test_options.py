"""What a broadcast refuses as soon as it is made, with the option that is wrong."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest

from ndstream.serving import AnthropicTarget, Broadcast
from serving.relaying import Upstream


def connect() -> Any:
    return Upstream()


def test_it_keeps_1000_events_and_16_mib_unless_it_is_told_otherwise() -> None:
    defaults = {name: each.default for name, each in inspect.signature(Broadcast).parameters.items()}
    assert (defaults["max_events"], defaults["max_bytes"]) == (1000, 16 * 1024 * 1024)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"slow": "wait"}, ValueError, "slow must be one of 'block', 'drop', 'disconnect'"),
        ({"source": Upstream(), "connect": connect}, TypeError, "a source or connect=, not both"),
        ({"connect": connect, "to": AnthropicTarget()}, TypeError, "pass its name"),
        ({"to": "sse"}, TypeError, "there is no source"),
        ({"wire": "ollama"}, TypeError, "there is no source"),
        *(({name: value}, TypeError, f"{name} must be an int")
          for name in ("max_events", "max_bytes") for value in (True, 1.5, None)),
        *(({name: value}, ValueError, f"{name} must be at least 1")
          for name in ("max_events", "max_bytes") for value in (0, -1)),
        *(({"retry": value}, TypeError, "retry must be a pair of seconds")
          for value in (1.0, [1.0, 5.0], (1.0,), ("1", 5.0), (True, 5.0))),
        *(({"retry": value}, ValueError, "retry must be two delays in order")
          for value in ((-1.0, 5.0), (5.0, 1.0), (0.0, 86401.0), (math.nan, 5.0))),
        *(({"keep_upstream": value}, TypeError, "keep_upstream must be a number of seconds") for value in ("1", True)),
        *(({"keep_upstream": value}, ValueError, "keep_upstream must be 0 seconds or more")
          for value in (-1, math.inf, math.nan)),
        *(({"epoch": value}, ValueError, "epoch must be 1 to 64") for value in ("", "a-b", "x" * 65, "é")),
    ],
)  # fmt: skip
def test_an_option_that_is_wrong_is_refused_by_name(options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Broadcast(**options)


def test_options_at_their_limits_are_taken() -> None:
    Broadcast(max_events=1, max_bytes=1, retry=(0, 86400), keep_upstream=0, epoch="x" * 64)
    Broadcast(connect=connect, keep_upstream=None, retry=None)


def test_the_headers_are_those_of_the_target_before_anything_is_connected() -> None:
    assert Broadcast(connect=connect, to="ui").headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert "x-vercel-ai-ui-message-stream" not in Broadcast(connect=connect).headers
