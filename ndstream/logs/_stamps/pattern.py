"""Times as text in a format of `datetime.strptime`, to the microsecond.

A format without a year, such as that of syslog, takes the year from the caller. Stamps are expected in the order of
time, more or less: one that is half a year before the last one belongs to the next year.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo

from ndstream.logs._stamps.stamp_error import StampError, checked

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_HALF_A_YEAR = timedelta(days=183)
_YEARS = ("%Y", "%y", "%c", "%x", "%G", "%s")
_UTC = ("%Z", "GMT", "UTC", "Z")


class PatternForm:
    """Reads and writes such stamps.

    Args:
        format: The format.
        zone: The zone of stamps that do not state theirs; None for UTC.
        year: The year of the first stamp, if the format has none.

    Attributes:
        without_zone: How many stamps stated no zone and were taken for UTC, since none was given.

    Raises:
        ValueError: The format has no year and none is given.
    """

    def __init__(self, format: str, zone: tzinfo | None = None, year: int | None = None) -> None:
        self._has_year = any(directive in format for directive in _YEARS)
        if not self._has_year and year is None:
            raise ValueError(f"the format {format!r} has no year: pass year=, the one of the first line")
        self._format = format
        self._zone = zone
        self._states_zone = "%z" in format or format.endswith(_UTC)
        self._year = year
        self._last: datetime | None = None
        self.without_zone = 0

    def parse(self, value: object) -> int:
        """The time, in nanoseconds since 1970.

        Raises:
            StampError: It does not match the format.

        Example:
            >>> PatternForm("%d/%b/%Y:%H:%M:%S %z").parse("01/Jan/1970:02:00:01 +0200")
            1000000000
        """
        if not isinstance(value, str):
            raise StampError(f"the time stamp {value!r:.80} is no text, which a format needs")
        time = self._read(value, None) if self._has_year else self._in_its_year(value)
        self.without_zone += self._zone is None and not self._states_zone
        return checked((time - _EPOCH) // _MICROSECOND * 1000, value)

    def _read(self, value: str, year: int | None) -> datetime:
        try:
            if self._has_year:
                time = datetime.strptime(value, self._format)
            else:
                time = datetime.strptime(f"{year} {value}", f"%Y {self._format}")
        except ValueError as error:
            raise StampError(f"the time stamp {value!r:.80} does not match the format: {error}") from None
        if time.tzinfo is None:
            time = time.replace(tzinfo=self._zone or timezone.utc)
        return time

    def _in_its_year(self, value: str) -> datetime:
        """The time with the year that is nearest to the last one."""
        assert self._year is not None
        try:
            time = self._read(value, self._year)
        except StampError:
            if self._last is None:
                raise
            # The 29th of February may be the first day of its year that there are lines of.
            time = self._read(value, self._year + 1)
            self._year += 1
        if self._last is not None:
            if time - self._last < -_HALF_A_YEAR:
                self._year += 1
                time = self._read(value, self._year)
            elif time - self._last > _HALF_A_YEAR:
                # A late line of December among those of January.
                return self._read(value, self._year - 1)
        self._last = time
        return time

    def write(self, time: int, old: str) -> str:
        """A stamp for a time, in nanoseconds since 1970, in the form of an old one.

        Example:
            >>> PatternForm("%b %d %H:%M:%S", year=2026).write(0, "Jan  2 00:00:59")
            'Jan  1 00:00:00'
        """
        zone = self._zone or timezone.utc
        try:
            zone = datetime.strptime(old, self._format).tzinfo or zone if self._has_year else zone
        except ValueError:
            raise StampError(f"the time stamp {old!r:.80} does not match the format") from None
        moment = (_EPOCH + timedelta(microseconds=time // 1000)).astimezone(zone)
        format = self._format
        if "  " in old and "  " not in format:
            # Days of one digit have a space before them, which strptime takes for part of the space in the format.
            format = format.replace("%d", f"{moment.day:2}")
        return moment.strftime(format)
