"""Date and time as text, year first: RFC 3339 and what loggers make of it, to the nanosecond.

The separator may be T, t or a space, the point a comma, the fraction one to nine digits or none. The zone may be Z, an
offset with or without a colon, UTC or GMT, or an offset and a name (the offset counts). Without a zone, the time is
that of the zone that was asked for, else UTC, and it is counted. 24:00:00 is the next day, and :60 the next second.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from ndstream.logs._stamps.stamp_error import StampError, checked

_SECOND = 1_000_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)([Tt ])(\d\d):(\d\d):(\d\d)(?:([.,])(\d{1,9}))?"
    r"([Zz]| ?(?:UTC|GMT)| ?[+-]\d\d(?::?\d\d)?(?: [A-Z]{1,5})?|)",
    re.ASCII,
)


class DateTimeForm:
    """Reads and writes such stamps.

    Args:
        zone: The zone of stamps that do not state theirs; None for UTC.

    Attributes:
        without_zone: How many stamps stated no zone and were taken for UTC, since none was given.
    """

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self.without_zone = 0

    @staticmethod
    def matches(value: object) -> bool:
        """Whether a value looks like such a stamp."""
        return isinstance(value, str) and _FORM.fullmatch(value) is not None

    def parse(self, value: object) -> int:
        """The time, in nanoseconds since 1970.

        Raises:
            StampError: It is no such stamp, or there is no such time.

        Example:
            >>> DateTimeForm().parse("1970-01-01T00:00:01.5+00:00")
            1500000000
        """
        match = _FORM.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise StampError(f"the time stamp {value!r:.80} is no date and time, as the first one was")
        day, _, hour, minute, second, _, fraction, zone = match.groups()
        try:
            days = _days(day)
        except ValueError as error:
            raise StampError(f"the time stamp {value!r} is no date: {error}") from None
        of_day = int(hour) * 3600 + int(minute) * 60 + int(second)
        nanoseconds = int(fraction.ljust(9, "0")) if fraction else 0
        is_midnight = of_day == 86_400 and not nanoseconds
        if minute > "59" or second > "60" or (hour > "23" and not (is_midnight and hour == "24")):
            raise StampError(f"the time stamp {value!r} is no time of a day")
        seconds = days * 86_400 + of_day
        return checked((seconds - self._offset(zone, seconds, value)) * _SECOND + nanoseconds, value)

    def _offset(self, zone: str, local_seconds: int, value: object) -> int:
        """How far local time is ahead of UTC, in seconds."""
        if zone:
            try:
                return _stated_offset(zone)
            except ValueError as error:
                raise StampError(f"the time stamp {value!r} is of no zone: {error}") from None
        if self._zone is None:
            self.without_zone += 1
            return 0
        local = datetime(1970, 1, 1) + timedelta(seconds=local_seconds)
        return _seconds(local.replace(tzinfo=self._zone))

    def write(self, time: int, old: str) -> str:
        """A stamp for a time, in nanoseconds since 1970, in the form of an old one.

        Example:
            >>> DateTimeForm().write(1_500_000_000, "2026-01-01 00:00:59,480+0200")
            '1970-01-01 02:00:01,500+0200'
        """
        match = _FORM.fullmatch(old)
        assert match is not None
        _, separator, _, _, _, point, fraction, zone = match.groups()
        seconds, nanoseconds = divmod(time, _SECOND)
        if zone:
            offset = _stated_offset(zone)
        elif self._zone is None:
            offset = 0
        else:
            offset = _seconds(
                (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)).astimezone(self._zone)
            )
        days, of_day = divmod(seconds + offset, 86_400)
        text = f"{date.fromordinal(days + _EPOCH)}{separator}"
        text += f"{of_day // 3600:02}:{of_day // 60 % 60:02}:{of_day % 60:02}"
        if fraction:
            text += f"{point}{nanoseconds:09}"[: 1 + len(fraction)]
        return text + zone


@lru_cache(maxsize=16)
def _days(day: str) -> int:
    """Days since 1970."""
    return date.fromisoformat(day).toordinal() - _EPOCH


@lru_cache(maxsize=64)
def _stated_offset(zone: str) -> int:
    """How far a zone is ahead of UTC, in seconds."""
    sign = zone.strip()[0]
    if sign not in "+-":
        return 0
    digits = zone.replace(":", "").strip()[1:5].strip()
    hours, minutes = int(digits[:2]), int(digits[2:] or "0")
    if hours > 23 or minutes > 59:
        raise ValueError(f"there is no offset {zone.strip()}")
    return (hours * 3600 + minutes * 60) * (-1 if sign == "-" else 1)


def _seconds(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
