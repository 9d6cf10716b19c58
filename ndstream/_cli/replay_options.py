"""The options of ``ndstream replay`` that are about its target, and what does not go together."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ndstream._cli.messages import STDIN
from ndstream._cli.number_range import MAX_SECONDS, NumberRange
from ndstream._cli.options import given_options

if TYPE_CHECKING:
    from ndstream._cli.replay_sinks import Sink
    from ndstream.logs import DeadLetters

_Command = TypeVar("_Command", bound=Callable[..., Any])

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110, section 5.6.2)."""

_HTTP = frozenset(
    {"--header", "--key-env", "--batch", "--batch-bytes", "--linger", "--timeout", "--retry-for", "--retry-on"}
)


def http_options(command: _Command) -> _Command:
    """How lines are posted to a URL."""
    for option in (
        click.option(
            "--retry-on",
            metavar="STATUS",
            type=click.IntRange(300, 599),
            multiple=True,
            help="A further status after which a batch is sent again, such as 404.",
        ),
        click.option(
            "--retry-for",
            metavar="SECONDS",
            type=NumberRange(min=0),
            default=300.0,
            help="How long a batch is sent again before the replay ends; 300 by default.",
        ),
        click.option(
            "--timeout",
            metavar="SECONDS",
            type=NumberRange(min=0, max=MAX_SECONDS, min_open=True),
            default=30.0,
            help="How long to wait for an answer; 30 by default.",
        ),
        click.option(
            "--linger",
            metavar="SECONDS",
            type=NumberRange(min=0),
            default=1.0,
            help="How long a line waits for its batch to be filled; 1 by default.",
        ),
        click.option(
            "--batch-bytes",
            metavar="BYTES",
            type=click.IntRange(min=1),
            default=1024 * 1024,
            help="How many bytes a batch has at most; 1 MiB by default.",
        ),
        click.option(
            "--batch",
            metavar="LINES",
            type=click.IntRange(min=1),
            default=500,
            help="How many lines a batch has at most; 500 by default.",
        ),
        click.option("--key-env", metavar="VARIABLE", help="The environment variable that holds a bearer token."),
        click.option("--header", metavar="'NAME: VALUE'", multiple=True, help="A header of the requests."),
    ):
        command = option(command)
    return command


def is_http(target: str) -> bool:
    """Whether a target is a URL of HTTP."""
    return target.lower().startswith(("http://", "https://"))


def checked_options(context: click.Context, names: list[str], options: dict[str, Any]) -> None:
    """Refuse what does not go together, and fill in what depends on other options.

    Raises:
        click.UsageError: Two options do not go together.
        click.BadParameter: An option has none of its values.
    """
    from ndstream._cli.input_files import check_written, is_same_file, status_of

    given = given_options(context) & _HTTP
    target, bad = options["to"], options["bad"]
    if given and (not is_http(target) or options["dry_run"]):
        raise click.UsageError(f"{min(given)} is for posting: it goes with a URL as --to, and not with --dry-run")
    if "://" in target and not is_http(target):
        raise click.BadParameter("a URL to deliver to begins with http:// or https://", param_hint="'--to'")
    if len(options["by"]) > 2:
        raise click.UsageError("--by is given once, or twice for seconds and nanoseconds")
    if options["window"] is None:
        options["window"] = 0 if options["checkpoint"] is not None else 100
    if bad is not None and options["on_error"] is not None:
        raise click.UsageError("--bad takes the bad lines: leave out --on-error, or --bad")
    if bad == STDIN:
        raise click.BadParameter("bad lines would mix with the others; name a file", param_hint="'--bad'")
    to_file = None if is_http(target) or options["dry_run"] else target
    check_written({"--to": to_file, "--bad": bad, "--checkpoint": options["checkpoint"]})
    for option, written in (("--to", target), ("--bad", bad), ("--checkpoint", options["checkpoint"])):
        if written in (None, STDIN) or is_http(written):
            continue
        if any(is_same_file(status_of(written), status_of(name)) for name in names):
            raise click.BadParameter("FILE is one of those to read", param_hint=f"'{option}'")
    _check_arguments(names, options)


