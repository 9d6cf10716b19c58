"""Threads that share one decoder: each call is refused or does all of its work, never half of it."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

import ndstream
from inputs.strategies import FRAMINGS, NDJSON, Framing

every_framing = pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
WAIT = 30  # seconds until a thread counts as stuck


@pytest.fixture(autouse=True)
def hasty_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_together(*works: Callable[[], None]) -> None:
    """Run all at once; what one of them raises is raised here."""
    barrier = threading.Barrier(len(works))
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            barrier.wait(WAIT)
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def yielding_int(payload: bytes) -> int:
    """Lets other threads run in the middle of a step."""
    time.sleep(0)
    return int(payload)


@every_framing
def test_every_method_is_refused_while_another_thread_is_inside_loads(framing: Framing) -> None:
    inside, leave = threading.Event(), threading.Event()

    def loads(payload: bytes) -> int:
        inside.set()
        assert leave.wait(WAIT)
        return int(payload)

    decoder = framing.values(loads=loads).feed(framing.wrap(b"1"))
    taken: list[int] = []

    def intrude() -> None:
        try:
            assert inside.wait(WAIT)
            for call in (
                lambda: decoder.feed(framing.wrap(b"2")),
                lambda: decoder.feed(b""),
                lambda: next(decoder),
                lambda: decoder.finish(),
                lambda: decoder.reset(),
                lambda: decoder.__init__(),
            ):
                with pytest.raises(RuntimeError, match="two threads"):
                    call()
            assert taken == []
        finally:
            leave.set()

    run_together(lambda: taken.extend(decoder), intrude)
    assert taken == [1]
    assert list(decoder.feed(framing.wrap(b"3")).finish()) == [3]


@every_framing
@pytest.mark.parametrize("takers", [2, 5])
def test_threads_that_take_from_one_decoder_share_its_values_without_loss(framing: Framing, takers: int) -> None:
    count = 600
    data = b"".join(framing.wrap(b"%d" % number) for number in range(count))
    decoder = framing.values(loads=yielding_int)
    piles: list[list[int]] = [[] for _ in range(takers)]
    refused: Counter[int] = Counter()
    fed = threading.Event()

    def feed() -> None:
        for begin in range(0, len(data), 37):
            while True:
                try:
                    decoder.feed(data[begin : begin + 37])
                    break
                except RuntimeError:
                    refused[0] += 1
                    time.sleep(0)
        fed.set()

    def taking(number: int) -> Callable[[], None]:
        def take() -> None:
            while True:
                # Looked at first: what is fed after an empty answer must not be left behind.
                last = fed.is_set()
                try:
                    piles[number].append(next(decoder))
                except RuntimeError:
                    refused[number + 1] += 1
                    time.sleep(0)
                except StopIteration:
                    if last:
                        return
                    time.sleep(0)

        return take

    run_together(feed, *map(taking, range(takers)))
    assert sorted(value for pile in piles for value in pile) == list(range(count))
    # The decoder hands out in order, so each thread sees its share in order.
    assert all(pile == sorted(pile) for pile in piles)
    assert (decoder.frames, decoder.errors, decoder.offset, decoder.pending) == (count, 0, len(data), 0)
    if not refused.total():
        pytest.skip("no two calls met, which has shown nothing: when threads take turns is the interpreter's choice")


@every_framing
def test_threads_that_feed_one_decoder_lose_no_chunk(framing: Framing) -> None:
    decoder = framing.values(loads=yielding_int)
    count, feeders = 200, 4
    taken: list[int] = []
    running = threading.Semaphore(0)

    def feeding(first: int) -> Callable[[], None]:
        def feed() -> None:
            for number in range(first, count, feeders):
                chunk = bytearray(framing.wrap(b"%d" % number))
                while True:
                    try:
                        decoder.feed(chunk)
                        break
                    except RuntimeError:
                        time.sleep(0)
                # The buffer is its owner's again as soon as feed is back.
                chunk[:] = b"!" * len(chunk)
            running.release()

        return feed

    def take() -> None:
        stopped = 0
        while True:
            stopped += running.acquire(blocking=False)
            try:
                taken.append(next(decoder))
            except RuntimeError:
                time.sleep(0)
            except StopIteration:
                if stopped == feeders:
                    return

    run_together(take, *map(feeding, range(feeders)))
    assert sorted(taken) == list(range(count))


@every_framing
def test_resets_from_another_thread_never_mix_two_streams(framing: Framing) -> None:
    """Values of the stream before a reset may be lost with it, but none is torn or comes late."""
    decoder = framing.values(loads=yielding_int)
    rounds = 60
    seen: list[int] = []
    refused = []
    over = threading.Event()

    def restart() -> None:
        for number in range(rounds):
            for call in (
                decoder.reset,
                # Cut inside the last frame: its rest must not be joined with the next stream.
                lambda number=number: decoder.feed((framing.wrap(b"%d" % (1000 + number)) * 3)[:-4]),
            ):
                while True:
                    try:
                        call()
                        break
                    except RuntimeError:
                        refused.append(call)
                        time.sleep(0)
        over.set()

    def take() -> None:
        while not over.is_set():
            try:
                seen.append(next(decoder))
            except (RuntimeError, StopIteration):
                time.sleep(0)
            except ndstream.StreamError as error:
                raise AssertionError("two streams were joined") from error

    run_together(restart, take, take)
    assert set(seen) <= set(range(1000, 1000 + rounds))


def test_attributes_read_from_another_thread_never_go_back() -> None:
    decoder = NDJSON.values(loads=yielding_int)
    data = b"".join(b"%d\n" % number for number in range(400))
    over = threading.Event()

    def take() -> None:
        try:
            for begin in range(0, len(data), 11):
                for _ in decoder.feed(data[begin : begin + 11]):
                    pass
        finally:
            over.set()

    def watch() -> None:
        before = (0, 0, 0)
        while not over.is_set():
            now = (decoder.offset, decoder.line, decoder.frames)
            assert all(late >= early for early, late in zip(before, now, strict=True))
            assert 0 <= decoder.pending <= len(data)
            before = now

    run_together(take, watch)
    assert (decoder.offset, decoder.line, decoder.frames) == (len(data), 400, 400)


def test_one_event_read_by_threads_at_once_has_one_text() -> None:
    text = "\N{EURO SIGN}" * 20_000
    (event,) = ndstream.SSEDecoder().feed(f"data: {text}\n\n".encode())
    seen: list[str] = []
    run_together(*[lambda: seen.append(event.data)] * 6)
    assert seen == [text] * 6
