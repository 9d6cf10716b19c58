"""Nothing leaks, streams of any length fit in bounded memory, and no failed allocation does harm.

What could bring the interpreter down, or needs one of its own to be counted, runs in a subprocess.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ndstream
import real_parts
from inputs.strategies import FRAMINGS, Framing

every_framing = pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
ROOT = str(Path(ndstream.__file__).parents[1])


def in_subprocess(script: str, *arguments: str, **variables: str) -> Any:
    """Run a script in an interpreter of its own, with variables; it answers with JSON on its last line."""
    code = f"import sys; sys.path.insert(0, {ROOT!r})\n" + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", code, *arguments],
        capture_output=True,
        timeout=300,
        check=False,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-3000:].decode(errors="replace"))
    return json.loads(done.stdout.splitlines()[-1])


# Leaks


def refuse(payload: bytes) -> Any:
    raise ValueError(payload)


def interrupt(payload: bytes) -> Any:
    raise KeyboardInterrupt


def use(decoder: Any, chunks: list[Any], *, finish: bool = True) -> None:
    """Take all there is, whatever comes."""
    for chunk in [*chunks, None] if finish else chunks:
        try:
            decoder.finish() if chunk is None else decoder.feed(chunk)
        except (TypeError, RuntimeError):
            continue
        # A frame whose decoding was interrupted comes again and again.
        for _ in range(12):
            try:
                next(decoder)
            except StopIteration:
                break
            except (ndstream.StreamError, KeyboardInterrupt):
                pass


def in_a_cycle(framing: Framing) -> None:
    """The decoder's `loads` gives the decoder itself."""
    decoder = framing.values(loads=lambda payload: decoder)
    use(decoder, [framing.wrap(b"1") * 2])


LONG = b'"' + b"x" * 5000 + b'"'
LEAK_CASES: dict[str, Callable[[Framing], None]] = {
    "values": lambda f: use(f.values(), [f.wrap(b'{"a":[1,"b"]}') * 3]),
    "cut_values": lambda f: use(f.values(), [f.wrap(LONG)[:2500], f.wrap(LONG)[2500:]]),
    "frames_not_taken": lambda f: f.values().feed(f.wrap(b"1") * 9).feed(bytearray(f.wrap(b"1"))),
    "unfinished": lambda f: use(f.values(), [f.wrap(LONG)[:4000]], finish=False),
    "bad_json": lambda f: use(f.values(), [f.wrap(b"nope") * 3]),
    "bad_utf8": lambda f: use(f.values(), [f.wrap(b'"\xff"') * 3]),
    "refused": lambda f: use(f.values(loads=refuse), [f.wrap(b"1") * 3]),
    "interrupted": lambda f: use(f.values(loads=interrupt), [f.wrap(b"1")]),
    "on_error": lambda f: use(f.values(on_error=lambda error: None), [f.wrap(b"nope") * 3]),
    "on_error_raises": lambda f: use(f.values(on_error=interrupt), [f.wrap(b"nope") * 3]),
    "too_large": lambda f: use(f.values(max_frame_size=100), [f.wrap(LONG)] * 3),
    "too_large_and_cut": lambda f: use(f.values(max_frame_size=100), [f.wrap(LONG)[:300]] * 3),
    "truncated": lambda f: use(f.values(), [f.wrap(LONG)[:3000]]),
    "no_sentinel": lambda f: use(f.values(done=b"[DONE]", require_done=True), [f.wrap(b"1")]),
    "sentinel": lambda f: use(f.values(done=b"[DONE]"), [f.wrap(b"[DONE]"), f.wrap(b"1") * 5]),
    "not_bytes": lambda f: use(f.values(), ["text", None, 5, f.wrap(b"1")]),
    "reset": lambda f: use(f.values().feed(f.wrap(LONG)[:3000]).reset() or f.values(), [f.wrap(b"1")]),
    "init_again": lambda f: f.values(loads=refuse).feed(f.wrap(LONG)).__init__(),
    "cycle": in_a_cycle,
}


@every_framing
@pytest.mark.parametrize("case", LEAK_CASES.values(), ids=LEAK_CASES)
def test_nothing_leaks(framing: Framing, case: Callable[[Framing], None]) -> None:
    def grown() -> tuple[int, int]:
        gc.collect()
        blocks, traced = sys.getallocatedblocks(), tracemalloc.get_traced_memory()[0]
        for _ in range(rounds):
            case(framing)
        gc.collect()
        return sys.getallocatedblocks() - blocks, tracemalloc.get_traced_memory()[0] - traced

    rounds = 30
    tracemalloc.start()
    gc.freeze()
    try:
        grown()
        # What a round leaks, thirty rounds leak thirty times; other code may keep a few blocks once.
        blocks, traced = grown()
        if blocks >= rounds // 2 or traced >= rounds * 32:
            blocks, traced = grown()
    finally:
        gc.unfreeze()
        tracemalloc.stop()
    assert blocks < rounds // 2
    assert traced < rounds * 32


