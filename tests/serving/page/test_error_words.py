"""What the page says of an error, whatever shape the server's words have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ndstream.serving import UpstreamError
from ndstream.serving._page.deferred_request import deferred_chunks
from ndstream.serving._page.error_words import ErrorWords


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UpstreamError(500, body=b'{"error": {"message": "busy"}}'), "The model's server answered 500: busy"),
        (UpstreamError(500, body=b'{"a": 1}'), 'The model\'s server answered 500: {"a": 1}'),
        (UpstreamError(500, body=b"plain"), "The model's server answered 500: plain"),
        (UpstreamError(500, body=b"<html>"), "The model's server answered 500"),
        (LookupError("?"), "The connection to the model's server broke before its stream was complete"),
    ],
)
def test_the_words_of_the_server_are_shown_if_there_are_any(error: Exception, words: str) -> None:
    assert ErrorWords("")(error) == words


class Refusing:
    """A response that is no success, and whose body has no end."""

    status_code = 500
    headers = None
    closed = 0

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 10_000

    async def aclose(self) -> None:
        self.closed += 1


def test_the_body_of_a_refusal_is_read_up_to_64_kib() -> None:
    response = Refusing()

    async def asked(messages: Any) -> Refusing:
        return response

    async def main() -> None:
        with pytest.raises(UpstreamError) as caught:
            await anext(deferred_chunks(asked, []))
        assert (caught.value.status, caught.value.body, response.closed) == (500, b"x" * 65_536, 1)

    asyncio.run(main())
