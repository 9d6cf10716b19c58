"""Lines that are not selected are not decoded, and the same lines are selected for every cut."""

from __future__ import annotations

import random
from typing import Any

import pytest

from inputs.cuts import cuts, outcomes
from ndstream import ConcatenatedJSONDecoder, NDJSONDecoder

WORDS = (b"alpha", b"beta", b"gamma", b"al", b"", b"pha,be")
LINES = [b'{"%s": %d}' % (random.Random(number).choice(WORDS), number) for number in range(60)]
STREAM = b"\r\n".join(LINES[:30]) + b"\n\n" + b"\n".join(LINES[30:])


def decoder(**options: Any) -> NDJSONDecoder[bytes]:
    return NDJSONDecoder(loads=bytes, **options)


def selected(data: bytes, **options: Any) -> list[bytes]:
    return list(decoder(**options).feed(data).finish())


@pytest.mark.parametrize("needles", [[b"alpha"], ["alpha", "beta"], (b"gamma", b"al", b"beta"), [b"x", b"pha,be"]])
def test_a_line_that_holds_one_of_the_needles_is_decoded(needles: Any) -> None:
    expected = [line for line in LINES if any((n.encode() if isinstance(n, str) else n) in line for n in needles)]
    assert selected(STREAM, contains=needles) == expected
    whole = outcomes(lambda: decoder(contains=needles), [STREAM])
    for cut in cuts(STREAM, two_way_most=1500):
        assert outcomes(lambda: decoder(contains=needles), cut.chunks) == whole, cut.name


def test_a_rare_needle_beside_a_frequent_one_is_searched_for_once() -> None:
    data = b'{"frequent": 1}\n' * 20_000 + b'{"rare": 1}\n'
    both = decoder(contains=[b"frequent", b"rare"])
    assert sum(1 for _ in both.feed(data)) == 20_001
    # Once for the line ends, and once for each needle.
    assert both._touched <= 3 * len(data) + 64


def test_a_needle_that_ends_in_the_cr_of_its_line_is_not_in_the_line() -> None:
    assert selected(b'{"a":1}\r\n{"a":1}\n', contains=b"}\r") == []


@pytest.mark.parametrize(("data", "expected"), [(b"[2] 1", [b"[2]"]), (b"1 22", [b"22"])])
def test_a_number_that_ends_the_stream_is_selected_as_any_value_is(data: bytes, expected: list[bytes]) -> None:
    for cut in cuts(data):
        found = ConcatenatedJSONDecoder(contains=b"2", loads=bytes)
        for chunk in cut.chunks:
            found.feed(chunk)
        assert list(found.finish()) == expected, cut.name


def mixed(number: int) -> int:
    """The output function of SplitMix64, as its authors give it."""
    number = (number + 0x9E3779B97F4A7C15) % 2**64
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    number = (number ^ number >> 27) * 0x94D049BB133111EB % 2**64
    return number ^ number >> 31


@pytest.mark.parametrize("seed", [0, 7, -1, 2**64 + 7])
def test_the_lines_of_a_sample_are_the_same_in_every_release(seed: int) -> None:
    # Published for the seed 0.
    assert mixed(0) == 0xE220A8397B1DCDAF
    lines = [b"%03d" % number for number in range(500)]
    wanted = [line for number, line in enumerate(lines) if mixed(4 * number ^ mixed(seed % 2**64)) < int(0.3 * 2**64)]
    assert selected(b"\n".join(lines), sample=0.3, seed=seed) == wanted


def test_a_sample_is_about_the_share_asked_for() -> None:
    data = b"1\n" * 100_000
    assert 9_500 < len(selected(data, sample=0.1)) < 10_500
    assert len(selected(data, sample=1)) == 100_000
    assert len(selected(data, sample=1e-12)) == 0


def test_a_sample_is_the_same_for_every_cut_and_for_a_resumed_stream() -> None:
    whole = outcomes(lambda: decoder(sample=0.3, seed=5), [STREAM])
    assert 5 < len(whole) < 40
    for cut in cuts(STREAM, two_way_most=1500):
        assert outcomes(lambda: decoder(sample=0.3, seed=5), cut.chunks) == whole, cut.name
    for place in (STREAM.index(b"\n", 200) + 1, STREAM.index(b"\n", 500) + 1):
        first, second = decoder(sample=0.3, seed=5), decoder(sample=0.3, seed=5)
        second.reset(offset=place)
        parts = [*first.feed(STREAM[:place]), *second.feed(STREAM[place:]).finish()]
        assert parts == selected(STREAM, sample=0.3, seed=5)


def test_another_seed_is_another_sample() -> None:
    data = b"".join(b"%d\n" % number for number in range(1000))
    samples = [set(selected(data, sample=0.2, seed=seed)) for seed in range(4)]
    assert len({frozenset(sample) for sample in samples}) == 4
    # Independent samples share about a fifth of their lines.
    assert 10 < len(samples[0] & samples[1]) < 90


def test_a_sample_is_taken_of_the_lines_that_hold_a_needle() -> None:
    data = b"".join(b'{"n": %d, "even": %s}\n' % (n, b"true" if n % 2 == 0 else b"false") for n in range(2000))
    both = selected(data, contains=b"true", sample=0.5)
    assert set(both) == set(selected(data, contains=b"true")) & set(selected(data, sample=0.5))
    assert 400 < len(both) < 600


def test_the_sentinel_ends_the_stream_though_no_sample_holds_it() -> None:
    ended = decoder(sample=1e-12, done="[DONE]").feed(b"1\n[DONE]\n2\n")
    assert list(ended) == []
    assert ended.done


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"contains": []}, ValueError, "at least one needle"),
        ({"contains": [b""]}, ValueError, "contains must not be empty"),
        ({"contains": [b"a\nb"]}, ValueError, "line end"),
        ({"contains": [None]}, TypeError, "contains must be bytes"),
        ({"contains": [1]}, TypeError, "contains must be bytes"),
        ({"sample": 0}, ValueError, "sample must be"),
        ({"sample": 1.5}, ValueError, "sample must be"),
        ({"sample": float("nan")}, ValueError, "sample must be"),
        ({"sample": "0.1"}, TypeError, "sample must be"),
        ({"sample": True}, TypeError, "sample must be"),
        ({"seed": 1.5}, TypeError, "seed must be"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused_by_name(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        decoder(**options)


@pytest.mark.parametrize("alphabet", [b"ab", b'"level:or', bytes(range(32, 127)), bytes(range(128, 256))])
def test_what_is_found_is_what_python_finds_at_every_place(alphabet: bytes) -> None:
    chance = random.Random(alphabet)
    for size in [*range(0, 140, 7), 200, 300, 1000]:
        line = bytes(chance.choices(alphabet, k=size))
        for length in (1, 2, 3, 4, 5, 9, 17, 64, 65):
            start = chance.randrange(max(1, size - length + 1))
            for needle in (line[start : start + length], bytes(chance.choices(alphabet, k=length))):
                if needle:
                    assert selected(line + b"\n", contains=needle) == ([line] if needle in line else [])


@pytest.mark.parametrize("needle", [b"ab" * 500_000 + b"bb", b"ab" * 250_000 + b"aa" + b"ab" * 250_000])
def test_a_line_that_looks_like_the_needle_everywhere_takes_linear_work(needle: bytes) -> None:
    # A search that compares at every place would take minutes.
    line = b"ab" * 4_000_000
    assert selected(line + b"\n", contains=needle) == []
