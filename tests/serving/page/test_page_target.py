"""The format of the page is that of the AI SDK, whose own client reads it."""

from __future__ import annotations

import pytest

from doubles.loopback import response, serving
from ndstream import llm
from ndstream.serving._page.page_target import CUT_KINDS, PageTarget
from ndstream.serving._targets.outcome import Failure
from serving.targets.clients import CLIENTS, Found

[AI_SDK] = [client for client in CLIENTS if client.target == "ui"]
REPLY = b'{"response":"Hi","done":false}\n{"response":"","done":true,"done_reason":"stop","eval_count":2}\n'


def written(failure: Failure | None = None) -> bytes:
    reply = llm.reply(REPLY)
    target = PageTarget()
    return target.take(reply) + (target.complete(reply) if failure is None else target.fail(failure))


def found(data: bytes) -> Found:
    with serving(response(data, kind="text/event-stream", chunked=False)) as server:
        [result] = AI_SDK.read_all(server.url.rstrip("/"), ["x"])
        return result


def test_the_client_of_the_ai_sdk_passes_over_the_part_of_our_own() -> None:
    assert b'"type":"data-ending"' in written()
    complete = found(written())
    assert (complete.text, complete.finish, complete.output, complete.error) == ("Hi", "stop", 2, None)
    failed = found(written(Failure("it broke", "server")))
    assert failed.text == "Hi"
    assert failed.error is not None
    assert "it broke" in failed.error


@pytest.mark.parametrize("kind", ["truncated", "timeout", "shutdown", "server", "overloaded", "malformed"])
def test_a_cut_is_told_apart_from_an_error(kind: str) -> None:
    verdict = b'"verdict":"cut"' if kind in CUT_KINDS else b'"verdict":"error"'
    assert verdict in written(Failure("words", kind))