@pytest.mark.parametrize("raw", [False, True])
def test_events_do_not_leak(raw: bool) -> None:
    def round() -> None:
        decoder = ndstream.SSEDecoder(raw=raw)
        for event in decoder.feed(b"id: 1\nevent: e\ndata: " + LONG + b"\ndata: x\nretry: 5\n\n" * 3):
            assert (event.data, hash(event), repr(event), event == event) is not None
            with pytest.raises(ndstream.DecodeError):
                event.json()

    def grown() -> int:
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(50):
            round()
        gc.collect()
        return sys.getallocatedblocks() - before

    grown()
    assert min(grown() for _ in range(3)) < 25


@every_framing
def test_chunks_and_callables_are_let_go(framing: Framing) -> None:
    chunk = framing.wrap(b"1") * 3 + framing.wrap(b"[1,")

    def loads(payload: bytes) -> bytes:
        return payload

    decoder = framing.values(loads=loads, on_error=loads)
    counts = sys.getrefcount(chunk), sys.getrefcount(loads)
    for _ in range(5):
        list(decoder.feed(chunk))
        decoder.feed(chunk).feed(chunk)
        decoder.reset()
    assert (sys.getrefcount(chunk), sys.getrefcount(loads)) == counts
    list(decoder.feed(chunk).finish())
    del decoder
    assert sys.getrefcount(chunk) == counts[0]
    assert sys.getrefcount(loads) == counts[1] - 2


@every_framing
def test_a_buffer_is_free_again_when_feed_is_back(framing: Framing) -> None:
    owner = bytearray(framing.wrap(b"1") * 2)
    decoder = framing.values().feed(owner)
    # A bytearray with a buffer out cannot be resized.
    owner.clear()
    assert list(decoder) == [1, 1]


@every_framing
def test_payloads_are_not_kept_once_they_are_decoded(framing: Framing) -> None:
    seen: list[bytes] = []
    decoder = framing.values(loads=seen.append)
    data = framing.wrap(LONG)
    for cut in (len(data), 1000):
        decoder.feed(data[:cut]).feed(data[cut:])
        assert list(decoder) == [None]
        # Counted outside the assertion, which keeps what it compares: the list, and the call's argument.
        count = sys.getrefcount(seen[-1])
        assert count == 2


# Bounded memory

