"""``ndstream demo``: a reply arriving token by token over HTTP, and what it came to in numbers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from http import client
from typing import NamedTuple

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import ndstream
from ndstream._cli.demo_server import REPLY, REPLY_FORMATS, ReplyFormat, serve
from ndstream._cli.number_range import NumberRange

_LINES_SHOWN = 3
_MIN_RATE = 0.1


class _Result(NamedTuple):
    """What a reply came to."""

    format: ReplyFormat
    text: str
    tokens: int
    frames: int
    bytes: int
    seconds_to_first: float
    tokens_a_second: float


@click.command(short_help="Show a reply arriving token by token, over HTTP on this machine.")
@click.option(
    "--rate",
    metavar="TOKENS",
    type=NumberRange(min=0),
    default=30.0,
    show_default=True,
    help="Tokens a second; 0 for as many as possible.",
)
def demo(rate: float) -> None:
    """Stream a sample reply from a server on 127.0.0.1, as NDJSON and as server-sent events.

    The server runs on a port of its own, for as long as the demo does. At the end: frames,
    bytes, time to the first token, and tokens a second.
    """
    if 0 < rate < _MIN_RATE:
        raise click.BadParameter(
            f"{rate} is so slow that its client gives up: at least {_MIN_RATE}, or 0", param_hint="'--rate'"
        )
    console = _Console(highlight=False)
    try:
        with serve(rate) as address:
            results = [_ask(address, format, console) for format in REPLY_FORMATS]
    except ndstream.StreamError as error:
        raise click.ClickException(str(error)) from error
    console.print(_table(results))
    if any(result.text != REPLY for result in results):
        raise click.ClickException("the reply did not arrive as it was sent")


def _ask(address: tuple[str, int], format: ReplyFormat, console: Console) -> _Result:
    """Request the reply, and show it as it comes."""
    text = ""
    arrivals: list[float] = []
    with closing(client.HTTPConnection(*address, timeout=60)) as connection:
        began = time.perf_counter()
        connection.request("GET", format.path)
        response = connection.getresponse()
        title = f"GET http://{address[0]}:{address[1]}{format.path}: {response.headers['Content-Type']}"
        with response, _screen(console, title) as screen:
            chunks = iter(lambda: response.read1(65536), b"")
            with ndstream.stream(screen.watched(chunks)) as values:
                for value in values:
                    token = format.token(value)
                    if token:
                        arrivals.append(time.perf_counter())
                        text += token
                        screen.show(token)
    decoder = values.decoder
    assert decoder is not None
    seconds = max(arrivals[-1] - arrivals[0], 1e-9)
    return _Result(
        format,
        text,
        len(arrivals),
        frames=decoder.frames,
        bytes=decoder.offset,
        seconds_to_first=arrivals[0] - began,
        tokens_a_second=(len(arrivals) - 1) / seconds,
    )


@contextmanager
def _screen(console: Console, title: str) -> Iterator[_Screen]:
    """Where a reply is shown: growing panels on a terminal, plain text anywhere else."""
    if not console.is_interactive:
        print(title, flush=True)
        yield _Screen()
        print("\n")
        return
    panels = _Panels(title)
    with Live(console=console, get_renderable=panels.render, refresh_per_second=20):
        yield panels
        panels.highlight = ""


class _Screen:
    """Plain text: each token is written at once."""

    def watched(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        return chunks

    def show(self, token: str) -> None:
        print(token, end="", flush=True)


class _Panels(_Screen):
    """The last bytes on the wire, and under them the reply.

    Rendering runs in the display's own thread. What it reads is therefore replaced or copied, never changed.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.lines = [""] * _LINES_SHOWN
        self.tokens: list[str] = []
        self.highlight = "bold green"

    def watched(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            lines = filter(None, chunk.decode("utf-8", "replace").splitlines())
            self.lines = [*self.lines, *lines][-_LINES_SHOWN:]
            yield chunk

    def show(self, token: str) -> None:
        self.tokens.append(token)

    def render(self) -> RenderableType:
        wire = Text("\n".join(self.lines), style="dim", no_wrap=True, overflow="ellipsis")
        *before, newest = self.tokens[:] or [""]
        reply = Text.assemble("".join(before), (newest, self.highlight))
        return Group(
            Panel(wire, title=self.title, title_align="left", border_style="blue"),
            Panel(reply, title="reply", title_align="left", border_style="green"),
        )


def _table(results: list[_Result]) -> Table:
    table = Table(title="What came over the wire", title_justify="left")
    table.add_column("framing")
    for heading in ("frames", "bytes", "tokens", "first token", "tokens/s"):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(
            result.format.name,
            f"{result.frames:,}",
            f"{result.bytes:,}",
            f"{result.tokens:,}",
            f"{result.seconds_to_first * 1000:,.1f} ms",
            f"{result.tokens_a_second:,.1f}",
        )
    return table


class _Console(Console):
    """A console that raises if its pipe is closed; rich would end the process with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError
