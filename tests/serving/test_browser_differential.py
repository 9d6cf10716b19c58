"""What Chromium's EventSource receives is what our decoder reads. ``make browser-differential`` compares many more."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from ndstream import EventSource

from .browser_differential import Judge, Stream, cut, encoded_stream, judge, random_stream
from .event_source.scripted import Answer, SyncResponse

COUNT = 150


@pytest.fixture(scope="module")
def chromium_page() -> Iterator[Judge]:
    with judge() as judging:
        yield judging


def test_random_streams_are_read_as_the_browser_reads_them(chromium_page: Judge) -> None:
    chance = random.Random(12)
    assert chromium_page.differences([random_stream(chance) for _ in range(COUNT)]) == []


def test_what_the_encoders_write_is_read_as_the_browser_reads_it(chromium_page: Judge) -> None:
    chance = random.Random(12)
    assert chromium_page.differences([encoded_stream(chance) for _ in range(COUNT)]) == []


@pytest.mark.parametrize(
    "data",
    [
        b"id: 1\ndata: a\n\nid: 2\ndata: never\n",
        b"id: 1\ndata: a\n\nid: 2\n\n",
        b"id: 1\ndata: a\n\nid:\ndata: b\n\n",
        b"id: a\x00b\ndata: a\n\n",
        b"data: a\r\rdata: b\r\n\r\ndata: c\n\ndata: never",
        b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: never\n\n",
        b"event: error\ndata: a\n\nevent: open\ndata: b\n\n",
        b"data\n\ndata:\n\ndata\ndata\n\nevent: a\n\ndata:  b \n\n",
        "id: \u20ac\U0001f600\ndata: \u2028\x85\n\n".encode(),
        b"data: \xff\xe2\x82\n\ndata: \xf0\x9f\x98\n\n",
    ],
)
def test_a_stream_is_read_as_the_browser_reads_it_however_it_is_cut(data: bytes, chromium_page: Judge) -> None:
    chance = random.Random(len(data))
    byte_by_byte = Stream([data[index : index + 1] for index in range(len(data))], reconnects=False)
    assert chromium_page.differences([byte_by_byte, *(cut(data, chance) for _ in range(6))]) == []


def test_a_difference_is_seen(chromium_page: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    from . import browser_differential

    monkeypatch.setattr(browser_differential, "read", lambda stream: ([("message", "a", "1")], "1"))
    same, other = (Stream([b"id: %d\ndata: a\n\nretry: 1\n\n" % number], reconnects=True) for number in (1, 2))
    assert chromium_page.differences([same]) == []
    assert len(chromium_page.differences([other])) == 2


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (b"id: 7\ndata: a\n\n", b"data: b\n\n"),
        (b"id: 7\ndata: a\n\nid: 8\n\n", b"data: b\n\nid\ndata: c\n\n"),
        (b"id: 7\ndata: a\n\nid: 8\ndata: cut", b"id: 8\ndata: whole\n\n"),
        (b"id: 7\ndata: a\n\nid:\ndata: b\n\n", b"data: c\n\n"),
        (b"event: x\ndata: cut", b"data: b\n\n"),
    ],
)
def test_a_lost_connection_is_gone_on_with_as_the_browser_does(first: bytes, rest: bytes, chromium_page: Judge) -> None:
    answers = [[b"retry: 1\n\n" + first], [rest]]

    def connect(headers: dict[str, str]) -> Any:
        asked.append(headers.get("Last-Event-ID", ""))
        return answers.pop(0) if answers else SyncResponse(Answer(status=204))

    asked: list[str] = []
    with EventSource(connect, delay=lambda attempt, retry: 0.0) as source:
        ours = [(event.event, event.data, event.id) for event in source]
    stream = Stream([b"retry: 1\n\n", first], reconnects=True, rest=rest)
    assert chromium_page.received([stream]) == [ours]
    assert chromium_page.asked_after(0) == asked[1]
