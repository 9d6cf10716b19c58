"""What the iterators under the streams refuse: their subclasses in Python are made by the package alone."""

from __future__ import annotations

from typing import Any

import pytest

from ndstream import _core


def test_without_a_decoder_and_without_first_bytes_there_is_nothing_to_iterate_over() -> None:
    none: Any = None
    with pytest.raises(TypeError, match="needs a decoder, or first bytes"):
        _core.Puller(iter([b"1\n"]), none)
    with pytest.raises(TypeError, match="needs a decoder, or first bytes"):
        _core.AsyncPuller(none)


def test_a_class_that_is_no_puller_has_no_slot_to_take_over() -> None:
    with pytest.raises(TypeError, match="dict is no subclass of a puller"):
        _core.iterates_in_c(dict)
    assert list({"a": 1}) == ["a"]
