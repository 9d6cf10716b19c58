"""Times as numbers since 1970, as JSON numbers or as digits in a string.

The digits before the point tell the unit: up to 11 are seconds, up to 14 milliseconds, up to 17 microseconds, more are
nanoseconds. That is right for the years 1973 to 5138. The unit is detected from the first stamp and then kept, so that
another one is an error and not a leap of 50 years. Integers are never rounded.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ndstream.logs._stamps.stamp_error import StampError, checked

_FORM = re.compile(r"-?(\d+)(?:\.(\d+))?", re.ASCII)
_UNITS = ((11, "seconds", 9), (14, "milliseconds", 6), (17, "microseconds", 3), (20, "nanoseconds", 0))


class EpochForm:
    """Reads and writes such stamps of one unit.

    Args:
        first: The first of them, from which the unit is detected.
        unit: "seconds", "milliseconds", "microseconds" or "nanoseconds" if it is known.

    Raises:
        StampError: It is no such stamp.
    """

    without_zone = 0

    def __init__(self, first: object, unit: str | None = None) -> None:
        self._is_text = isinstance(first, str)
        self._detects = unit is None
        self.unit, self._exponent = _unit(_number(first), first)
        if unit is not None:
            self.unit = unit
            self._exponent = next(exponent for _, name, exponent in _UNITS if name == unit)

    @staticmethod
    def matches(value: object) -> bool:
        """Whether a value looks like such a stamp."""
        if isinstance(value, str):
            return _FORM.fullmatch(value) is not None
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    def parse(self, value: object) -> int:
        """The time, in nanoseconds since 1970. What is finer than that is cut off.

        Raises:
            StampError: It is no such stamp, or one of another unit.

        Example:
            >>> EpochForm(1767225659480).parse(1767225659481) % 1_000_000_000
            481000000
        """
        if not self.matches(value) or isinstance(value, str) != self._is_text:
            kind = "digits in a string" if self._is_text else "a number"
            raise StampError(f"the time stamp {value!r:.80} is not {kind}, as the first one was")
        number = _number(value)
        unit = _unit(number, value)[0]
        if self._detects and unit != self.unit:
            raise StampError(f"the time stamp {value!r:.80} looks like {unit}, and the first one was in {self.unit}")
        return checked(int(number.scaleb(self._exponent)), value)

    def write(self, time: int, old: str) -> str:
        """The digits for a time, in nanoseconds since 1970, with as many after the point as the old ones had.

        Raises:
            StampError: The old ones had an exponent, which is not written.

        Example:
            >>> EpochForm("1767225659.480").write(1_500_000_000, "1767225659.480")
            '1.500'
        """
        match = _FORM.fullmatch(old)
        if match is None:
            raise StampError(f"the time stamp {old} has an exponent, and cannot be written in this form")
        places = len(match[2] or "")
        number = time * 10**places // 10**self._exponent
        sign, number = "-" if number < 0 else "", abs(number)
        whole, fraction = divmod(number, 10**places)
        return f"{sign}{whole}.{fraction:0{places}}" if places else f"{sign}{whole}"


def _number(value: object) -> Decimal:
    # Of a float, the shortest digits that mean it: those that were in the line, up to 17.
    number = Decimal(value if isinstance(value, (str, int)) else repr(value))
    if not number.is_finite():
        raise StampError(f"the time stamp {value!r:.80} is out of range")
    return number


def _unit(number: Decimal, shown: object) -> tuple[str, int]:
    digits = max(number.adjusted() + 1, 1)
    for most, name, exponent in _UNITS:
        if digits <= most:
            return name, exponent
    raise StampError(f"the time stamp {shown!r:.80} is out of range")
