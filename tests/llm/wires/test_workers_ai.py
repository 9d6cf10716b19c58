"""Cloudflare's Workers AI: answers in the envelope of its REST API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ndstream import llm


def enveloped(result: Any, success: bool = True, errors: Any = ()) -> dict[str, Any]:
    return {"result": result, "success": success, "errors": list(errors), "messages": []}


def test_an_answer_in_an_envelope_is_read_and_stays_in_it() -> None:
    body = enveloped({"response": "Hi", "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})
    answer = llm.collect(json.dumps(body).encode())
    assert (answer.wire, answer.text, answer.tokens.total, answer.body) == ("workers-ai", "Hi", 3, body)


@pytest.mark.parametrize(
    ("errors", "message", "kind"),
    [
        ([{"code": 429, "message": "slow down"}], "slow down", "rate_limit"),
        ([], "the server says that it did not succeed", "unknown"),
    ],
)
def test_an_envelope_without_success_is_an_error(errors: Any, message: str, kind: str) -> None:
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(json.dumps(enveloped(None, False, errors)).encode())
    assert (str(caught.value), caught.value.kind) == (message, kind)
