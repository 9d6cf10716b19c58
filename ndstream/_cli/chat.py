"""``ndstream chat``: ask a language model over HTTP, and see the reply come and how it ended.

Text goes to standard output, and nothing else does. Thoughts, the verdict and the figures go to standard
error, so that ``ndstream chat ... > answer.txt`` holds the answer alone. What a server sends cannot steer
the terminal: control characters are shown as U+FFFD there.

It is longer than most files here: the request, the screen and the conversation are one command.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import click
import orjson

from ndstream import __version__, llm

_SILENCE = 600
"""Seconds without a byte after which the server is given up. A model may take minutes to load."""
_TOKENS = 4096
"""The most tokens asked for where the wire wants a number and the user gave none."""

Messages = list[dict[str, str]]
_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


class _Wire(NamedTuple):
    """How a kind of server is asked."""

    path: str
    body: Callable[[Messages, int | None], dict[str, Any]]
    headers: Callable[[str], dict[str, str]]


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _ollama(messages: Messages, tokens: int | None) -> dict[str, Any]:
    return {"messages": messages} | ({"options": {"num_predict": tokens}} if tokens else {})


def _openai(messages: Messages, tokens: int | None) -> dict[str, Any]:
    body = {"messages": messages, "stream_options": {"include_usage": True}}
    return body | ({"max_tokens": tokens} if tokens else {})


def _responses(messages: Messages, tokens: int | None) -> dict[str, Any]:
    return {"input": messages} | ({"max_output_tokens": tokens} if tokens else {})


def _anthropic(messages: Messages, tokens: int | None) -> dict[str, Any]:
    return {"messages": messages, "max_tokens": tokens or _TOKENS}


def _anthropic_headers(key: str) -> dict[str, str]:
    return {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})


_WIRES = {
    "ollama-chat": _Wire("/api/chat", _ollama, _bearer),
    "openai-chat": _Wire("/v1/chat/completions", _openai, _bearer),
    "openai-responses": _Wire("/v1/responses", _responses, _bearer),
    "anthropic": _Wire("/v1/messages", _anthropic, _anthropic_headers),
}

_NOTES = """\b
The wire is told by --wire, or else by the end of the URL's path:
  none                   ollama-chat, at /api/chat
  /v1                    openai-chat, at /v1/chat/completions
  /api/chat, /chat/completions, /responses, /messages
                         the wire that has it; the URL is taken as it is

\b
Exit status:
  0  the server said that the reply was done
  1  it did not, it reported an error, or it could not be reached
  2  the arguments make no sense
