"""Text Generation Inference: its counts."""

from __future__ import annotations

from typing import Any

import pytest

from llm.example import sse
from ndstream import llm


@pytest.mark.parametrize(
    ("details", "tokens"),
    [
        ({"input_length": 3, "prefill": [{}, {}]}, 3),
        ({"prefill": [{"id": 1}, {"id": 2}]}, 2),
        ({"prefill": []}, None),
    ],
)
def test_the_tokens_of_the_prompt_are_counted_where_they_are_listed_alone(
    details: dict[str, Any], tokens: int | None
) -> None:
    last = {"token": {"id": 1, "text": "a"}, "generated_text": "a", "details": {"generated_tokens": 1, **details}}
    assert llm.collect(iter(sse(last))).tokens.input == tokens
