"""A Retry-After is understood in each form that servers send, and is else as if there was none."""

from __future__ import annotations

import pytest

from ndstream._sources.retry_after import retry_after


@pytest.mark.parametrize(
    "value", ["", "-1", "1e3", "x" * 10_000, "\u0662", "soon", "Thu, 01 Jan 99999 00:00:00 GMT", "1.", "nan"]
)
def test_what_makes_no_sense_is_as_if_there_was_none(value: str) -> None:
    assert retry_after(value) is None


@pytest.mark.parametrize(("value", "seconds"), [("120", 120.0), (" 0 ", 0.0), ("1.5", 1.5)])
def test_a_number_is_of_seconds_or_parts_of_one(value: str, seconds: float) -> None:
    assert retry_after(value) == seconds


def test_the_longest_delay_can_be_slept() -> None:
    assert retry_after("9" * 400) == 1e9


def test_a_date_that_has_passed_is_no_delay() -> None:
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
