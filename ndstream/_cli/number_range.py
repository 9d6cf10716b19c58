"""`NumberRange`: the type of options that are numbers. NaN is no number, though it is neither below nor above any."""

from __future__ import annotations

import math
from typing import Any

import click

MAX_SECONDS = 365 * 86400
"""The system waits no longer than some centuries, and fails of what is longer."""


class NumberRange(click.FloatRange):
    """A range of numbers that NaN is not in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        converted = super().convert(value, param, ctx)
        if math.isnan(converted):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return converted