STREAMING = """
    import json, resource, sys
    import ndstream

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)

    name, shape = sys.argv[1:]
    text = b'{"a":"' + b"x" * 100_000 + b'"}'
    small = b'{"a":1}'
    wraps = {
        "NDJSONDecoder": lambda text: text + b"\\n",
        "SSEDecoder": lambda text: b"data: " + text + b"\\n\\n",
        "JSONSeqDecoder": lambda text: b"\\x1e" + text + b"\\n",
        "ConcatenatedJSONDecoder": lambda text: text + b"\\n",
    }
    wrap = wraps[name]
    decoder = getattr(ndstream, name)(loads=len, max_frame_size=1_000_000, on_error="skip")
    chunk = {
        "long": wrap(text),
        "short": wrap(small) * 5000,
        "bad": wrap(b'"' + b"\\x00" * 100_000 + b'"'),
        "endless": text[:-1],
    }[shape]
    count = 0
    def pump(rounds):
        global count
        for _ in range(rounds):
            for begin in (0, 65_536):
                for _ in decoder.feed(chunk[begin:begin + 65_536]):
                    count += 1
    pump(30)
    before = peak()
    pump(400)
    print(json.dumps({"grown": peak() - before, "count": count, "fed": 430 * len(chunk)}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the peak is read by the resource module")
@pytest.mark.parametrize("shape", ["long", "short", "bad", "endless"])
@every_framing
def test_memory_does_not_grow_with_the_stream(framing: Framing, shape: str) -> None:
    answer = in_subprocess(STREAMING, framing.decoder.__name__, shape)
    # Forty megabytes went through, and one frame is 100 kB.
    assert answer["grown"] < 2000
    assert answer["fed"] > 15_000_000
    assert (answer["count"] > 0) == (shape != "endless")


# Allocation failures

NO_MEMORY = """
    import json, sys
    import _testcapi
    import ndstream
    from ndstream import _diagnosis

    # orjson crashes where memory fails while it makes its error; what is tried here is ndstream.
    _diagnosis.orjson = json

    name = sys.argv[1]
    wrap = {
        "NDJSONDecoder": lambda text: text + b"\\n",
        "SSEDecoder": lambda text: b"id: 1\\nevent: e\\ndata: " + text + b"\\ndata: \\nretry: 5\\n\\n",
        "JSONSeqDecoder": lambda text: b"\\x1e" + text + b"\\n",
        "ConcatenatedJSONDecoder": lambda text: text + b"\\n",
    }[name]
    options = {"values": True} if name == "SSEDecoder" else {}

    def refuse(payload):
        raise ValueError

    def keep(error):
        return None

    # None of these allocates: what fails is the decoder's own doing.
    def make(loads=bytes, **more):
        return getattr(ndstream, name)(loads=loads, **options, **more)

    def drain(decoder):
        while next(decoder, None) is not None:
            pass

    one = wrap(b"1")
    many = one * 4
    long = wrap(b'"' + b"x" * 3000 + b'"')
    # Each case: a decoder made ready, and the one call that has to do without memory.
    cases = {
        "feed": (lambda: make(), lambda d: d.feed(many)),
        "feed_waiting": (lambda: make().feed(one).feed(one), lambda d: d.feed(one)),
        "feed_bytearray": (lambda: make(), lambda d: d.feed(array)),
        "feed_memoryview": (lambda: make(), lambda d: d.feed(view)),
        "next": (lambda: make().feed(many), next),
        "next_of_cut": (lambda: make().feed(long[:2000]).feed(long[2000:]), next),
        "next_of_many_cuts": (lambda: begun(make(), 1000), next),
        "next_holds": (lambda: make().feed(long[:2000]), lambda d: next(d, None)),
        "next_grows": (lambda: held(make(), long[:500]).feed(long[500:2500]), lambda d: next(d, None)),
        "next_bad": (lambda: make(refuse).feed(many), lambda d: next(d, None)),
        "next_bad_skip": (lambda: make(refuse, on_error="skip").feed(many), lambda d: next(d, None)),
        "next_bad_call": (lambda: make(refuse, on_error=keep).feed(many), lambda d: next(d, None)),
        "next_too_large": (lambda: make(max_frame_size=9).feed(long), lambda d: next(d, None)),
        "next_sentinel": (lambda: make(done=b"1").feed(many), lambda d: next(d, None)),
        "finish": (lambda: make().feed(one[:-1]), lambda d: d.finish()),
        "next_at_end": (lambda: make().feed(long[:-2]).finish(), lambda d: next(d, None)),
        "next_bad_at_end": (lambda: make(refuse).feed(long[:-2]).finish(), lambda d: next(d, None)),
        "next_no_sentinel": (lambda: make(done=b"x", require_done=True).finish(), lambda d: next(d, None)),
        "reset": (lambda: make().feed(many), lambda d: d.reset()),
        "offset": (lambda: make().feed(many), lambda d: (d.offset, d.pending, d.frames, d.errors)),
    }
    if name == "ConcatenatedJSONDecoder":
        cases["next_needle"] = lambda: make(contains=b"1").feed(many), next
        cases["next_item"] = lambda: make(items=True).feed(b"[1,1]"), next
        cases["next_stray"] = lambda: make(on_error=keep).feed(b"x\\n"), lambda d: next(d, None)
        cases["next_comma"] = lambda: make(items=True, on_error=keep).feed(b"[,]"), lambda d: next(d, None)
        cases["next_array_cut"] = lambda: make(items=True, on_error=keep).feed(b"[").finish(), lambda d: next(d, None)
        cases["next_value_cut"] = lambda: make(on_error=keep).feed(b"[").finish(), lambda d: next(d, None)
    if name == "NDJSONDecoder":
        cases["next_needle"] = lambda: make(contains=b"1").feed(many), next
        cases["next_blank"] = lambda: make(blank_lines="error").feed(b" \\n"), lambda d: next(d, None)
    if name == "SSEDecoder":
        def events(**more):
            return ndstream.SSEDecoder(loads=bytes, **more)
        def one_event():
            return next(events().feed(long))
        cases["next_event"] = lambda: events().feed(many), next
        cases["next_raw_event"] = lambda: events(raw=True).feed(many), next
        cases["next_emit"] = lambda: events(on_truncated="emit").feed(b"data: 1").finish(), next
        cases["event_data"] = one_event, lambda e: e.data
        cases["event_json"] = one_event, lambda e: e.json()
        cases["event_repr"] = one_event, repr
        cases["event_hash"] = one_event, hash
        cases["event_reduce"] = one_event, lambda e: e.__reduce__()

    array, view = bytearray(many), memoryview(bytearray(many))

    def held(decoder, data):
        decoder.feed(data)
        next(decoder, None)
        return decoder

    def begun(decoder, size):
        for begin in range(0, len(long), size):
            decoder.feed(long[begin:begin + size])
        return decoder

    def facts(ready, call, fail_from=None):
        # What the call gives and what comes after it, or None if memory ran out.
        subject, error, result = ready(), None, None
        if fail_from is not None:
            # One failure: without any memory the interpreter's own handling of errors can hang.
            _testcapi.set_nomemory(fail_from, fail_from + 1)
        try:
            result = call(subject)
        except BaseException as raised:
            error = raised
        finally:
            _testcapi.remove_mem_hooks()
        # CPython makes some failures a SystemError of its own, while it adds to a traceback.
        if isinstance(error, (MemoryError, SystemError)):
            return subject, None
        found = [repr(result) if isinstance(result, (bytes, str, int)) else type(result).__name__]
        while True:
            if error is not None:
                found.append([type(error).__name__, error.reason])
                error = None
            if not hasattr(subject, "feed"):
                return subject, found
            try:
                result = next(subject)
            except StopIteration:
                return subject, [*found, subject.offset, subject.pending, subject.frames, subject.errors]
            except ndstream.StreamError as raised:
                error = raised
            else:
                found.append(repr(result))

    ok = [b"1" if name != "SSEDecoder" else b"1\\n"] * 4
    answer = {}
    for case, (ready, call) in cases.items():
        expected = facts(ready, call)[1]
        failures, wrong, spared = 0, [], 0
        for fail_from in range(2000):
            subject, found = facts(ready, call, fail_from)
            if found is None:
                failures += 1
            elif found != expected:
                wrong.append([fail_from, "a failure went unseen", found, expected])
            if case.startswith("event_"):
                assert subject.data and subject.json() and repr(subject)
            else:
                if found is None and case not in ("finish", "reset", "offset"):
                    # Sticky, unless the call had not begun to change anything.
                    try:
                        subject.feed(b"")
                        drain(subject)
                    except (MemoryError, RuntimeError):
                        pass
                    except ndstream.StreamError:
                        pass
                    if subject.frames > 4:
                        wrong.append([fail_from, "too many values"])
                subject.reset()
                if (subject.offset, subject.pending, subject.frames, subject.errors) != (0, 0, 0, 0):
                    wrong.append([fail_from, "reset left something behind"])
                subject.__init__(loads=bytes, **options)
                if list(subject.feed(many).finish()) != ok or subject.offset != len(many):
                    wrong.append([fail_from, "not as good as new after reset"])
            # A failure that did not show may have been made up for: the end is where none shows any more.
            spared = 0 if found is None else spared + 1
            if spared == 25:
                break
        answer[case] = [failures, expected, wrong]
    print(json.dumps(answer))
