"""Time stamps in lines: each form that loggers write is read to the nanosecond, and is written as it was read.

What is expected is computed by `datetime` from numbers, never from the text.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndstream.logs._stamps.epoch import EpochForm
from ndstream.logs._stamps.field_span import find_field, find_known_field
from ndstream.logs._stamps.stamp_error import StampError
from ndstream.logs._stamps.stamp_reader import StampReader

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NEW_YEAR = (2026, 1, 1, 0, 0, 59)


def nanoseconds(*parts: int, fraction: int = 0, hours: float = 0) -> int:
    """The time of a date and time that is `hours` ahead of UTC."""
    elapsed = datetime(*parts, tzinfo=timezone(timedelta(hours=hours))) - EPOCH  # type: ignore[misc, arg-type]
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000_000 + fraction


def read(stamp: Any, by: Any = "time", **options: Any) -> int:
    return StampReader(by, **options).read({"time": stamp})


FORMS: dict[str, tuple[Any, int, dict[str, Any]]] = {
    "RFC 3339 in whole seconds": ("2026-01-01T00:00:59Z", nanoseconds(*NEW_YEAR), {}),
    "milliseconds of pino and Elastic": ("2026-01-01T00:00:59.480Z", nanoseconds(*NEW_YEAR, fraction=480_000_000), {}),
    "microseconds of a Kubernetes audit log": (
        "2026-01-01T00:00:59.480951Z",
        nanoseconds(*NEW_YEAR, fraction=480_951_000),
        {},
    ),
    "nanoseconds of CRI": ("2026-01-01T00:00:59.480951123Z", nanoseconds(*NEW_YEAR, fraction=480_951_123), {}),
    "trimmed zeros of Docker and Go": ("2026-01-01T00:00:59.48Z", nanoseconds(*NEW_YEAR, fraction=480_000_000), {}),
    "eight digits of Go": ("2026-01-01T00:00:59.48095112Z", nanoseconds(*NEW_YEAR, fraction=480_951_120), {}),
    "seven digits of .NET": ("2026-01-01T00:00:59.4809511Z", nanoseconds(*NEW_YEAR, fraction=480_951_100), {}),
    "offset of logback and monolog": (
        "2026-01-01T00:00:59.480+02:00",
        nanoseconds(*NEW_YEAR, fraction=480_000_000, hours=2),
        {},
    ),
    "offset without a colon of Suricata": (
        "2026-01-01T00:00:59.480951+0000",
        nanoseconds(*NEW_YEAR, fraction=480_951_000),
        {},
    ),
    "time_iso8601 of nginx": ("2026-01-01T00:00:59+00:00", nanoseconds(*NEW_YEAR), {}),
    "zone word of PostgreSQL": ("2026-01-01 00:00:59.480 UTC", nanoseconds(*NEW_YEAR, fraction=480_000_000), {}),
    "time.String of Go": ("2026-01-01 00:00:59.480 +0000 UTC", nanoseconds(*NEW_YEAR, fraction=480_000_000), {}),
    "time.String of Go in summer": ("2026-07-01 00:00:59 +0200 CEST", nanoseconds(2026, 7, 1, 0, 0, 59, hours=2), {}),
    "comma of Python logging": ("2026-01-01 00:00:59,480", nanoseconds(*NEW_YEAR, fraction=480_000_000), {}),
    "no zone, of MySQL": ("2026-01-01T00:00:59", nanoseconds(*NEW_YEAR), {}),
    "no zone, of pandas": ("2026-01-01 00:00:59", nanoseconds(*NEW_YEAR), {}),
    "time_local of nginx and Apache": (
        "01/Jan/2026:00:00:59 +0000",
        nanoseconds(*NEW_YEAR),
        {"format": "%d/%b/%Y:%H:%M:%S %z"},
    ),
    "syslog of RFC 3164": ("Jan  1 00:00:59", nanoseconds(*NEW_YEAR), {"format": "%b %d %H:%M:%S", "year": 2026}),
    "date of HTTP": (
        "Thu, 01 Jan 2026 00:00:59 GMT",
        nanoseconds(*NEW_YEAR),
        {"format": "%a, %d %b %Y %H:%M:%S GMT"},
    ),
    "calendarTime of osquery": (
        "Thu Jan  1 00:00:59 2026 UTC",
        nanoseconds(*NEW_YEAR),
        {"format": "%a %b %d %H:%M:%S %Y UTC"},
    ),
    "seconds since 1970": (1767225659, nanoseconds(*NEW_YEAR), {}),
    "milliseconds of CloudWatch and pino": (1767225659480, nanoseconds(*NEW_YEAR, fraction=480_000_000), {}),
    "microseconds of Chrome": (1767225659480951, nanoseconds(*NEW_YEAR, fraction=480_951_000), {}),
    "nanoseconds of OTLP, past what a float holds": (
        1767225659480951123,
        nanoseconds(*NEW_YEAR, fraction=480_951_123),
        {},
    ),
    "seconds as a float, of Caddy and Zeek": (1767225659.480951, nanoseconds(*NEW_YEAR, fraction=480_951_000), {}),
    "msec of nginx in quotes": ("1767225659.480", nanoseconds(*NEW_YEAR, fraction=480_000_000), {}),
    "nanoseconds of Loki in quotes": ("1767225659480951123", nanoseconds(*NEW_YEAR, fraction=480_951_123), {}),
    "microseconds of journald in quotes": ("1767225659480951", nanoseconds(*NEW_YEAR, fraction=480_951_000), {}),
    "instant of log4j2": (
        {"epochSecond": 1767225659, "nanoOfSecond": 480951123},
        nanoseconds(*NEW_YEAR, fraction=480_951_123),
        {},
    ),
    "date of MongoDB": ({"$date": "2026-01-01T00:00:59.480Z"}, nanoseconds(*NEW_YEAR, fraction=480_000_000), {}),
    "number of MongoDB": (
        {"$date": {"$numberLong": "1767225659480"}},
        nanoseconds(*NEW_YEAR, fraction=480_000_000),
        {},
    ),
    "number of MongoDB before 2001": ({"$date": {"$numberLong": "59480"}}, 59_480_000_000, {}),
    "leap second": ("2026-12-31T23:59:60Z", nanoseconds(2027, 1, 1, 0, 0, 0), {}),
    "24:00:00": ("2026-12-31T24:00:00Z", nanoseconds(2027, 1, 1, 0, 0, 0), {}),
    "lower case of RFC 3339": ("2026-01-01t00:00:59z", nanoseconds(*NEW_YEAR), {}),
    "an offset of minus zero": ("2026-01-01T00:00:59-00:00", nanoseconds(*NEW_YEAR), {}),
    "an offset of half an hour": ("2026-01-01T00:00:59-03:30", nanoseconds(*NEW_YEAR, hours=-3.5), {}),
    "before 1970": ("1969-12-31T23:59:59.5Z", -500_000_000, {}),
}


@pytest.mark.parametrize(("stamp", "expected", "options"), FORMS.values(), ids=FORMS)
def test_a_stamp_is_read_to_the_nanosecond(stamp: Any, expected: int, options: dict[str, Any]) -> None:
    # As it comes out of a line.
    assert read(orjson.loads(orjson.dumps(stamp)), **options) == expected


SAME_INSTANT = {"leap second", "24:00:00"}
"""Stamps that are written in the usual way."""


@pytest.mark.parametrize("name", [name for name in FORMS if name not in SAME_INSTANT])
def test_a_stamp_that_is_written_again_for_its_own_time_is_the_same_bytes(name: str) -> None:
    stamp, time, options = FORMS[name]
    line = b'{ "a" : [1, {"time":2}], "time":' + orjson.dumps(stamp) + b', "n": 1.0 }'
    reader = StampReader("time", **options)
    reader.read(orjson.loads(line))
    assert reader.replace(line, time) == line


@pytest.mark.parametrize(("stamp", "expected", "options"), FORMS.values(), ids=FORMS)
def test_a_stamp_that_is_written_for_another_time_is_read_as_that(
    stamp: Any, expected: int, options: dict[str, Any]
) -> None:
    line = b'{"x":"\\u20ac","time":' + orjson.dumps(stamp) + b',"time2":null}'
    reader = StampReader("time", **options)
    reader.read(orjson.loads(line))
    later = nanoseconds(2026, 5, 12, 13, 14, 15)
    replaced = reader.replace(line, later)
    assert reader.read(orjson.loads(replaced)) == later
    assert replaced.startswith(b'{"x":"\\u20ac","time":')
    assert replaced.endswith(b',"time2":null}')


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "null": (None, {}, "there is no time stamp at 'time'"),
    "an empty string": ("", {}, "there is no time stamp at 'time'"),
    "a list": ([1], {}, "of an unknown form; pass format="),
    "true": (True, {}, "of an unknown form; pass format="),
    "words": ("yesterday", {}, "of an unknown form; pass format="),
    "an object of unknown keys": ({"s": 1}, {}, "name the field inside that holds the time"),
    "the zero time of Go": ("0001-01-01T00:00:00Z", {}, "out of range"),
    "the year 9999": ("9999-12-31T23:59:59Z", {}, "out of range"),
    "a number of too many digits": (10**30, {}, "out of range"),
    "a huge float": (1e300, {}, "out of range"),
    "a day that is none": ("2026-02-30T00:00:00Z", {}, "is no date"),
    "25 o'clock": ("2026-01-01T25:00:00Z", {}, "is no time of a day"),
    "one second past 24:00:00": ("2026-01-01T24:00:01Z", {}, "is no time of a day"),
    "minute 60": ("2026-01-01T00:60:00Z", {}, "is no time of a day"),
    "second 61": ("2026-01-01T00:00:61Z", {}, "is no time of a day"),
    "an offset of a day": ("2026-01-01T00:00:00+24:00", {}, "there is no offset"),
    "digits that are not ASCII": ("\uff12026-01-01T00:00:00Z", {}, "of an unknown form"),
    "another text than the format": ("x", {"format": "%Y"}, "does not match the format"),
    "a number for a format": (2026, {"format": "%Y"}, "is no text"),
    "a callable that refuses": ("x", {"format": int}, "is refused by format="),
    "a datetime without a zone": ("2026-01-01", {"format": datetime.fromisoformat}, "is refused by format="),
    "seconds that are a float": ({"epochSecond": 1.5, "nanoOfSecond": 0}, {}, "no whole number"),
}


@pytest.mark.parametrize(
    ("digits", "unit"), [(1, 10**9), (11, 10**9), (12, 10**6), (14, 10**6), (15, 1000), (17, 1000), (18, 1), (19, 1)]
)
def test_the_number_of_digits_tells_the_unit(digits: int, unit: int) -> None:
    stamp = 10 ** (digits - 1)
    if stamp * unit < 2**63:
        assert [read(stamp), read(str(stamp)), read(f"{stamp}.0")] == [stamp * unit] * 3
    else:
        with pytest.raises(StampError, match="which is from 1677"):
            read(stamp)


@pytest.mark.parametrize("stamp", [10**20, "1" + 20 * "0", 1e300, "1" + 5000 * "0"], ids=lambda stamp: f"{stamp!r:.9}")
def test_a_stamp_of_more_than_20_digits_is_of_no_unit(stamp: Any) -> None:
    with pytest.raises(StampError, match=r"is out of range$"):
        read(stamp)


@pytest.mark.parametrize(("stamp", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_usable_stamp_is_refused(stamp: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(StampError, match="(?s).*" + message.replace("(", r"\(")):
        read(stamp, **options)


KEPT = {
    "milliseconds, then seconds": (1767225659480, 1767225659),
    "a number, then digits in a string": (1767225659, "1767225659"),
    "a number, then a date": (1767225659, "2026-01-01T00:00:59Z"),
    "a date, then a number": ("2026-01-01T00:00:59Z", 1767225659),
    "milliseconds, then zero": (1767225659480, 0),
}


@pytest.mark.parametrize(("first", "second"), KEPT.values(), ids=KEPT)
def test_another_form_than_that_of_the_first_stamp_is_refused(first: Any, second: Any) -> None:
    reader = StampReader("time")
    time = reader.read({"time": first})
    with pytest.raises(StampError, match="the first one was"):
        reader.read({"time": second})
    assert reader.read({"time": first}) == time


def test_digits_of_the_fraction_may_vary_from_line_to_line() -> None:
    reader = StampReader("time")
    times = [reader.read({"time": f"2026-01-01T00:00:59.{'480951123'[:digits]}Z"}) for digits in range(1, 10)]
    assert [time % 10**9 for time in times] == [int("480951123"[:digits].ljust(9, "0")) for digits in range(1, 10)]


def test_whole_and_fractional_seconds_are_one_form() -> None:
    reader = StampReader("time")
    assert reader.read({"time": 1767225659}) + 500_000_000 == reader.read({"time": 1767225659.5})


def test_a_first_line_without_a_stamp_decides_nothing() -> None:
    reader = StampReader("time")
    for stamp in (None, "", "never", {"s": 1}):
        with pytest.raises(StampError):
            reader.read({"time": stamp})
    assert reader.read({"time": 5}) == 5_000_000_000


def test_a_stamp_without_a_zone_is_of_the_zone_that_was_given() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert read("2026-07-01 12:00:00,5", zone=zone) == nanoseconds(2026, 7, 1, 12, fraction=500_000_000, hours=2)
    assert read("2026-01-01 12:00:00", zone=zone) == nanoseconds(2026, 1, 1, 12, hours=1)
    # The hour that comes twice: the first one.
    assert read("2026-10-25 02:30:00", zone=zone) == nanoseconds(2026, 10, 25, 2, 30, hours=2)
    assert read("2026-01-01T12:00:00Z", zone=zone) == nanoseconds(2026, 1, 1, 12)


def test_a_stamp_without_a_zone_is_written_in_the_zone_that_was_given() -> None:
    reader = StampReader("time", zone=ZoneInfo("Europe/Berlin"))
    line = b'{"time":"2026-01-01 12:00:00,000"}'
    reader.read(orjson.loads(line))
    assert reader.replace(line, nanoseconds(2026, 7, 1, 10)) == b'{"time":"2026-07-01 12:00:00,000"}'


def test_stamps_that_were_taken_for_utc_are_counted() -> None:
    reader = StampReader("time")
    reader.read({"time": "2026-01-01 12:00:00"})
    reader.read({"time": "2026-01-01 12:00:00Z"})
    reader.read({"time": "2026-01-01 12:00:00"})
    assert reader.without_zone == 2
    reader = StampReader("time", zone=timezone.utc)
    reader.read({"time": "2026-01-01 12:00:00"})
    assert reader.without_zone == 0
    reader = StampReader("time", format="%Y GMT")
    reader.read({"time": "2026 GMT"})
    assert reader.without_zone == 0


def test_a_format_without_a_year_goes_on_into_the_next_one() -> None:
    reader = StampReader("time", format="%b %d %H:%M:%S", year=2025)
    stamps = ["Dec 31 23:59:59", "Jan  1 00:00:01", "Dec 31 23:59:58", "Jan  1 00:00:02", "Feb 29 00:00:00"]
    times = [reader.read({"time": stamp}) for stamp in stamps[:4]]
    assert times == [
        nanoseconds(2025, 12, 31, 23, 59, 59),
        nanoseconds(2026, 1, 1, 0, 0, 1),
        nanoseconds(2025, 12, 31, 23, 59, 58),
        nanoseconds(2026, 1, 1, 0, 0, 2),
    ]
    with pytest.raises(StampError, match="does not match the format"):
        reader.read({"time": stamps[4]})
    assert read("Feb 29 00:00:00", format="%b %d %H:%M:%S", year=2028) == nanoseconds(2028, 2, 29)
    assert reader.without_zone == 4


def test_a_leap_day_may_be_the_first_day_of_its_year() -> None:
    reader = StampReader("time", format="%b %d", year=2027)
    times = [reader.read({"time": stamp}) for stamp in ("Dec 31", "Feb 29", "Mar 01")]
    assert times == [nanoseconds(2027, 12, 31), nanoseconds(2028, 2, 29), nanoseconds(2028, 3, 1)]


def test_a_callable_reads_what_is_not_detected() -> None:
    assert read("5", format=lambda stamp: int(stamp) * 7) == 35
    assert read("x", format=lambda stamp: EPOCH + timedelta(seconds=1)) == 1_000_000_000
    with pytest.raises(StampError, match="a datetime or whole nanoseconds, not str"):
        read("x", format=str)


def test_a_dotted_path_leads_to_the_stamp() -> None:
    assert StampReader("a.b.c").read({"a": {"b": {"c": 5}}}) == 5_000_000_000
    values: list[Any] = [{"a": {"b": 5}}, {"a": None}, [], 5]
    for value in values:
        with pytest.raises(StampError, match=r"there is no time stamp at 'a\.b\.c'"):
            StampReader("a.b.c").read(value)


def test_two_paths_are_seconds_and_nanoseconds() -> None:
    reader = StampReader(("t.s", "t.ns"))
    line = b'{"t":{"ns":7,"s":5}}'
    assert reader.read(orjson.loads(line)) == 5_000_000_007
    assert reader.replace(line, 6_000_000_008) == b'{"t":{"ns":8,"s":6}}'


@pytest.mark.parametrize(
    ("by", "options", "message"),
    [
        ("", {}, "has an empty one"),
        ("a..b", {}, "has an empty one"),
        (("a", "b"), {"format": "%Y"}, "leave out format="),
        ("a", {"format": "%b %d"}, "pass year="),
    ],
)
def test_options_that_make_no_sense_are_refused(by: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StampReader(by, **options)


@pytest.mark.parametrize(("by", "options"), [(5, {}), (("a", "b", "c"), {}), (("a", 1), {}), ("a", {"format": 5})])
def test_options_of_a_wrong_type_are_refused(by: Any, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="must be"):
        StampReader(by, **options)


def test_a_slash_that_was_escaped_stays_escaped() -> None:
    reader = StampReader("time", format="%d/%b/%Y")
    line = rb'{"time":"01\/Jan\/2026"}'
    time = reader.read(orjson.loads(line))
    assert reader.replace(line, time) == line


def test_a_float_with_an_exponent_cannot_be_written_again() -> None:
    reader = StampReader("time")
    line = b'{"time":1.767225659e9}'
    assert reader.read(orjson.loads(line)) == nanoseconds(*NEW_YEAR)
    with pytest.raises(StampError, match="has an exponent"):
        reader.replace(line, 5)


@given(
    st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1)),
    st.integers(0, 999_999_999),
    st.integers(0, 9),
    st.sampled_from("T t"),
    st.sampled_from(".,"),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
    st.sampled_from(["colon", "plain", "Z", " UTC", ""]),
)
def test_any_date_and_time_is_read_and_written_as_datetime_counts(
    local: datetime, fraction: int, digits: int, separator: str, point: str, offset: int, zone: str
) -> None:
    local = local.replace(microsecond=0)
    fraction -= fraction % 10 ** (9 - digits)
    text = local.isoformat(separator) + (f"{point}{fraction:09}"[: digits + 1] if digits else "")
    if zone in ("colon", "plain"):
        sign, (hours, minutes) = "-" if offset < 0 else "+", divmod(abs(offset), 60)
        text += f"{sign}{hours:02}{':' if zone == 'colon' else ''}{minutes:02}"
    else:
        offset = 0
        text += zone
    elapsed = local.replace(tzinfo=timezone(timedelta(minutes=offset))) - EPOCH
    expected = (elapsed.days * 86_400 + elapsed.seconds) * 10**9 + fraction
    reader = StampReader("time")
    assert reader.read({"time": text}) == expected
    line = orjson.dumps({"time": text})
    assert reader.replace(line, expected) == line


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text('ab"\\{}[],:/\u20ac'),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\{}: \u20ac', max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from([0, orjson.OPT_INDENT_2]))
def test_a_field_is_found_where_a_decoder_finds_it(value: Any, option: int) -> None:
    """All paths of an object, and what lies there decodes to the same."""
    line = orjson.dumps(value, option=option)

    def check(inner: Any, path: list[str]) -> None:
        if path:
            span = find_field(line, path)
            assert span is not None
            assert orjson.dumps(orjson.loads(line[span.start : span.end])) == orjson.dumps(inner)
            assert find_known_field(line, path) == span
        if isinstance(inner, dict):
            assert find_field(line, [*path, "absent"]) is None
            for key, below in inner.items():
                check(below, [*path, key])

    check(value, [])
    if not isinstance(value, dict):
        assert find_field(line, ["a"]) is None


def test_of_a_key_that_comes_twice_the_last_one_counts() -> None:
    assert find_field(b'{"a":1,"b":{"a":2},"a":3}', ["a"]) == (23, 24)


def test_a_key_that_is_written_with_escapes_is_found() -> None:
    line = rb'{"\u0061":1,"x\/y":2}'
    assert find_field(line, ["a"]) == (10, 11)
    assert find_field(line, ["x/y"]) == (19, 20)


def test_a_known_field_is_found_whatever_else_looks_like_it() -> None:
    for line in (
        b'{"a":"t","t":5}',
        b'{"a":{"t":1},"t":5}',
        b'{"t":1,"t":5}',
        rb'{"\u0074":5,"a":{"t":1}}',
        rb'{"a":"\"t\":1","t":5}',
        b'{"a":["t"],"t" : 5}',
    ):
        span = find_known_field(line, ["t"])
        assert span is not None
        assert line[span.start : span.end] == b"5"


def test_finding_a_field_takes_linear_time_in_a_long_line() -> None:
    """Nothing is looked at twice: a line of a hundred thousand brackets, and strings of quotes and backslashes."""
    line = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"y":"' + b'\\"' * 100_000 + b'","time":1}'
    assert find_field(line, ["time"]) == (len(line) - 2, len(line) - 1)


@pytest.mark.parametrize(
    ("first", "second", "kind"), [("5", 5, "digits in a string"), (5, "5", "a number"), (5, True, "a number")]
)
def test_a_number_is_another_form_than_its_digits(first: Any, second: Any, kind: str) -> None:
    with pytest.raises(StampError, match=f"is not {kind}, as the first one was"):
        EpochForm(first).parse(second)


def test_a_time_before_1970_is_written_with_its_sign() -> None:
    assert EpochForm("1767225659.480").write(-1_500_000_000, "1767225659.480") == "-1.500"
    assert EpochForm(1767225659).write(-2_000_000_000, "1767225659") == "-2"


@pytest.mark.parametrize(
    ("options", "line", "other", "message"),
    [
        ({}, b'{"time":1767225659}', b'{"other":1767225659}', "there is no time stamp at 'time'"),
        ({"format": "%Y-%m-%d"}, b'{"time":"2026-01-01"}', b'{"time":"today"}', "'today' does not match the format"),
    ],
)
def test_a_line_without_such_a_stamp_cannot_get_another_one(
    options: dict[str, Any], line: bytes, other: bytes, message: str
) -> None:
    reader = StampReader("time", **options)
    reader.read(orjson.loads(line))
    with pytest.raises(StampError, match=message):
        reader.replace(other, 0)


def test_a_path_through_what_is_not_there_leads_nowhere() -> None:
    assert find_field(b'{"a":{"b":1}}', ["c", "b"]) is None


@pytest.mark.parametrize("stamp", [math.inf, -math.inf, math.nan])
def test_a_float_that_is_no_number_is_no_stamp(stamp: float) -> None:
    with pytest.raises(StampError, match="is out of range"):
        EpochForm(stamp)
