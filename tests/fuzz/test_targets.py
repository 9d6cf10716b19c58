"""Each target of the fuzzer holds for the inputs that it begins with, and for thousands made of them at random."""

from __future__ import annotations

import random
from typing import Any

import pytest

import ndstream
import oracles
from fuzz import inputs
from fuzz.names import HEAD, MAX_LEN
from fuzz.seeds import seeds
from fuzz.targets import TARGETS, decoders

MARKS = [b"", b"\n", b"\r", b'"', b"{", b"]", b",", b"\x1e", b"\xff", b"\0", b"data: ", b"1", b"\\"]


def changed(first: list[bytes], count: int, chance: random.Random) -> list[bytes]:
    """So many inputs, made of others with a few changes each."""
    made = []
    for _ in range(count):
        data = bytearray(chance.choice(first)[: HEAD + 300])
        data[:HEAD] = chance.randbytes(HEAD)
        for _ in range(chance.randint(0, 4)):
            place = chance.randrange(HEAD, len(data) + 1)
            data[place : place + chance.randint(0, 3)] = chance.choice(MARKS)
        made.append(bytes(data))
    return made


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_first_inputs_and_for_changed_ones(name: str) -> None:
    first = list(seeds(name))
    assert first
    for data in first + changed(first, 1500, random.Random(name)):
        TARGETS[name](data)


def test_each_target_has_a_name_that_is_known_without_importing_it() -> None:
    assert list(MAX_LEN) == list(TARGETS)


@pytest.mark.parametrize("seed", range(256))
def test_pieces_add_up_to_the_stream(seed: int) -> None:
    for size in (0, 1, 2, 63, 300):
        stream = bytes(range(256)) * 2
        assert b"".join(inputs.pieces(stream[:size], seed)) == stream[:size]


class Wrong:
    """A decoder that loses the second value of each stream, as soon as it is cut."""

    def __init__(self, decoder: Any) -> None:
        self.decoder = decoder
        self.feeds = 0

    def feed(self, data: bytes) -> Any:
        self.feeds += 1
        return self.decoder.feed(b"" if self.feeds == 2 else data)

    def __next__(self) -> Any:
        return next(self.decoder)

    def __iter__(self) -> Any:
        return iter(self.decoder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.decoder, name)


def test_a_target_of_decoders_fails_for_one_that_loses_a_chunk() -> None:
    first = list(seeds("ndjson"))
    failures = 0
    for data in changed(first, 300, random.Random(1)):
        try:
            decoders.check_decoder(
                data,
                lambda **options: Wrong(ndstream.NDJSONDecoder(**options)),
                decoders.NDJSON,
                oracles.ndjson,
            )
        except AssertionError:
            failures += 1
    assert failures > 50
