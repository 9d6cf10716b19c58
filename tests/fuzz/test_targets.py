"""Each target of the fuzzer holds for the inputs that it begins with, and for thousands made of them at random."""

from __future__ import annotations

import random

import pytest

from fuzz.targets import HEAD, TARGETS, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_first_inputs_and_for_changed_ones(name: str) -> None:
    chance = random.Random(name)
    inputs = list(seeds(name))
    assert inputs
    for data in inputs:
        TARGETS[name](data)
    for _ in range(1500):
        changed = bytearray(chance.choice(inputs)[: HEAD + 300])
        changed[:HEAD] = chance.randbytes(HEAD)
        for _ in range(chance.randint(0, 4)):
            place = chance.randrange(HEAD, len(changed) + 1)
            changed[place : place + chance.randint(0, 3)] = chance.choice(
                [b"", b"\n", b"\r", b'"', b"{", b"]", b",", b"\x1e", b"\xff", b"\0", b"data: ", b"1", b"\\"]
            )
        TARGETS[name](bytes(changed))
