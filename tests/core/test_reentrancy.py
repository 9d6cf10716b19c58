"""A decoder that is called from inside its own step refuses, and goes on as if nothing had been."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest

import ndstream
from inputs.strategies import FRAMINGS, SSE, Framing

# What the compiled types have for a property.
Attribute = type(ndstream.NDJSONDecoder.offset)

every_framing = pytest.mark.parametrize("framing", FRAMINGS, ids=repr)

CALLS: dict[str, Callable[[Any], object]] = {
    "feed": lambda decoder: decoder.feed(b"9\n"),
    "feed_nothing": lambda decoder: decoder.feed(b""),
    "next": lambda decoder: next(decoder),
    "for": lambda decoder: list(decoder),
    "finish": lambda decoder: decoder.finish(),
    "reset": lambda decoder: decoder.reset(),
    "init": lambda decoder: decoder.__init__(),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def stream(framing: Framing, *texts: bytes) -> bytes:
    return b"".join(map(framing.wrap, texts))


def drain(decoder: Any) -> tuple[list[Any], list[ndstream.StreamError]]:
    """What is there to take, errors apart."""
    values, errors = [], []
    while True:
        try:
            values.append(next(decoder))
        except StopIteration:
            return values, errors
        except ndstream.StreamError as error:
            errors.append(error)


class Caller:
    """A `loads` that calls the decoder it works for, once, and keeps what came of it."""

    def __init__(self, call: Callable[[Any], object]) -> None:
        self.call = call
        self.decoder: Any = None
        self.seen: list[BaseException | object] = []

    def __call__(self, payload: bytes) -> int:
        if not self.seen:
            try:
                self.seen.append(self.call(self.decoder))
            except Exception as error:
                self.seen.append(error)
        return int(payload)


@every_framing
@every_call
def test_loads_that_calls_its_decoder_gets_a_runtime_error(framing: Framing, call: Callable[[Any], object]) -> None:
    loads = Caller(call)
    loads.decoder = framing.values(loads=loads)
    data = stream(framing, b"1", b"2", b"3")
    values, errors = drain(loads.decoder.feed(data[:-1]))
    assert isinstance(loads.seen[0], RuntimeError)
    # The decoder is where it was: the rest of the stream comes out whole.
    more, late = drain(loads.decoder.feed(data[-1:]).finish())
    assert (values + more, errors + late) == ([1, 2, 3], [])
    assert (loads.decoder.offset, loads.decoder.frames, loads.decoder.errors) == (len(data), 3, 0)


@every_framing
@every_call
def test_on_error_that_calls_its_decoder_gets_a_runtime_error(framing: Framing, call: Callable[[Any], object]) -> None:
    seen: list[BaseException | object] = []

    def on_error(error: ndstream.StreamError) -> None:
        try:
            seen.append(call(decoder))
        except Exception as refusal:
            seen.append(refusal)

    decoder = framing.values(on_error=on_error)
    assert list(decoder.feed(stream(framing, b"1", b"nope", b"3")).finish()) == [1, 3]
    assert [type(one) for one in seen] == [RuntimeError]
    assert decoder.errors == 1


@every_framing
@every_call
def test_a_call_refused_and_not_caught_passes_through_the_step(framing: Framing, call: Callable[[Any], object]) -> None:
    decoder = framing.values(loads=lambda payload: call(decoder) if payload == b"2" else int(payload))
    decoder.feed(stream(framing, b"1", b"2", b"3"))
    assert next(decoder) == 1
    with pytest.raises(RuntimeError, match="running already"):
        next(decoder)
    assert drain(decoder) == ([3], [])


@every_framing
def test_attributes_can_be_read_inside_loads(framing: Framing) -> None:
    seen = []

    def loads(payload: bytes) -> int:
        seen.append((decoder.pending >= 0, decoder.offset >= 0, decoder.frames, decoder.errors, decoder.done))
        return int(payload)

    decoder = framing.values(loads=loads)
    assert list(decoder.feed(stream(framing, b"1", b"2"))) == [1, 2]
    assert seen == [(True, True, 0, 0, False), (True, True, 1, 0, False)]


@every_framing
def test_loads_may_return_the_decoder_itself(framing: Framing) -> None:
    decoder = framing.values(loads=lambda payload: decoder)
    values = list(decoder.feed(stream(framing, b"1", b"2")))
    assert [value is decoder for value in values] == [True, True]


@every_framing
def test_a_decoder_in_a_cycle_with_its_loads_is_collected(framing: Framing) -> None:
    class Loads:
        decoder: Any = None

        def __call__(self, payload: bytes) -> Any:
            return self.decoder

        def __del__(self) -> None:
            gone.append(True)

    gone: list[bool] = []
    loads = Loads()
    loads.decoder = framing.values(loads=loads, on_error=loads)
    assert len(list(loads.decoder.feed(stream(framing, b"1", b"2")))) == 2
    del loads
    gc.collect()
    assert gone == [True]


@every_framing
def test_stop_iteration_from_loads_is_an_error_and_not_an_end(framing: Framing) -> None:
    def loads(payload: bytes) -> int:
        if payload == b"2":
            raise StopIteration(payload)
        return int(payload)

    values, errors = drain(framing.values(loads=loads).feed(stream(framing, b"1", b"2", b"3")))
    assert values == [1, 3]
    assert [(type(error), error.reason) for error in errors] == [(ndstream.DecodeError, "rejected")]
    assert isinstance(errors[0].__cause__, StopIteration)


@every_framing
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("cut", [False, True], ids=["inside", "at_the_end"])
def test_a_frame_whose_decoding_was_interrupted_is_decoded_again(
    framing: Framing, interrupt: type[BaseException], cut: bool
) -> None:
    class Loads:
        interrupts = 2

        def __call__(self, payload: bytes) -> Any:
            if payload == b'"2"' and self.interrupts:
                self.interrupts -= 1
                raise interrupt
            return payload

    decoder = framing.values(loads=Loads(), **({"on_truncated": "emit"} if framing is SSE else {}))
    data = stream(framing, b'"1"', b'"2"', b'"3"')
    if cut:
        data = stream(framing, b'"1"', b'"2"').rstrip(b"\n")
    decoder.feed(data)
    values: list[bytes] = []
    for _ in range(2):
        with pytest.raises(interrupt):
            values.extend(iter(decoder.finish().__next__, None))
    assert decoder.frames == 1
    assert drain(decoder) == ([b'"2"'] + [b'"3"'] * (not cut), [])
    assert (decoder.offset, decoder.pending) == (len(data), 0)


@every_framing
def test_a_frame_that_is_decoded_again_has_the_same_error(framing: Framing) -> None:
    class Loads:
        interrupted = False

        def __call__(self, payload: bytes) -> int:
            if payload == b"[nope]" and not self.interrupted:
                self.interrupted = True
                raise KeyboardInterrupt
            return int(payload)

    data = stream(framing, b"1", b"[nope]", b"3")
    values, (expected,) = drain(framing.values(loads=int).feed(data))
    decoder = framing.values(loads=Loads()).feed(data)
    assert next(decoder) == 1
    with pytest.raises(KeyboardInterrupt):
        next(decoder)
    assert decoder.errors == 0
    decoder.feed(stream(framing, b"4"))
    again, (error,) = drain(decoder)
    assert (values, [1, *again]) == ([1, 3], [1, 3, 4])
    assert (error.frame, error.offset, error.line, error.position, error.reason) == (
        expected.frame,
        expected.offset,
        expected.line,
        expected.position,
        expected.reason,
    )


@every_framing
def test_a_reset_forgets_the_frame_that_was_interrupted(framing: Framing) -> None:
    def loads(payload: bytes) -> int:
        if payload == b"1":
            raise KeyboardInterrupt
        return int(payload)

    decoder = framing.values(loads=loads).feed(stream(framing, b"1", b"2"))
    with pytest.raises(KeyboardInterrupt):
        next(decoder)
    decoder.reset()
    assert drain(decoder.feed(stream(framing, b"3"))) == ([3], [])


@every_framing
@pytest.mark.parametrize("error", [RuntimeError("mine"), NotImplementedError("mine")], ids=repr)
def test_a_runtime_error_from_loads_passes_and_the_rest_goes_on(framing: Framing, error: Exception) -> None:
    def loads(payload: bytes) -> int:
        if payload == b"2":
            raise error
        return int(payload)

    decoder = framing.values(loads=loads, on_error="skip").feed(stream(framing, b"1", b"2", b"3"))
    assert next(decoder) == 1
    with pytest.raises(type(error)) as caught:
        next(decoder)
    assert caught.value is error
    assert drain(decoder) == ([3], [])


@every_framing
def test_a_recursion_error_from_loads_is_a_bad_frame(framing: Framing) -> None:
    def loads(payload: bytes) -> Any:
        return loads(payload) if payload == b"2" else int(payload)

    values, errors = drain(framing.values(loads=loads).feed(stream(framing, b"1", b"2", b"3")))
    assert values == [1, 3]
    assert [(type(error), type(error.__cause__)) for error in errors] == [(ndstream.DecodeError, RecursionError)]


@every_framing
@pytest.mark.parametrize("failure", [MemoryError, SystemError])
def test_a_memory_error_or_one_of_the_interpreter_is_sticky_until_reset(
    framing: Framing, failure: type[Exception]
) -> None:
    def loads(payload: bytes) -> int:
        if payload == b"2":
            raise failure
        return int(payload)

    decoder = framing.values(loads=loads, on_error="skip").feed(stream(framing, b"1", b"2", b"3"))
    assert next(decoder) == 1
    with pytest.raises(failure):
        next(decoder)
    for _ in range(2):
        with pytest.raises((failure, RuntimeError)):
            next(decoder)
        with pytest.raises((failure, RuntimeError)):
            decoder.feed(stream(framing, b"4"))
    decoder.reset()
    data = stream(framing, b"5", b"6")
    assert drain(decoder.feed(data)) == ([5, 6], [])
    assert (decoder.offset, decoder.frames) == (len(data), 2)


@every_framing
def test_an_exception_from_on_error_passes_and_the_rest_goes_on(framing: Framing) -> None:
    class Mine(Exception):
        pass

    def on_error(error: ndstream.StreamError) -> None:
        raise Mine(error.frame)

    decoder = framing.values(on_error=on_error).feed(stream(framing, b"1", b"nope", b"3"))
    assert next(decoder) == 1
    with pytest.raises(Mine) as caught:
        next(decoder)
    assert caught.value.args == (b"nope",)
    assert drain(decoder) == ([3], [])
    assert decoder.errors == 1


@every_framing
def test_stop_iteration_from_on_error_does_not_end_the_stream_for_good(framing: Framing) -> None:
    def on_error(error: ndstream.StreamError) -> None:
        raise StopIteration

    decoder = framing.values(on_error=on_error).feed(stream(framing, b"nope", b"3"))
    with pytest.raises((StopIteration, RuntimeError)):
        next(decoder)
    assert drain(decoder) == ([3], [])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
@every_framing
@every_call
def test_a_chunk_whose_buffer_calls_the_decoder_gets_a_runtime_error(
    framing: Framing, call: Callable[[Any], object]
) -> None:
    seen: list[object] = []

    class Chunk:
        def attempt(self) -> None:
            try:
                seen.append(call(decoder))
            except Exception as error:
                seen.append(error)

        def __buffer__(self, flags: int) -> memoryview:
            self.attempt()
            return memoryview(bytearray(data))

        def __release_buffer__(self, view: memoryview) -> None:
            self.attempt()

    data = stream(framing, b"1", b"2")
    decoder = framing.values()
    assert list(decoder.feed(Chunk()).finish()) == [1, 2]
    assert [type(one) for one in seen] == [RuntimeError, RuntimeError]
    assert decoder.offset == len(data)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
@every_framing
def test_a_chunk_that_fails_to_give_its_bytes_leaves_the_decoder_alone(framing: Framing) -> None:
    class Chunk:
        def __buffer__(self, flags: int) -> memoryview:
            raise error

    for error in (ValueError("mine"), BufferError("mine"), KeyboardInterrupt("mine")):
        decoder = framing.values().feed(stream(framing, b"1"))
        with pytest.raises(type(error), match="mine"):
            decoder.feed(Chunk())
        assert drain(decoder.feed(stream(framing, b"2"))) == ([1, 2], [])


@every_framing
def test_loads_may_drop_the_last_name_of_its_decoder(framing: Framing) -> None:
    def loads(payload: bytes) -> int:
        names.clear()
        gc.collect()
        return int(payload)

    names = [framing.values(loads=loads).feed(stream(framing, b"1", b"2", b"3"))]
    assert list(names[0]) == [1, 2, 3]
    assert names == []


@every_framing
def test_a_loads_that_dies_while_it_is_replaced_cannot_get_in(framing: Framing) -> None:
    class Loads:
        def __call__(self, payload: bytes) -> int:
            return int(payload)

        def __del__(self) -> None:
            for call in CALLS.values():
                try:
                    seen.append(call(decoder))
                except Exception as error:
                    seen.append(type(error))

    seen: list[object] = []
    decoder = framing.values(loads=Loads())
    decoder.feed(stream(framing, b"1", b"2"))
    decoder.__init__()
    assert seen == [RuntimeError] * len(CALLS)
    assert len(list(decoder.feed(stream(framing, b"3")))) == 1


@every_framing
def test_a_second_init_starts_over(framing: Framing) -> None:
    decoder = framing.decoder(max_frame_size=3).feed(b"x" * 20)
    drain(decoder)
    decoder.__init__()
    data = stream(framing, b'"longer than three"')
    assert len(list(decoder.feed(data).finish())) == 1
    assert (decoder.offset, decoder.frames, decoder.errors) == (len(data), 1, 0)


@every_framing
def test_a_second_init_that_is_refused_changes_nothing(framing: Framing) -> None:
    decoder = framing.values().feed(stream(framing, b"1", b"2"))
    assert next(decoder) == 1
    with pytest.raises(ValueError, match="max_frame_size"):
        decoder.__init__(max_frame_size=0)
    assert drain(decoder.feed(stream(framing, b"3"))) == ([2, 3], [])


@every_framing
def test_a_decoder_without_init_answers_or_refuses_but_does_not_crash(framing: Framing) -> None:
    bare = framing.decoder.__new__(framing.decoder)
    assert (bare.offset, bare.pending, bare.frames, bare.errors) == (0, 0, 0, 0)
    for call in CALLS.values():
        try:
            call(bare)
        except Exception as error:
            assert not isinstance(error, SystemError), call
    bare.__init__()
    assert len(list(bare.feed(stream(framing, b"1")))) == 1


def test_json_of_an_event_may_use_the_decoder_it_came_from() -> None:
    decoder = ndstream.SSEDecoder(loads=lambda payload: [event.data for event in decoder.feed(b"data: 2\n\n")])
    (event,) = decoder.feed(b"data: 1\n\n")
    assert event.json() == ["2"]


class Unanswerable:
    """Its truth value cannot be had."""

    def __bool__(self) -> bool:
        raise ZeroDivisionError("no answer")


@every_framing
def test_an_option_whose_truth_value_raises_changes_nothing(framing: Framing) -> None:
    flags = [
        "require_done",
        *{"sse": ["values", "raw", "empty_events"], "concatenated": ["items"]}.get(framing.name, []),
    ]
    for flag in flags:
        decoder = framing.values().feed(stream(framing, b"1", b"2"))
        assert next(decoder) == 1
        with pytest.raises(ZeroDivisionError):
            decoder.__init__(**{flag: Unanswerable()})
        assert drain(decoder.feed(stream(framing, b"3"))) == ([2, 3], [])
        with pytest.raises(ZeroDivisionError):
            framing.decoder(**{flag: Unanswerable()})


@every_framing
@pytest.mark.parametrize("on_error", ["raise", "skip", "call"])
def test_an_exception_that_cannot_be_put_into_words_is_one_bad_frame(framing: Framing, on_error: str) -> None:
    class Speechless(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError("no words")

        __repr__ = __str__

    def loads(payload: bytes) -> int:
        if payload == b"2":
            raise Speechless
        return int(payload)

    seen: list[ndstream.StreamError] = []
    decoder = framing.values(loads=loads, on_error=seen.append if on_error == "call" else on_error)
    values, errors = drain(decoder.feed(stream(framing, b"1", b"2", b"3")))
    assert (values, decoder.errors) == ([1, 3], 1)
    told = errors + seen
    assert len(told) == (on_error != "skip")
    for error in told:
        assert (error.reason, error.frame) == ("rejected", b"2")
        assert "Speechless" in str(error)
        assert isinstance(error.__cause__, Speechless)


@every_framing
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_orjson_without_memory_is_a_memory_error_and_no_bad_frame(framing: Framing, on_error: str) -> None:
    def loads(payload: bytes) -> int:
        if payload == b"2":
            raise orjson.JSONDecodeError("Not enough memory to allocate buffer for parsing", "", 0)
        return int(payload)

    decoder = framing.values(loads=loads, on_error=on_error).feed(stream(framing, b"1", b"2", b"3"))
    assert next(decoder) == 1
    with pytest.raises(MemoryError):
        next(decoder)
    assert decoder.errors == 0
    with pytest.raises(RuntimeError, match="reset"):
        next(decoder)


@every_framing
def test_a_decoder_that_was_reset_is_in_every_property_as_a_new_one(framing: Framing) -> None:
    options: dict[str, Any] = {"done": b"END"}
    data = {
        "ndjson": b"1\nnope\n \n22",
        "sse": b": a\nid: 7\nretry: 9\nevent: e\ndata: nope\n\n{}\ndata: 1\n\nid: 8\ndata: 22",
        "jsonseq": b"x\x1e1\n\x1enope\n\x1e22",
        "concatenated": b"[1] nope\n22",
    }[framing.name]
    names = [name for name in dir(framing.decoder) if isinstance(getattr(framing.decoder, name), Attribute)]
    assert {"offset", "pending", "frames", "errors", "done"} <= set(names)
    ends: list[Callable[[Any], object]] = [
        lambda decoder: None,
        lambda decoder: drain(decoder.finish()),
        lambda decoder: drain(decoder.feed(stream(framing, b"1", b"END"))),
        lambda decoder: drain(decoder.feed(b"9" * 100)),
        lambda decoder: decoder._fail(OSError("reset")),
    ]
    changed: set[str] = set()
    for more in ({}, {"items": True}) if framing.name == "concatenated" else ({},):
        for end in ends:
            new = {name: getattr(framing.values(**options, **more), name) for name in names}
            decoder = framing.values(max_frame_size=50, **options, **more)
            drain(decoder.feed(data))
            end(decoder)
            changed |= {name for name in names if getattr(decoder, name) != new[name]}
            decoder.reset()
            assert {name: getattr(decoder, name) for name in names} == new
    # Each property has been changed by one of these streams, or the comparison would say nothing of it.
    assert set(names) == changed
