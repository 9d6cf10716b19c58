"""What Chromium's EventSource receives is what our decoder reads. ``make browser-differential`` compares many more."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from .browser_differential import Judge, Stream, cut, encoded_stream, judge, random_stream

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
