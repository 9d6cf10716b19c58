"""The time stamps of the lines of one log: the form is detected from the first line and then kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from functools import partial
from typing import Any, Protocol, TypeAlias

import orjson

from ndstream.logs._stamps.date_time import DateTimeForm
from ndstream.logs._stamps.epoch import EpochForm
from ndstream.logs._stamps.field_span import find_known_field
from ndstream.logs._stamps.pattern import PatternForm
from ndstream.logs._stamps.stamp_error import StampError, checked

StampFormat: TypeAlias = "str | Callable[[Any], datetime | int]"
By: TypeAlias = "str | tuple[str, str]"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INSTANT = ("epochSecond", "nanoOfSecond")


class Form(Protocol):
    """A way to write times."""

    @property
    def without_zone(self) -> int: ...
    def parse(self, value: object, /) -> int: ...
    def write(self, time: int, old: str, /) -> str: ...


class StampReader:
    """Reads the stamps of decoded lines, and replaces them in the lines as they are.

    Args:
        by: The dotted path of the field that holds the stamp; or two of them, of the seconds since 1970 and of the
            nanoseconds beyond them.
        format: A format of `datetime.strptime`, or a callable from the field's value to a `datetime` with a zone, or
            to nanoseconds since 1970. None for the forms that are detected.
        zone: The zone of stamps that do not state theirs; None for UTC.
        year: The year of the first stamp, for a format without one.

    Raises:
        TypeError: `by` is no path, `format` no format, `zone` no zone, or `year` no number.
        ValueError: A path has an empty key, the format has no year, or an option does not go with the others.

    Example:
        >>> reader = StampReader("time")
        >>> reader.read({"time": "1970-01-01T00:00:01Z"})
        1000000000
        >>> reader.replace(b'{"time": "1970-01-01T00:00:01Z", "n": 1.0}', 2_000_000_000)
        b'{"time": "1970-01-01T00:00:02Z", "n": 1.0}'
    """

    def __init__(
        self, by: By, format: StampFormat | None = None, zone: tzinfo | None = None, year: int | None = None
    ) -> None:
        paths = (by,) if isinstance(by, str) else by
        if not isinstance(paths, tuple) or not 1 <= len(paths) <= 2 or not all(isinstance(path, str) for path in paths):
            raise TypeError(f"by must be a dotted path, or two of them for seconds and nanoseconds, not {by!r}")
        if zone is not None and not isinstance(zone, tzinfo):
            raise TypeError(f"zone must be a tzinfo, such as zoneinfo.ZoneInfo('UTC'), not {type(zone).__name__}")
        if year is not None and not isinstance(year, int):
            raise TypeError(f"year must be a whole number, not {type(year).__name__}")
        self._paths = [_keys(path) for path in paths]
        self._zone = zone
        self._form: Form | None = None
        self._convert: Callable[[Any], datetime | int] | None = None
        if format is not None and len(paths) == 2:
            raise ValueError("two paths are numbers of seconds and nanoseconds: leave out format=, or the second path")
        if isinstance(format, str):
            self._form = PatternForm(format, zone, year)
        elif callable(format):
            self._convert = format
        elif format is not None:
            raise TypeError(f"format must be a format of strptime or a callable, not {type(format).__name__}")

    @property
    def without_zone(self) -> int:
        """How many stamps stated no zone and were taken for UTC, since none was given."""
        return 0 if self._form is None else self._form.without_zone

    @property
    def can_replace(self) -> bool:
        """Whether stamps can be written, too."""
        return self._convert is None

    def read(self, value: Any) -> int:
        """The time of a line, in nanoseconds since 1970.

        Args:
            value: The decoded line.

        Raises:
            StampError: It has no stamp, or one of another form than the first.
        """
        stamp = self._field(value, self._paths[0])
        if self._convert is not None:
            return self._converted(stamp)
        if len(self._paths) == 2:
            return self._of_two(stamp, self._field(value, self._paths[1]))
        if self._form is None:
            if isinstance(stamp, dict):
                self._descend(stamp)
                return self.read(value)
            self._form = self._detect(stamp)
        return self._form.parse(stamp)

    def _field(self, value: Any, keys: Sequence[str]) -> Any:
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None or value == "":
            raise StampError(f"there is no time stamp at {'.'.join(keys)!r}")
        return value

    def _descend(self, stamp: dict[str, Any]) -> None:
        """Go on to the field inside an object that MongoDB or log4j write for a time."""
        keys = self._paths[0]
        if set(_INSTANT) <= stamp.keys():
            self._paths = [[*keys, name] for name in _INSTANT]
        elif "$date" in stamp:
            self._paths = [[*keys, "$date"]]
        elif "$numberLong" in stamp and keys[-1] == "$date":
            self._paths = [[*keys, "$numberLong"]]
            self._form = EpochForm("0", "milliseconds")
        else:
            raise StampError(f"the field {'.'.join(keys)!r} is an object; name the field inside that holds the time")

    def _detect(self, stamp: object) -> Form:
        if EpochForm.matches(stamp):
            return EpochForm(stamp)
        if DateTimeForm.matches(stamp):
            return DateTimeForm(self._zone)
        raise StampError(f"the time stamp {stamp!r:.80} is of an unknown form; pass format=")

    def _of_two(self, seconds: Any, nanoseconds: Any) -> int:
        for number in (seconds, nanoseconds):
            if isinstance(number, bool) or not isinstance(number, int):
                raise StampError(f"the time stamp {number!r:.80} is no whole number of seconds or nanoseconds")
        return checked(seconds * 1_000_000_000 + nanoseconds, seconds)

    def _converted(self, stamp: Any) -> int:
        assert self._convert is not None
        try:
            time = self._convert(stamp)
            if isinstance(time, datetime):
                return checked(nanoseconds_of(time), stamp)
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise StampError(f"the time stamp {stamp!r:.80} is refused by format=: {error}") from error
        if isinstance(time, bool) or not isinstance(time, int):
            raise StampError(f"format= must give a datetime or whole nanoseconds, not {type(time).__name__}")
        return checked(time, stamp)

    def replace(self, line: bytes, time: int) -> bytes:
        """The line with another time in its stamp, which keeps its form. All other bytes stay as they are.

        Args:
            line: The line, of which `read` was given the value before.
            time: The time, in nanoseconds since 1970.

        Raises:
            StampError: The form cannot be written.
        """
        if len(self._paths) == 2:
            numbers = divmod(time, 1_000_000_000)
            for keys, number in zip(self._paths, numbers, strict=True):
                line = _with_value(line, keys, partial(_digits, number))
            return line
        return _with_value(line, self._paths[0], lambda old: self._written(time, old))

    def _written(self, time: int, old: bytes) -> bytes:
        assert self._form is not None
        if not old.startswith(b'"'):
            return self._form.write(time, old.decode()).encode()
        new = orjson.dumps(self._form.write(time, orjson.loads(old)))
        # Some encoders escape each slash.
        return new.replace(b"/", b"\\/") if b"\\/" in old else new


def nanoseconds_of(moment: datetime) -> int:
    """A moment in nanoseconds since 1970.

    Raises:
        ValueError: It has no zone.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} has no zone: pass a datetime with a tzinfo")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _keys(path: str) -> list[str]:
    keys = path.split(".")
    if not all(keys):
        raise ValueError(f"a path is keys with a dot between, and {path!r} has an empty one")
    return keys


def _digits(number: int, old: bytes) -> bytes:
    return str(number).encode()


def _with_value(line: bytes, keys: Sequence[str], change: Callable[[bytes], bytes]) -> bytes:
    span = find_known_field(line, keys)
    if span is None:
        raise StampError(f"there is no time stamp at {'.'.join(keys)!r}")
    return line[: span.start] + change(line[span.start : span.end]) + line[span.end :]
