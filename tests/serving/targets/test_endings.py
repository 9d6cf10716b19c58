"""How replies end in every target: once, in its own words, and never as complete if they are not."""

from __future__ import annotations

import json
from typing import Any

import pytest

import ndstream
from ndstream.llm._delta import FullDelta
from ndstream.serving import TARGETS, Failure
from ndstream.serving._converters.reply_reader import ReplyReader
from serving.made_replies import DONE, call, chunk, reply
from serving.relaying import relayed

from .grammar import READERS

NAMES = sorted(READERS)


def last(told: bytes) -> str:
    """The last frame, as text."""
    return told.rstrip(b"\n").rpartition(b"\n")[2].decode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "upstream",
    [
        b"",
        chunk(text="Hi"),
        chunk(text="Hi") + DONE[:9],
        chunk(text="Hi") + chunk(),
        chunk(calls=[call(0, "c1", "f", '{"a":')]),
        chunk(text="Hi") + b'data: {"error":{"message":"x"}}\n\n' + DONE,
        chunk(text="Hi") + b"data: {not json\n\n" + DONE,
        reply(chunk(text="Hi"), reason="error"),
        reply(chunk(calls=[call(0, "c1", None, "{}")])),
    ],
    ids=["empty", "cut", "cut frame", "no reason", "cut call", "error", "malformed", "reason", "nameless"],
)
def test_a_reply_that_is_not_complete_never_ends_as_one(name: str, upstream: bytes) -> None:
    told = b"".join(relayed([upstream], name, wire="openai-chat"))
    assert READERS[name](told).ended == "error"
    assert b"[DONE]" not in told


@pytest.mark.parametrize("name", NAMES)
def test_what_follows_the_end_is_dropped_and_the_end_comes_once(name: str) -> None:
    whole = reply(chunk(text="Hi"))
    content = READERS[name](b"".join(relayed([whole + chunk(text="more") + DONE], name)))
    assert (content.text, content.ended) == ("Hi", "complete")


@pytest.mark.parametrize("name", NAMES)
def test_the_text_of_an_error_stays_one_string(name: str) -> None:
    message = 'a\r\nevent: x\ndata: {"type":"finish"}\n\n\u2028b'
    upstream = chunk(text="Hi") + b"data: " + json.dumps({"error": {"message": message}}).encode() + b"\n\n"
    told = b"".join(relayed([upstream], name))
    assert READERS[name](told).ended == "error"
    assert json.dumps(message, ensure_ascii=False)[1:-1].encode() in told.replace(b"\\u2028", "\u2028".encode())


@pytest.mark.parametrize("name", NAMES)
def test_the_words_of_an_exception_are_not_told(name: str) -> None:
    def source() -> Any:
        yield chunk(text="Hi")
        raise ConnectionError("https://user:secret@host/")

    told = b"".join(relayed(source(), name))
    assert READERS[name](told).ended == "error"
    assert b"secret" not in told


@pytest.mark.parametrize("name", NAMES)
def test_text_that_the_server_took_back_is_an_error(name: str) -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "Other"}, "finish_reason": "stop"}]}
    upstream = chunk(text="Hi") + b"data: " + json.dumps(whole).encode() + b"\n\n" + DONE
    told = b"".join(relayed([upstream], name))
    assert READERS[name](told).ended == "error"
    assert b"the upstream changed text that it had sent" in told


@pytest.mark.parametrize("name", NAMES)
def test_text_that_cannot_be_written_is_an_error(name: str) -> None:
    target = TARGETS[name]()
    told = target.take([FullDelta({}, text="a"), FullDelta({}, text="\ud800"), FullDelta({}, text="b")])
    content = READERS[name](told)
    assert (content.text, content.ended) == ("a", "error")
    assert isinstance(target.error, ndstream.EncodeError)
    assert target.take([FullDelta({}, text="c")]) == b""


def test_an_error_that_cannot_be_written_is_told_in_other_words() -> None:
    for name in NAMES:
        relay = relayed([chunk(text="Hi")], name, error_message=lambda error: "\ud800")
        assert READERS[name](b"".join(relay)).ended == "error"
        assert isinstance(relay.error, ndstream.StreamError | ndstream.EncodeError)


@pytest.mark.parametrize("name", NAMES)
def test_usage_is_told_once_and_the_last_one_counts(name: str) -> None:
    first = chunk(text="Hi", usage={"prompt_tokens": 987654321, "completion_tokens": 1, "total_tokens": 1})
    told = b"".join(relayed([reply(first)], name))
    assert b"987654321" not in told
    assert READERS[name](told).ended == "complete"


@pytest.mark.parametrize("name", NAMES)
def test_counts_that_no_client_can_hold_are_left_out(name: str) -> None:
    usage = b'"usage":{"prompt_tokens":1%b,"completion_tokens":9007199254740992,"total_tokens":-1}' % (b"0" * 30)
    end = chunk(reason="stop", usage={}).replace(b'"usage":{}', usage)
    told = b"".join(relayed([chunk(text="Hi"), end, DONE], name))
    assert READERS[name](told).ended == "complete"
    assert b"00000000000" not in told
    assert b"9007199254740992" not in told


@pytest.mark.parametrize("name", NAMES)
def test_a_delta_without_text_is_no_frame(name: str) -> None:
    frames = [chunk(), chunk(text=""), chunk(thinking="")]
    told, shorter = (b"".join(relayed([reply(*some)], name)) for some in (frames, []))
    assert told.count(b"\n") == shorter.count(b"\n")


@pytest.mark.parametrize("name", NAMES)
def test_a_reply_that_is_stopped_has_no_success_sentinel(name: str) -> None:
    for upstream in (chunk(text="Hi"), chunk(calls=[call(0, "c1", "f", '{"a":')])):
        relay = relayed([upstream] * 2, name)
        told = next(relay)
        relay.abort()
        told += b"".join(relay)
        assert b"[DONE]" not in told
        assert b"message_stop" not in told
        assert b'"done":true' not in told
        assert b'"type":"finish' not in told
        assert b'"success"' not in told
        if name == "ui":
            assert last(told) == 'data: {"type":"abort"}'
        if name == "ag-ui":
            assert '"cancelled"' in last(told)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("noise", [b"data:\n\n", b"event: ping\ndata: ping\n\n", b": ping\n\n"])
def test_heartbeats_of_the_upstream_are_no_part_of_the_reply(name: str, noise: bytes) -> None:
    frames = [chunk(text="Hi"), chunk(text=" you")]
    told = b"".join(relayed([noise + reply(frames[0] + noise, frames[1])], name))
    content = READERS[name](told)
    assert (content.text, content.ended) == ("Hi you", "complete")


@pytest.mark.parametrize("name", NAMES)
def test_after_a_failure_nothing_is_written(name: str) -> None:
    target = TARGETS[name]()
    assert READERS[name](target.fail(Failure("broken", "server"))).ended == "error"
    assert target.fail(Failure("again", "server")) == target.abort() == b""


def test_a_failure_behind_the_end_of_a_reply_is_none_of_it() -> None:
    reader = ReplyReader(None, None, None)
    assert "".join(delta.text for delta in reader.feed(reply(chunk(text="Hi")))) == "Hi"
    assert list(reader.fail(ConnectionError())) == []
    assert reader.error is None
    assert reader.answer.ending is not None
    assert reader.answer.ending.verdict == "complete"
