"""What official clients make of each target: the table, and every reply of every wire."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from ndstream import llm
from serving.relaying import relayed

from .clients import CLIENTS, PATIENCE, Client, Found
from .expected import Expected
from .serving_targets import serving_targets
from .table import COLUMNS, STOP, row
from .upstreams import MADE, upstreams


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving_targets() as base:
        yield base


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_a_client_gets_text_thoughts_calls_usage_refusals_errors_and_cuts_right(client: Client, base: str) -> None:
    assert row(client, base) == dict.fromkeys(COLUMNS, True)


@pytest.mark.parametrize("target", STOP)
def test_the_heartbeats_that_clients_are_shown_to_take_are_sent(target: str, base: str) -> None:
    number = list(MADE).index("silence")
    request = {"threadId": "t", "runId": "r"}
    told = httpx.post(f"{base}/{target}/{number}/", json=request, timeout=PATIENCE).text
    assert (":\n\n" in told) == (target != "ollama-chat")


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_a_client_finds_in_every_reply_of_every_wire_what_its_own_fold_has(client: Client, base: str) -> None:
    replies = upstreams()
    results = client.read_all(base, [f"{client.target}/{number}" for number in range(len(replies))])
    wrong = []
    for (name, data), found in zip(replies.items(), results, strict=True):
        expected = Expected(data, client.target)
        if not expected.agrees(found):
            wrong.append((name, found, vars(expected)))
    assert wrong == []


def test_most_replies_of_the_differential_are_complete() -> None:
    for target in STOP:
        expected = [Expected(data, target) for data in upstreams().values()]
        assert sum(not one.fails for one in expected) > len(expected) / 2
        assert sum(bool(one.calls) for one in expected) > 10


OTHERWISE = {
    "openai-chat": {"refusal": "content_filter", "other": "length"},
    "anthropic": {"content_filter": "refusal", "other": "length"},
    "ollama-chat": {},
}
"""By target that is a wire as well: what a finish reason is told as that the format has no word for."""


@pytest.mark.parametrize("target", OTHERWISE)
def test_a_translated_reply_folds_to_the_same_reply(target: str) -> None:
    for name, data in upstreams().items():
        expected = Expected(data, target)
        written = b"".join(relayed([data], target))
        answer = llm.collect(written, target, on_incomplete="return")
        assert answer.ending is not None
        found = Found(
            text=answer.text + answer.refusal,
            thinking=answer.thinking,
            calls=[[call.name, call.raw] for call in answer.tool_calls],
            error=None if answer.ending.verdict == "complete" else "not complete",
        )
        assert expected.agrees(found, own_words=False), (name, found, vars(expected))
        if not expected.fails:
            # What has no word of its own in the format aside.
            assert answer.finish_reason in (expected.reason, OTHERWISE[target].get(expected.reason)), name
            assert (answer.tokens.input or 0, answer.tokens.output or 0) == (expected.input or 0, expected.output or 0)
