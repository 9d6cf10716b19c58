"""What is special to concatenated JSON: blocks of 64 bytes, elements of arrays, stray text, interrupts in these."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ndstream
from inputs.cuts import cuts, exact, outcomes, run
from inputs.strategies import CLOSED_BAD_JSON
from inputs.strategies import cuts as drawn_cuts
from ndstream import ConcatenatedJSONDecoder, _diagnosis
from oracles.concatenated import concatenated

BLOCK = 64
"""How many bytes the decoder classifies at once."""

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.sampled_from(['"', "\\", '\\"', "]}", "[{"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
layouts = st.sampled_from([{}, {"indent": 1}, {"indent": "\t"}, {"separators": (",", ":")}, {"ensure_ascii": False}])
spaces = st.sampled_from(["", " ", "\n", "\r\n", "\n\n\t", " " * 70])


def values_of(decoder: Any, chunks: list[bytes]) -> list[Any]:
    return [value for chunk in chunks for value in decoder.feed(chunk)] + list(decoder.finish())


# Blocks


@pytest.mark.parametrize(
    "inner",
    [b'\\"', b"\\\\", b'\\\\\\"', b'"}', b"]", b"{", b'","', b"\\\\" * 40, b'\\"' * 40, b"x" * 200],
    ids=repr,
)
def test_what_tells_the_end_may_lie_anywhere_in_a_block(inner: bytes) -> None:
    for shift in range(2 * BLOCK + 2):
        padding = b"x" * shift
        for form in (b'["%s%s"]', b'"%s%s"', b'{"%s":"%s"}', b'[{"a":["%s"]},"%s"]'):
            data = form % (padding, inner) + b'{"next":1}'
            answer = concatenated(data)
            assert outcomes(ConcatenatedJSONDecoder, [data]) == answer.outcomes
            cut = random.Random(shift).randrange(len(data))
            assert outcomes(ConcatenatedJSONDecoder, [data[:cut], data[cut:]]) == answer.outcomes


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_a_chunk_may_end_at_any_byte_of_a_block(size: int) -> None:
    data = b'{"a":"' + b'\\"}\\\\' * 50 + b'"}[[[' + b"1," * 60 + b'"\\\\"]]]"' + b"x" * 130 + b'"'
    chunks = [data[begin : begin + size] for begin in range(0, len(data), size)]
    assert outcomes(ConcatenatedJSONDecoder, chunks) == concatenated(data).outcomes
    assert len(concatenated(data).outcomes) == 3


@pytest.mark.parametrize("depth", [1, BLOCK, BLOCK + 1, 1000, 100_000])
def test_any_depth_is_counted(depth: int) -> None:
    data = b"[" * depth + b'"]"' + b"]" * depth + b'{"a":' * depth + b"1" + b"}" * depth
    for size in (1, 63, 64, 4096, len(data)):
        decoder = ConcatenatedJSONDecoder(loads=len)
        sizes = values_of(decoder, [data[begin : begin + size] for begin in range(0, len(data), size)])
        assert sizes == [2 * depth + 3, 6 * depth + 1]


# Values


@given(st.lists(st.tuples(values, layouts, spaces)), st.data())
def test_values_written_by_another_program_come_out_as_they_are(parts: list[Any], data: st.DataObject) -> None:
    # Two numbers or names need something between them.
    stream = "".join(json.dumps(value, **layout) + space + "\n" for value, layout, space in parts).encode()
    chunks = data.draw(drawn_cuts(stream), "chunks")
    found = values_of(ConcatenatedJSONDecoder(loads=json.loads), chunks)
    assert list(map(exact, found)) == [exact(value) for value, _, _ in parts]


@given(st.lists(st.tuples(values, layouts, spaces, spaces)), spaces, st.data())
def test_elements_of_an_array_are_those_that_a_whole_parse_finds(
    parts: list[Any], space: str, data: st.DataObject
) -> None:
    elements = [before + json.dumps(value, **layout) + after for value, layout, before, after in parts]
    stream = f"{space}[{space}{','.join(elements)}]{space}".encode()
    decoder = ConcatenatedJSONDecoder(loads=json.loads, items=True)
    found = values_of(decoder, data.draw(drawn_cuts(stream), "chunks"))
    assert exact(found) == exact(json.loads(stream))
    assert (decoder.array_closed, decoder.offset, decoder.pending) == (True, len(stream), 0)


@given(st.lists(values), st.data())
def test_an_array_that_is_cut_anywhere_gives_first_elements_and_one_error(
    items: list[Any], data: st.DataObject
) -> None:
    stream = json.dumps(items).encode()
    end = data.draw(st.integers(1, len(stream) - 1))
    decoder = ConcatenatedJSONDecoder(loads=json.loads, items=True)
    found = run(decoder, data.draw(drawn_cuts(stream[:end]))).outcomes
    assert found[-1].error is not None
    assert (found[-1].error.type, found[-1].error.reason) == ("TruncatedError", "unfinished")
    assert [one.value for one in found[:-1]] == list(map(exact, items))[: len(found) - 1]
    assert not decoder.array_closed


@given(st.lists(st.sampled_from([b"1", b'"a,]"', b"{}", b"[[],2]", b"null"]) | st.sampled_from(CLOSED_BAD_JSON)))
def test_a_bad_element_leaves_its_neighbours_alone(elements: list[bytes]) -> None:
    elements = [element for element in elements if not element.startswith(b"]")]
    stream = b"[" + b",".join(elements) + b"]"
    for size in (1, 7, len(stream)):
        decoder = ConcatenatedJSONDecoder(items=True)
        chunks = [stream[begin : begin + size] for begin in range(0, len(stream), size)]
        found = run(decoder, chunks).outcomes
        bad = [one.error.frame for one in found if one.error]
        assert bad == [element for element in elements if element in CLOSED_BAD_JSON]
        assert len(found) == len(elements)
        assert decoder.array_closed


def test_whether_an_array_was_closed_can_be_read_at_any_time() -> None:
    decoder = ConcatenatedJSONDecoder(items=True, on_error="skip")
    seen = []
    for chunk in (b"1 ", b"[", b"2", b"]", b" {}", b"[", b"]", b"[3", b"}", b"[]"):
        list(decoder.feed(chunk))
        seen.append(decoder.array_closed)
    assert seen == [False, False, False, True, True, False, True, False, False, True]
    decoder.reset()
    assert not decoder.array_closed
    assert not ConcatenatedJSONDecoder().array_closed


@pytest.mark.parametrize("items", [False, True])
def test_reset_begins_anew_wherever_the_decoder_is(items: bool) -> None:
    for begun in (b"[", b"[1", b'{"a', b'"\\', b"oops", b"12", b"[1,2", b"[1 x", b"\xef\xbb", b"tru", b'["', b"[{]"):
        decoder = ConcatenatedJSONDecoder(items=items, on_error="skip").feed(begun)
        list(decoder)
        decoder.reset()
        assert (decoder.offset, decoder.pending, decoder.frames, decoder.errors) == (0, 0, 0, 0)
        assert values_of(decoder, [b'"}"', b"[1]3"]) == (["}", 1, 3] if items else ["}", [1], 3])
        assert decoder.errors == 0


def test_contains_takes_several_needles() -> None:
    decoder = ConcatenatedJSONDecoder(contains=[b'"a"', b'"b"'])
    assert values_of(decoder, [b'{"a":1}{"c":1}', b'{"b":1}"d"']) == [{"a": 1}, {"b": 1}]
    decoder = ConcatenatedJSONDecoder(contains=[b'"a"'], done="[DONE]")
    assert values_of(decoder, [b'{"c":1}["a"][DO', b'NE]{"a":1}']) == [["a"]]
    assert decoder.done


def test_bytes_as_loads_gives_frames_untouched_and_still_no_stray_text() -> None:
    data = b'{ "a" :\r\n1 } [}"\xff" 01 oops\n'
    for name, chunks in cuts(data):
        found = run(ConcatenatedJSONDecoder(loads=bytes), chunks).outcomes
        frames = [str(one.value) for one in found if one.error is None]
        assert [eval(frame.removeprefix("bytes ")) for frame in frames] == [
            b'{ "a" :\r\n1 }', b"[}", b'"\xff"', b"01",
        ], name  # fmt: skip
        assert [one.error.frame for one in found if one.error] == [b"oops"]


def test_nan_is_a_value_for_a_parser_that_takes_it() -> None:
    decoder = ConcatenatedJSONDecoder(loads=json.loads)
    assert str(values_of(decoder, [b"NaN Infin", b"ity[NaN]-Infinity "])) == "[nan, inf, [nan], -inf]"
    with pytest.raises(ndstream.DecodeError):
        values_of(ConcatenatedJSONDecoder(), [b"NaN "])


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b'\x1e{"a":1}\n', "use jsonseq()"),
        (b"data: 1\n\n", "use sse()"),
        (b"<!DOCTYPE html>\n", "HTML"),
        (b"\x1f\x8b\x08\0\n", "compressed"),
        (b"\xff\xfe{\0}\0\n", "UTF-16"),
    ],
)
def test_stray_text_says_what_it_looks_like(data: bytes, hint: str) -> None:
    errors: list[ndstream.StreamError] = []
    values_of(ConcatenatedJSONDecoder(on_error=errors.append), [data])
    assert hint in str(errors[0])


def test_stray_text_is_no_element_in_an_array_and_begins_no_value_elsewhere() -> None:
    for items, data, problem in (
        (True, b"[1, nope, 2]", "is no element of an array"),
        (True, b"[1] nope\n2", "begins no JSON value"),
        (False, b"nope\n1", "begins no JSON value"),
        (False, b"1 nope", "begins no JSON value"),
    ):
        errors: list[ndstream.StreamError] = []
        decoder = ConcatenatedJSONDecoder(items=items, on_error=errors.append)
        values_of(decoder, [data])
        assert [problem in str(error) for error in errors] == [True], (data, errors)


# Interrupts


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("items", [False, True])
def test_an_interrupt_in_loads_loses_no_value(items: bool, size: int) -> None:
    data = b'[{"a":1},2,"x"]{"b":[3]}[4,5]6 ' if items else b'{"a":1}2 "x"[{"b":3}]4'
    expected = values_of(ConcatenatedJSONDecoder(items=items), [data])
    for number in range(len(expected)):
        calls = 0

        def loads(payload: bytes, number: int = number) -> Any:
            nonlocal calls
            calls += 1
            if calls == number + 1:
                raise KeyboardInterrupt
            return json.loads(payload)

        decoder = ConcatenatedJSONDecoder(items=items, loads=loads)
        assert persistently(decoder, data, size) == expected
        assert decoder.frames == len(expected)


DIAGNOSES = ["stray_text", "unclosed", "nul_tail", "too_large", "undecodable", "cut_payload", "missing_sentinel"]
IN_DISORDER: list[tuple[bytes, dict[str, Any]]] = [
    (b'{"a":1}oops\n2 {]3 ', {}),
    (b"]1,\xef\xbb\xbf{}", {}),
    (b'1 {"a":', {}),
    (b"1 2e", {}),
    (b"1 \0\0", {}),
    (b'"long string"1 ', {"max_frame_size": 5}),
    (b"1 ", {"done": b"end", "require_done": True}),
    (b"[,1,x y,2,]3 [4}[{]]", {"items": True}),
    (b"[1,2", {"items": True}),
    (b"[1,", {"items": True}),
]


@pytest.mark.parametrize(("data", "options"), IN_DISORDER)
@pytest.mark.parametrize("size", [1, 100])
def test_an_interrupt_while_an_error_is_made_loses_neither_it_nor_a_value(
    data: bytes, options: dict[str, Any], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = persistently(ConcatenatedJSONDecoder(**options), data, size)
    errors = sum(isinstance(one, tuple) for one in expected)
    assert errors > 0
    for number in range(errors):
        calls = 0
        with monkeypatch.context() as patched:
            for name in DIAGNOSES:
                make = getattr(_diagnosis, name)

                def interrupted(*arguments: Any, make: Any = make, number: int = number) -> Any:
                    nonlocal calls
                    calls += 1
                    if calls == number + 1:
                        raise KeyboardInterrupt
                    return make(*arguments)

                patched.setattr(_diagnosis, name, interrupted)
            assert persistently(ConcatenatedJSONDecoder(**options), data, size) == expected
        assert calls == errors + 1


def persistently(decoder: Any, data: bytes, size: int) -> list[Any]:
    """All values, and of errors what is in them, taking up again after each Ctrl-C."""
    found: list[Any] = []
    for chunk in [*(data[begin : begin + size] for begin in range(0, len(data), size)), None]:
        source = decoder.finish() if chunk is None else decoder.feed(chunk)
        while True:
            try:
                found.append(next(source))
            except StopIteration:
                break
            except KeyboardInterrupt:
                pass
            except ndstream.StreamError as error:
                found.append((error.reason, error.frame, error.offset))
    return found
