"""Our decoder inside the openai and anthropic clients: the same events as with theirs, and where theirs fail."""

from __future__ import annotations

import asyncio
import doctest
import itertools
import pathlib
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from typing import Any

import orjson
import pytest

import ndstream
import real_parts
from inputs.recordings import RECORDINGS
from ndstream import dropin
from ndstream.dropin import ClientDecoder

from .llm_clients import Call, Told, told, told_async, with_our_decoder

for library in ("openai", "anthropic"):
    real_parts.library(library)


CALLS: dict[str, Call] = {"openai-chat": "chat", "openai-responses": "responses", "anthropic": "messages"}

both_ways = pytest.mark.parametrize("ask", [told, told_async], ids=["sync", "async"])


def chat(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return orjson.dumps(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    )


def message(kind: str, **more: Any) -> tuple[bytes, bytes]:
    return kind.encode(), orjson.dumps({"type": kind, **more})


MESSAGES = [
    message("message_start", message={"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m"}),
    message("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    message("ping"),
    message("content_block_delta", index=0, delta={"type": "text_delta", "text": "à\u2028\U0001f600"}),
    message("content_block_stop", index=0),
    message("message_stop"),
]
CHATS = [chat("Hel"), chat("lo à\u2028b\u0085c"), chat("\U0001f600")]

CHAT_STREAM = b"".join(b"data: %b\n\n" % payload for payload in CHATS) + b"data: [DONE]\n\n"
MESSAGE_STREAM = b"".join(b"event: %b\ndata: %b\n\n" % event for event in MESSAGES)


each_call = pytest.mark.parametrize(
    ("call", "data"), [("chat", CHAT_STREAM), ("messages", MESSAGE_STREAM)], ids=["chat", "messages"]
)


def cut(data: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    places = sorted({0, len(data), *(chance.randrange(len(data)) for _ in range(min(60, len(data) // 9)))})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


def recordings() -> list[pathlib.Path]:
    return [file for name in CALLS for file in sorted(RECORDINGS.glob(f"{name}--*.sse"))]


def same(one: Told, other: Told) -> None:
    assert one.events == other.events
    assert type(one.error) is type(other.error)
    assert str(one.error) == str(other.error)


@both_ways
@each_call
def test_a_plain_reply_is_the_same_as_with_their_decoder(ask: Callable[..., Told], call: Call, data: bytes) -> None:
    theirs = ask(call, [data], ours=False)
    assert theirs.error is None
    assert len(theirs.events) >= 3
    same(ask(call, [data], ours=True), theirs)
    same(ask(call, cut(data, 1), ours=True), theirs)


@pytest.mark.skipif(not recordings(), reason="no recordings beside the project")
@pytest.mark.parametrize("file", recordings(), ids=lambda file: file.name)
def test_a_recorded_reply_is_the_same_as_with_their_decoder(file: pathlib.Path) -> None:
    call, data = CALLS[file.name.partition("--")[0]], file.read_bytes()
    theirs = told(call, [data], ours=False)
    assert theirs.events or theirs.error
    same(told(call, cut(data, 2), ours=True), theirs)
    same(told_async(call, cut(data, 3), ours=True), theirs)


@both_ways
def test_an_error_in_a_chat_is_the_client_s_own_error(ask: Callable[..., Told]) -> None:
    data = b"data: %b\n\n" % CHATS[0] + b'data: {"error":{"message":"overloaded","code":503}}\n\n'
    ours = ask("chat", [data], ours=True)
    same(ours, ask("chat", [data], ours=False))
    assert type(ours.error).__name__ == "APIError"
    assert "overloaded" in str(ours.error)


@both_ways
def test_an_error_event_of_messages_is_the_client_s_own_error(ask: Callable[..., Told]) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    ours = ask("messages", [MESSAGE_STREAM[:-40].rpartition(b"event:")[0] + error], ours=True)
    same(ours, ask("messages", [MESSAGE_STREAM[:-40].rpartition(b"event:")[0] + error], ours=False))
    assert "Overloaded" in str(ours.error)


@both_ways
def test_what_stands_behind_done_is_not_read_as_events(ask: Callable[..., Told]) -> None:
    data = CHAT_STREAM + b"data: not JSON\n\n"
    same(ask("chat", [data], ours=True), ask("chat", [data], ours=False))


TRICKY: dict[str, tuple[Call, list[bytes]]] = {
    "a BOM first": ("chat", [b"\xef\xbb\xbf" + CHAT_STREAM]),
    "a BOM first, of messages": ("messages", [b"\xef\xbb\xbf" + MESSAGE_STREAM]),
    "CR alone": ("chat", [CHAT_STREAM.replace(b"\n", b"\r")]),
    "CR alone, of messages": ("messages", [MESSAGE_STREAM.replace(b"\n", b"\r")]),
    "CRLF, a byte at a time": ("chat", [bytes([byte]) for byte in CHAT_STREAM.replace(b"\n", b"\r\n")]),
    "CRLF, a byte at a time, of messages": (
        "messages",
        [bytes([byte]) for byte in MESSAGE_STREAM.replace(b"\n", b"\r\n")],
    ),
    "blank lines of two kinds": ("messages", [MESSAGE_STREAM.replace(b"\n\n", b"\n\r\n")]),
    "an event without data": ("chat", [b"event: ping\n\n" + CHAT_STREAM]),
    "an id, and blank lines to keep alive": ("chat", [b"id: 7\n\n\n\n" + CHAT_STREAM]),
    "a retry alone": ("chat", [b"retry: 10\n\n" + CHAT_STREAM]),
    "comments to keep alive": ("chat", [b": wait\n\n" + CHAT_STREAM.replace(b"\n\n", b"\n\n: wait\n\n")]),
    "data over several lines": ("chat", [CHAT_STREAM.replace(b',"choices"', b',\ndata: "choices"')]),
    "a field of bytes that are not UTF-8": ("chat", [b"x: \xff\n" + CHAT_STREAM]),
}


@both_ways
@pytest.mark.parametrize("name", TRICKY)
def test_a_tricky_stream_gives_what_the_standard_says(ask: Callable[..., Told], name: str) -> None:
    call, chunks = TRICKY[name]
    plain = ask(call, [CHAT_STREAM if call == "chat" else MESSAGE_STREAM], ours=False)
    same(ask(call, chunks, ours=True), plain)


def test_their_decoders_fail_where_the_page_says_so() -> None:
    """Of these versions; a newer client may do better."""
    if not (version("openai").startswith("3.57.") and version("anthropic").startswith("2.14.")):
        pytest.skip("the page is about other versions")
    failed = set()
    for name, (call, chunks) in TRICKY.items():
        plain = told(call, [CHAT_STREAM if call == "chat" else MESSAGE_STREAM], ours=False)
        theirs = told(call, chunks, ours=False)
        if theirs.events != plain.events or theirs.error is not None:
            failed.add(name)
    assert failed == {
        "a BOM first",
        "a BOM first, of messages",
        "an event without data",
        "an id, and blank lines to keep alive",
        "a retry alone",
        "a field of bytes that are not UTF-8",
    }


@both_ways
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@each_call
def test_a_body_that_ends_inside_an_event_is_a_truncated_error(
    ask: Callable[..., Told], framing: str, call: Call, data: bytes
) -> None:
    end = data.rindex(b"data: ") + 9 if call == "messages" else data.rindex(b"data: {") + 9
    ours = ask(call, [data[:end]], ours=True, framing=framing)
    assert isinstance(ours.error, ndstream.TruncatedError)
    assert ours.error.offset == data.rindex(b"\n\n", 0, end) + 2
    assert ours.error.frame == data[ours.error.offset : end]
    theirs = ask(call, [data[:end]], ours=False, framing=framing)
    assert theirs.events == ours.events


@both_ways
def test_a_transport_that_breaks_is_the_client_s_own_error(ask: Callable[..., Told]) -> None:
    ours = ask("chat", [CHAT_STREAM[:300]], ours=True, ends="cut")
    theirs = ask("chat", [CHAT_STREAM[:300]], ours=False, ends="cut")
    same(ours, theirs)
    assert type(ours.error).__name__ == "APIConnectionError"


@both_ways
@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n"])
def test_a_sentinel_without_its_blank_line_ends_a_chat(ask: Callable[..., Told], end: bytes) -> None:
    chats = CHAT_STREAM.removesuffix(b"data: [DONE]\n\n")
    assert ask("chat", [chats + end], ours=True) == ask("chat", [CHAT_STREAM], ours=True)


LAST_MESSAGE = b'event: message_stop\ndata: {"type":"message_stop"}'


@both_ways
@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n", b"\r"])
def test_a_last_event_without_its_blank_line_ends_messages(ask: Callable[..., Told], end: bytes) -> None:
    data = MESSAGE_STREAM[: MESSAGE_STREAM.rindex(b"event: message_stop")] + LAST_MESSAGE + end
    ours, theirs = ask("messages", [data], ours=True), ask("messages", [data], ours=False)
    same(ours, theirs)
    assert ours.error is None


@both_ways
def test_an_event_that_the_body_cuts_is_discarded_where_that_was_asked_for(ask: Callable[..., Told]) -> None:
    end = CHAT_STREAM.rindex(b"data: {") + 9
    discarding = ask("chat", [CHAT_STREAM[:end]], ours={"on_truncated": "discard"})
    same(discarding, ask("chat", [CHAT_STREAM[:end]], ours=False))
    assert discarding.error is None


def test_a_copy_of_the_client_keeps_the_decoder() -> None:
    openai: Any = real_parts.library("openai")
    with with_our_decoder(openai.OpenAI)(api_key="none") as client, client.with_options(timeout=3) as copy:
        assert isinstance(copy._make_sse_decoder(), ClientDecoder)


class TestEvents:
    @staticmethod
    def of(data: bytes) -> list[dropin.ClientEvent]:
        return list(ClientDecoder().iter_bytes(iter([data])))

    @pytest.mark.parametrize("library", ["openai", "anthropic"])
    @pytest.mark.parametrize(
        "block",
        [
            b"data: a",
            b"event: message\ndata: a",
            b"event:message\ndata: a",
            b"event: ping\ndata: a",
            b"event:\ndata: a",
            b"data: event: message",
            b"id: 7\nretry: 10\ndata: a\ndata: b",
            b"event: a\nevent: b\ndata: c",
            b"event: message\nevent:\ndata: a",
            b"events: a\ndata: b",
            b"event: message \ndata: b",
        ],
    )
    def test_an_event_says_what_theirs_says(self, library: str, block: bytes) -> None:
        theirs = real_parts.library(f"{library}._streaming").SSEDecoder()
        [event] = theirs.iter_bytes(iter([block + b"\n\n"]))
        [ours] = self.of(block + b"\n\n")
        for name in ("event", "data", "id", "retry"):
            assert getattr(ours, name) == getattr(event, name), name
        if library == "anthropic":
            assert ours.raw == event.raw

    def test_raw_lines_end_at_line_ends_alone(self) -> None:
        [event] = self.of("data: a\u2028b\r\n: c\r\n\r\n".encode())
        assert event.raw == ["data: a\u2028b", ": c"]

    def test_bad_json_is_an_error_with_its_place(self) -> None:
        [event] = self.of(b"data: {\n\n")
        with pytest.raises(ndstream.DecodeError):
            event.json()

    def test_an_event_past_the_limit_is_an_error(self) -> None:
        with pytest.raises(ndstream.FrameTooLargeError):
            list(ClientDecoder(max_frame_size=10).iter_bytes(iter([b"data: 12345678901\n\n"])))

    def test_an_event_of_any_size_is_an_event(self) -> None:
        data = b"x" * (17 * 1024 * 1024)
        [event] = self.of(b"data: %b\n\n" % data)
        assert len(event.data) == len(data)

    @pytest.mark.parametrize(
        "block",
        [
            b"event: done\ndata: [DONE]\n",
            b"event: done\ndata: [DONE]",
            b"event: done\ndata: {}\n",
            b": a comment\nevent: message_stop\ndata: {}\n",
            b"id: 7\r\nevent:message_stop\r\ndata:{}\r\n",
            b"data: {}\nevent: message_stop\n",
        ],
    )
    def test_a_last_event_that_lacks_its_blank_line_alone_cuts_nothing(self, block: bytes) -> None:
        for end in range(len(block) + 1):
            chunks = [b"data: 1\n\n", block[:end], block[end:]]
            assert [event.data for event in ClientDecoder().iter_bytes(iter(chunks))] == ["1"]

    @pytest.mark.parametrize(
        "block",
        [
            b'event: message_stop\ndata: {"type"',
            b"event: message_stop\n",
            b"event: message_stop",
            b"event: message_delta\ndata: {}\n",
            b"data: [DON",
            b"event: response.completed\ndata: {}\n",
        ],
    )
    def test_any_other_event_that_the_body_cuts_is_an_error(self, block: bytes) -> None:
        with pytest.raises(ndstream.TruncatedError) as caught:
            self.of(b"data: 1\n\n" + block)
        assert (caught.value.offset, caught.value.frame) == (9, block)

    @pytest.mark.parametrize(("on_truncated", "data"), [("discard", ["1"]), ("emit", ["1", "2"])])
    def test_a_cut_event_is_what_on_truncated_says(self, on_truncated: Any, data: list[str]) -> None:
        decoder = ClientDecoder(on_truncated=on_truncated)
        assert [event.data for event in decoder.iter_bytes(iter([b"data: 1\n\ndata: 2\n"]))] == data

        async def awaited() -> list[str]:
            async def chunks() -> AsyncIterator[bytes]:
                yield b"data: 1\n\ndata: 2\n"

            return [event.data async for event in decoder.aiter_bytes(chunks())]

        assert asyncio.run(awaited()) == data

    def test_options_are_checked_before_there_is_a_response(self) -> None:
        for options, error in (({"loads": None}, TypeError), ({"on_truncated": "no"}, ValueError)):
            with pytest.raises(error, match=next(iter(options))):
                ClientDecoder(**options)

    def test_an_event_shows_its_fields(self) -> None:
        [event] = ClientDecoder().iter_bytes(iter([b"event: e\nid: 7\nretry: 5\ndata: 1\n\n"]))
        assert repr(event) == "ClientEvent(event='e', data='1', id='7', retry=5)"

    def test_another_decoder_of_json_can_be_given(self) -> None:
        [event] = ClientDecoder(loads=bytes.decode).iter_bytes(iter([b"data: 1\n\n"]))
        assert event.json() == "1"


def test_importing_ndstream_does_not_import_it() -> None:
    program = "import sys, ndstream; assert 'ndstream.dropin' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_examples_run() -> None:
    result = doctest.testmod(dropin)
    assert result.attempted > 0
    assert result.failed == 0