def _check_arguments(names: list[str], options: dict[str, Any]) -> None:
    """Check what the library would check, before a file that is to be written is opened."""
    from ndstream.logs._replay.log_records import logs_of
    from ndstream.logs._replay.options import check_logs, check_pace, check_period
    from ndstream.logs._stamps.stamp_reader import StampReader

    arguments = arguments_of(options)
    check_pace(*(arguments[name] for name in ("speed", "max_gap", "repeat", "window")))
    check_period(arguments["start"], arguments["end"])
    StampReader(*(arguments[name] for name in ("by", "format", "zone", "year")))
    logs = logs_of([standard_input() if name == STDIN else name for name in names], None)
    check_logs(
        logs,
        repeat=arguments["repeat"],
        has_checkpoint=options["checkpoint"] is not None,
        window=arguments["window"],
        dry_run=options["dry_run"],
    )


def standard_input() -> io.FileIO:
    """Standard input, which stays open."""
    return io.FileIO(0, closefd=False)


def arguments_of(options: dict[str, Any]) -> dict[str, Any]:
    """What the options are as arguments of `ndstream.logs.replay`.

    Raises:
        click.BadParameter: There is no such zone.
    """
    by = options["by"]
    same = ("year", "speed", "start", "end", "max_gap", "repeat", "window", "sample", "seed", "unwrap")
    return {
        **{name: options[name] for name in same},
        "by": by[0] if len(by) == 1 else by,
        "format": options["stamp_format"],
        "zone": _zone(options["zone"]),
        "rewrite": "now" if options["rewrite_now"] else None,
        "unstamped": options["unstamped"].replace("-", "_"),
        "contains": [os.fsencode(needle) for needle in options["contains"]] or None,
        "on_error": options["on_error"] or "raise",
        "max_frame_size": options["max_frame_size"] or None,
        "max_window": options["max_window"] or None,
    }


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f"there is no zone {name!r} on this machine", param_hint="'--zone'") from None


def make_sink(options: dict[str, Any], letters: DeadLetters | None, *, append: bool) -> Sink:
    """What lines are delivered to.

    Raises:
        click.BadParameter: The URL or a header makes no sense, or the environment holds no key.
        ModuleNotFoundError: A library is missing; the message says how to get it.
        OSError: The file cannot be written.
    """
    from ndstream._cli.replay_sinks import LineSink

    if not is_http(options["to"]):
        return LineSink(options["to"], append=append)
    try:
        import httpx
        import tenacity  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "a URL as --to takes the modules httpx and tenacity: pip install 'ndstream[http]'", name=error.name
        ) from None
    from ndstream._cli.replay_http import HTTPSink

    headers = httpx.Headers([_header(text) for text in options["header"]])
    if options["key_env"] is not None:
        from ndstream._cli.chat_request import key_in

        headers["authorization"] = f"Bearer {key_in(options['key_env'])}"
    try:
        host = httpx.Request("POST", options["to"]).url.host
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise click.BadParameter(str(error), param_hint="'--to'") from None
    if not host:
        raise click.BadParameter(f"{options['to']!r} names no host", param_hint="'--to'")
    return HTTPSink(
        httpx.Client(headers=headers, timeout=options["timeout"]),
        options["to"],
        letters,
        batch_lines=options["batch"],
        batch_bytes=options["batch_bytes"],
        linger=options["linger"],
        retry_for=options["retry_for"],
        retry_on=options["retry_on"],
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or _NAME.fullmatch(name := name.strip()) is None:
        raise click.BadParameter(f"{text!r} is not like 'Name: value'", param_hint="'--header'")
    if not (value := value.strip()).isascii() or not value.isprintable():
        # Of these a connection fails, which would be tried again and again.
        raise click.BadParameter(f"the value of {text!r} is not printable ASCII", param_hint="'--header'")
    return name, value