"""


@every_framing
def test_no_failed_allocation_does_harm(framing: Framing) -> None:
    real_parts.library("_testcapi", get="a CPython with its own test modules")
    answer = in_subprocess(NO_MEMORY, framing.decoder.__name__)
    reasons = {
        "next_bad": "rejected",
        "next_too_large": "too_large",
        "next_bad_at_end": "unfinished",
        "next_no_sentinel": "no_sentinel",
        "next_blank": "blank_line",
    }
    for case, (failures, expected, wrong) in answer.items():
        assert wrong == [], case
        assert failures < 1900, case
        if case in reasons:
            assert expected[1][1] == reasons[case]
    # The sweep has met allocations, or it would prove nothing.
    for case in ("feed_bytearray", "next_of_cut", "next_holds", "next_grows", "next_bad", "next_too_large"):
        assert answer[case][0] > 0, case


STICKY = """
    import json, sys
    import _testcapi
    import ndstream

    # The one allocation that makes a chunk's rest safe fails; the bytes are lost and it must be said.
    answer = []
    for name, data in (
        ("NDJSONDecoder", b"1" * 3000),
        ("SSEDecoder", b"data: " + b"1" * 3000),
        ("JSONSeqDecoder", b"\\x1e" + b"1" * 3000),
        ("ConcatenatedJSONDecoder", b"1" * 3000),
    ):
        seen = set()
        for fail_from in range(20):
            decoder = getattr(ndstream, name)(loads=bytes)
            decoder.feed(data)
            failed = False
            _testcapi.set_nomemory(fail_from, fail_from + 1)
            try:
                next(decoder, None)
            except MemoryError:
                failed = True
            finally:
                _testcapi.remove_mem_hooks()
            if not failed:
                seen.add("worked")
                break
            for call in (lambda: decoder.feed(b"\\n\\n"), lambda: next(decoder), lambda: next(decoder.finish())):
                try:
                    call()
                except (MemoryError, RuntimeError) as error:
                    seen.add("sticky")
                except StopIteration:
                    seen.add("silent")
                else:
                    seen.add("went on")
        answer.append(sorted(seen))
    print(json.dumps(answer))
