"""What servers measured, and what was seen from here."""

from __future__ import annotations

import time
from typing import Any

import pytest

from llm.example import lines, sse
from llm.examples import METRICS, by_name, chat_frame, ollama_frame
from ndstream import llm

USAGE = {"prompt_tokens": 4, "completion_tokens": 2}


def test_nanoseconds_become_seconds_and_a_speed() -> None:
    metrics = llm.collect(iter(lines(ollama_frame({"content": "a"}, True, **METRICS)))).metrics
    assert metrics == llm.Metrics(
        source="ollama",
        load_seconds=0.5,
        prompt_tokens=10,
        prompt_seconds=0.25,
        output_tokens=40,
        output_seconds=2.0,
        total_seconds=3.0,
        tokens_per_second=20.0,
    )


@pytest.mark.parametrize("odd", [0, -1, None, "x", True, [], 1e308])
def test_a_duration_that_is_none_divides_nothing(odd: Any) -> None:
    frame = ollama_frame({"content": "a"}, True, **{**METRICS, "eval_duration": odd})
    assert llm.collect(iter(lines(frame))).metrics.tokens_per_second in (None, pytest.approx(0))


def test_the_metrics_of_each_server_are_told_in_the_same_words() -> None:
    wanted = {
        "lm studio's own": ("stats", 20, 8, 43.5),
        "llama.cpp's own": ("timings", 4, 2, 50.0),
        "cohere plans and calls": ("usage", 70, 9, None),
        "openai text": ("usage", 5, 3, None),
        "tgi's own, without a space behind data": ("details", 4, 3, None),
    }
    found = {name: llm.collect(by_name(name).data).metrics for name in wanted}
    for name, metrics in found.items():
        told = (metrics.source, metrics.prompt_tokens, metrics.output_tokens, metrics.tokens_per_second)
        assert told == wanted[name], name
    assert found["lm studio's own"].load_seconds == 1.5
    assert found["lm studio's own"].first_token_seconds == 0.25
    assert found["llama.cpp's own"].prompt_seconds == 0.008


def test_timings_of_llama_cpp_come_before_counts() -> None:
    timings = {"prompt_n": 1, "prompt_ms": 5, "predicted_n": 3, "predicted_ms": 30, "predicted_per_second": 100.0}
    frames = sse(chat_frame({"content": "a"}, "stop", usage=USAGE, timings=timings))
    metrics = llm.collect(iter(frames)).metrics
    assert (metrics.source, metrics.prompt_tokens, metrics.output_tokens) == ("timings", 4, 3)
    assert metrics.tokens_per_second == 100.0


@pytest.mark.parametrize("name", ["ollama chat", "anthropic thinks, speaks and calls", "openai text"])
def test_the_times_tell_bytes_frames_and_text_apart(name: str) -> None:
    began = time.monotonic()
    times = llm.collect(by_name(name).data).times
    assert times.first_byte is not None
    assert times.first_payload is not None
    assert times.first_text is not None
    assert times.end is not None
    assert 0 <= times.first_byte <= times.first_payload <= times.first_text <= times.end
    # They are counted from the call, and not from the start of the machine's clock.
    assert times.end <= time.monotonic() - began
