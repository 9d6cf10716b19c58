"""Asking an LLM server: where a request goes, in which format, and what went wrong if nothing comes back."""

from __future__ import annotations

import os
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import click
import orjson

from ndstream import __version__
from ndstream._cli.control_characters import without_controls

READ_TIMEOUT = 600.0
"""Seconds without a byte after which the server is given up. A model may take minutes to load."""
_DEFAULT_MAX_TOKENS = 4096
"""How many tokens are asked for if the server wants a number and the user gave none."""

Messages = list[dict[str, str]]


class RequestFormat(NamedTuple):
    """How a kind of server is asked.

    Attributes:
        path: Where it takes requests.
        body: Makes the body, from the messages and the most tokens asked for.
        headers: Makes the headers, from the key, or "" without one.
    """

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
    return {"messages": messages, "max_tokens": tokens or _DEFAULT_MAX_TOKENS}


def _anthropic_headers(key: str) -> dict[str, str]:
    return {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})


REQUEST_FORMATS = {
    "ollama-chat": RequestFormat("/api/chat", _ollama, _bearer),
    "openai-chat": RequestFormat("/v1/chat/completions", _openai, _bearer),
    "openai-responses": RequestFormat("/v1/responses", _responses, _bearer),
    "anthropic": RequestFormat("/v1/messages", _anthropic, _anthropic_headers),
}


class Server(NamedTuple):
    """Which server and model are asked, and with which key."""

    url: SplitResult
    wire: str
    model: str
    key: str
    max_tokens: int | None

    @property
    def name(self) -> str:
        """The URL without its query, which may hold a key."""
        return self.url._replace(query="").geturl()

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, where the proxy that the environment names cannot reach it."""
        host = self.url.hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request, the key among them."""
        # Some servers refuse a client that is called urllib.
        headers = {"Content-Type": "application/json", "User-Agent": f"ndstream/{__version__}"}
        return headers | REQUEST_FORMATS[self.wire].headers(self.key)

    def body(self, messages: Messages) -> bytes:
        """The body of a request.

        Raises:
            TypeError: A message or the model's name holds half of a surrogate pair.
        """
        body = {"model": self.model, "stream": True}
        return orjson.dumps(body | REQUEST_FORMATS[self.wire].body(messages, self.max_tokens))

    def post(self, messages: Messages) -> HTTPResponse:
        """Send the request, and return the response when its headers are there.

        Raises:
            click.ClickException: There is no response, or it is no success.
        """
        try:
            data = self.body(messages)
        except TypeError:
            raise click.UsageError("the prompt and the model's name have to be UTF-8") from None
        opener = build_opener(_NoRedirects, *([ProxyHandler({})] if self.is_local else []))
        try:
            request = Request(self.url.geturl(), data, self.headers, method="POST")
            response: HTTPResponse = opener.open(request, timeout=READ_TIMEOUT)
        except HTTPError as error:
            with error:
                words = _message_in(error.read(65536)) or error.reason
            hint = f" (it was asked as {self.wire}; --wire names another)" if error.code in (404, 405) else ""
            message = f"{self.name} answered {error.code}: {words[:500]}{hint}"
            raise click.ClickException(without_controls(message)) from None
        except URLError as error:
            reason = getattr(error.reason, "strerror", None) or error.reason
            raise click.ClickException(without_controls(f"{self.name} cannot be reached: {reason}")) from None
        except (HTTPException, OSError, ValueError) as error:
            raise click.ClickException(without_controls(f"{self.name} did not answer: {error!r}")) from None
        return response


class _NoRedirects(HTTPRedirectHandler):
    """Refuses redirects: the request would lose its body, and the key would go to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


def key_in(variable: str | None) -> str:
    """The key that an environment variable holds; "" if none is named.

    Raises:
        click.BadParameter: It is not in the environment, or holds no key.
    """
    key = "" if variable is None else os.environ.get(variable, "").strip()
    if variable is not None and not (key and key.isascii() and key.isprintable()):
        raise click.BadParameter(f"{variable} is not in the environment, or holds no key", param_hint="'--key-env'")
    return key


def locate(url: str, wire: str | None) -> tuple[SplitResult, str]:
    """Where to send requests, and in which format.

    Args:
        url: The server's URL, with or without a path.
        wire: The format, if the user gave one.

    Returns:
        The URL with its path, and the name of the format.

    Raises:
        click.BadParameter: The URL is none, or does not decide the format.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or port == 0:
        raise click.BadParameter("URL is not http://HOST or https://HOST, with PORT and PATH", param_hint="'--url'")
    path = parts.path.rstrip("/")
    for name, format in REQUEST_FORMATS.items():
        if path.endswith(format.path.removeprefix("/v1")):
            return parts, wire or name
    versioned = path.endswith("/v1")
    if wire is None:
        if path and not versioned:
            raise click.BadParameter("needed, since the URL's path does not decide it", param_hint="'--wire'")
        wire = "openai-chat" if path else "ollama-chat"
    end = REQUEST_FORMATS[wire].path
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