"""


def test_a_decoder_that_lost_bytes_to_a_failed_allocation_says_so_until_reset() -> None:
    real_parts.library("_testcapi", get="a CPython with its own test modules")
    assert in_subprocess(STICKY) == [["sticky", "worked"]] * 4


CONSTRUCTORS = """
    import json, sys
    import _testcapi
    import ndstream
    from ndstream._core import AsyncPuller, Puller

    chunks, decoder = [], ndstream.NDJSONDecoder()
    answer = {}
    for make in (
        ndstream.NDJSONDecoder, ndstream.SSEDecoder, ndstream.JSONSeqDecoder, ndstream.ConcatenatedJSONDecoder,
        ndstream.Event, lambda: Puller(chunks, decoder), lambda: AsyncPuller(decoder),
    ):
        failures = spared = 0
        for fail_from in range(500):
            _testcapi.set_nomemory(fail_from, fail_from + 1)
            try:
                make()
            except MemoryError:
                failures += 1
                spared = 0
            else:
                spared += 1
            finally:
                _testcapi.remove_mem_hooks()
            if spared == 25:
                break
        answer[getattr(make, "__name__", "") + str(len(answer))] = failures
    print(json.dumps(answer))
"""


def test_no_constructor_is_harmed_by_a_failed_allocation() -> None:
    real_parts.library("_testcapi", get="a CPython with its own test modules")
    answer = in_subprocess(CONSTRUCTORS)
    assert len(answer) == 7
    assert all(0 < failures < 400 for failures in answer.values()), answer


KEYWORD_ARGUMENTS = """
    import json
    import _testcapi
    import ndstream

    options = dict(
        values=True, done="[DONE]", require_done=True, on_error="skip", on_truncated="emit", raw=False, loads=len,
        max_frame_size=9,
    )
    failures = 0
    kept = []
    for fail_from in range(40):
        # CPython keeps tuples that were dropped; those of the names of the arguments are to be made anew.
        kept += [tuple([place] * len(options)) for place in range(2100 if not kept else 5)]
        _testcapi.set_nomemory(fail_from, fail_from + 1)
        try:
            ndstream.SSEDecoder(**options)
        except MemoryError:
            failures += 1
        finally:
            _testcapi.remove_mem_hooks()
    print(json.dumps(failures))
"""


def test_no_encoder_writes_behind_what_it_allocated() -> None:
    # With guards around each allocation, which are looked at when it is resized or freed.
    sizes = in_subprocess(
        """
        import json
        from ndstream import encode_comment, encode_jsonseq, encode_ndjson, encode_sse
        sizes = []
        for piece in ("a\\n", "a\\r\\n", "a\\r", "\\rx\\n", "\\n", "\\r", "x", "\\u2028"):
            for count in (0, 1, 2, 1000):
                text = piece * count
                sizes += map(len, [
                    encode_sse(text), encode_sse(text, event="e" * 100, id="i" * 100, retry=2**63 - 1),
                    encode_comment(text), encode_ndjson(text), encode_jsonseq(text),
                    encode_ndjson(text, escape_unicode_newlines=True),
                ])
        print(json.dumps(sizes))
        """,
        PYTHONMALLOC="debug",
    )
    assert len(sizes) == 8 * 4 * 6


def test_keyword_arguments_without_memory_for_them_are_a_memory_error() -> None:
    real_parts.library("_testcapi", get="a CPython with its own test modules")
    assert 0 < in_subprocess(KEYWORD_ARGUMENTS) < 40


@every_framing
def test_a_chunk_is_dropped_as_soon_as_it_is_used_up(framing: Framing) -> None:
    chunk = framing.wrap(b"1") * 3
    before = sys.getrefcount(chunk)
    decoder = framing.values().feed(chunk)
    assert [next(decoder), next(decoder), next(decoder)] == [1, 1, 1]
    assert next(decoder, None) is None
    after = sys.getrefcount(chunk)
    assert after == before


def test_the_subprocess_helper_reports_a_crash() -> None:
    with pytest.raises(AssertionError):
        in_subprocess("import os; os.abort()")
    assert in_subprocess("print('noise'); print('[1]')") == [1]