"""


@click.command(epilog=_NOTES, short_help="Ask a language model, and see the reply come.")
@click.argument("prompt", nargs=-1)
@click.option("--url", default="http://127.0.0.1:11434", show_default=True, help="The server, with or without path.")
@click.option("--model", "-m", metavar="NAME", required=True, help="The model, as the server calls it.")
@click.option("--wire", type=click.Choice(list(_WIRES)), help="The shape of requests and replies.")
@click.option("--key-env", metavar="VARIABLE", help="The environment variable that holds the key.")
@click.option("--max-tokens", metavar="N", type=click.IntRange(min=1), help="The longest reply to ask for.")
def chat(
    prompt: tuple[str, ...], url: str, model: str, wire: str | None, key_env: str | None, max_tokens: int | None
) -> int:
    """Ask a language model, and show the reply token by token as it comes.

    Thoughts are dimmed. At the end stands how the reply ended, and how fast it was. Without PROMPT a
    terminal is asked for one line after the other, up to Ctrl-D; of anything else, all of standard
    input is the prompt. Ctrl-C ends a reply.
    """
    address, wire = _address(url, wire)
    key = "" if key_env is None else os.environ.get(key_env, "").strip()
    if key_env is not None and not (key and key.isascii() and key.isprintable()):
        raise click.BadParameter(f"{key_env} is not in the environment, or holds no key", param_hint="'--key-env'")
    streams: tuple[Any, ...] = (sys.stdin, sys.stdout, sys.stderr)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    server = _Server(address, wire, model, key, max_tokens)
    text = " ".join(prompt)
    # Standard input is None where it is closed.
    if not text and sys.stdin is not None:
        if sys.stdin.isatty():
            return _converse(server)
        text = sys.stdin.read()
    if not text.strip():
        raise click.UsageError("there is no prompt: give one as an argument, or on standard input")
    _Reply(server).ask([{"role": "user", "content": text}])
    return 0


def _converse(server: _Server) -> int:
    """Ask for a prompt and show its reply, again and again."""
    messages: Messages = []
    while True:
        try:
            prompt: str = click.prompt("", prompt_suffix="> ", err=True)
        except click.Abort:
            click.echo(err=True)
            return 0
        messages.append({"role": "user", "content": prompt})
        reply = _Reply(server)
        try:
            reply.ask(messages)
        except KeyboardInterrupt:
            click.echo(err=True)
        except click.ClickException as error:
            click.echo(f"ndstream: {' '.join(error.format_message().split())}", err=True)
        # A question without an answer is taken back, since servers want the two in turn.
        if reply.text:
            messages.append({"role": "assistant", "content": reply.text})
        else:
            messages.pop()


class _Server(NamedTuple):
    """Who is asked, and for what."""

    url: SplitResult
    wire: str
    model: str
    key: str
    max_tokens: int | None

    @property
    def name(self) -> str:
        """The URL without its query, which may hold a key."""
        return self.url._replace(query="").geturl()

    def post(self, messages: Messages) -> HTTPResponse:
        """Send the request, and return the response when its headers are there."""
        wire = _WIRES[self.wire]
        body = {"model": self.model, "stream": True} | wire.body(messages, self.max_tokens)
        # Some servers turn away what calls itself urllib.
        headers = {"Content-Type": "application/json", "User-Agent": f"ndstream/{__version__}"}
        try:
            data = orjson.dumps(body)
        except TypeError:
            raise click.UsageError("the prompt and the model's name have to be UTF-8") from None
        host = self.url.hostname or ""
        # A proxy for the world cannot reach a server on this machine.
        near = host in ("localhost", "::1") or host.startswith("127.")
        opener = build_opener(_NoRedirects, *([ProxyHandler({})] if near else []))
        try:
            request = Request(self.url.geturl(), data, headers | wire.headers(self.key), method="POST")
            response: HTTPResponse = opener.open(request, timeout=_SILENCE)
        except HTTPError as error:
            with error:
                said = _message_in(error.read(65536)) or error.reason
            hint = f" (it was asked as {self.wire}: --wire says otherwise)" if error.code in (404, 405) else ""
            raise click.ClickException(_shown(f"{self.name} answered {error.code}: {said[:500]}{hint}")) from None
        except URLError as error:
            reason = getattr(error.reason, "strerror", None) or error.reason
            raise click.ClickException(_shown(f"{self.name} cannot be reached: {reason}")) from None
        except (HTTPException, OSError, ValueError) as error:
            raise click.ClickException(_shown(f"{self.name} did not answer: {error!r}")) from None
        return response


class _Reply:
    """A reply on the screen."""

    def __init__(self, server: _Server) -> None:
        self.server = server
        self.text = ""
        self.deltas = 0
        self.first: float | None = None
        self.thinking = False
        # Standard output is None where it is closed, as standard input is.
        self.on_terminal = sys.stdout is not None and sys.stdout.isatty()

    def ask(self, messages: Messages) -> None:
        """Ask, and show what comes."""
        self.began = time.perf_counter()
        with llm.reply(self.server.post(messages), self.server.wire, on_incomplete="return") as reply:
            try:
                for delta in reply:
                    self.show(delta)
            finally:
                # In the middle of a reply this is what makes the verdict "cancelled".
                reply.close()
                self.text = reply.text
                ending = reply.ending
                assert ending is not None
                self.report(ending, reply.metrics)
        if ending.verdict == "error":
            assert ending.error is not None
            who = "this is no reply" if ending.error.kind == "malformed" else "the server reported an error"
            raise click.ClickException(_shown(f"{who}: {ending.error.message}"))
        if ending.verdict == "truncated":
            *_, last = ending.evidence
            raise click.ClickException(_shown(f"the reply is cut off: {last.sign.replace('_', ' ')} {last.detail}"))

    def show(self, delta: llm.Delta) -> None:
        if delta.choice or not (delta.text or delta.thinking):
            return
        self.deltas += 1
        if self.first is None:
            self.first = time.perf_counter()
        if delta.thinking:
            self.turn(thinking=True)
            click.echo(click.style(_shown(delta.thinking), dim=True), nl=False, err=True)
        if delta.text:
            self.turn(thinking=False)
            # Not with click, which takes what steers a terminal out of what is not for one.
            print(_shown(delta.text) if self.on_terminal else delta.text, end="", flush=True)

    def turn(self, thinking: bool) -> None:
        """Leave a blank line between thoughts and text."""
        if thinking != self.thinking:
            if self.deltas > 1:
                click.echo("\n", err=True)
            self.thinking = thinking

    def report(self, ending: llm.Ending, metrics: llm.Metrics) -> None:
        """Say how the reply ended, and what it took."""
        if self.text and not self.text.endswith("\n"):
            print(flush=True)
        seconds = time.perf_counter() - self.began
        tokens = metrics.output_tokens
        reason = f" ({ending.finish_reason})" if ending.finish_reason else ""
        count, noun = (self.deltas, "delta") if tokens is None else (tokens, "token")
        figures = [ending.verdict + reason, f"{count:,} {noun}{'' if count == 1 else 's'}"]
        if self.first is not None:
            figures.append(f"first after {self.first - self.began:.2f} s")
        figures.append(f"{seconds:.2f} s in all")
        if metrics.tokens_per_second is not None:
            figures.append(f"{metrics.tokens_per_second:,.1f} tokens/s (server)")
        elif tokens:
            figures.append(f"{tokens / seconds:,.1f} tokens/s (overall)")
        lead = "\n\n" if self.thinking else "\n" if self.text else ""
        click.echo(click.style(_shown(lead + ", ".join(figures)), dim=True), err=True)


class _NoRedirects(HTTPRedirectHandler):
    """A redirected request would lose its body, and take the key to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _address(url: str, wire: str | None) -> tuple[SplitResult, str]:
    """Where to send requests, and in which shape."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0:
        raise click.BadParameter("URL is not http://HOST or https://HOST, with PORT and PATH", param_hint="'--url'")
    path = parts.path.rstrip("/")
    for name, kind in _WIRES.items():
        if path.endswith(kind.path.removeprefix("/v1")):
            return parts, wire or name
    versioned = path.endswith("/v1")
    if wire is None:
        if path and not versioned:
            raise click.BadParameter("needed, since the URL's path does not tell it", param_hint="'--wire'")
        wire = "openai-chat" if path else "ollama-chat"
    end = _WIRES[wire].path
    return parts._replace(path=path + (end.removeprefix("/v1") if versioned else end)), wire


def _message_in(body: bytes) -> str:
    """The words of an error that came instead of a reply."""
    try:
        value = orjson.loads(body)
    except ValueError:
        return body[:200].decode(errors="replace")
    for key in ("error", "message", "detail"):
        if isinstance(value, dict):
            value = value.get(key) or value
    return value if isinstance(value, str) else str(value)


def _shown(text: str) -> str:
    """Text that does nothing to a terminal but appear on it."""
    return text.translate(_CONTROLS)
