"""``ndstream serve``: a page to chat with, on this machine.

It listens on loopback alone. The key is read from the environment, and goes to the model's server and nowhere else.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import click

from ndstream._cli.chat_request import REQUEST_FORMATS, Server, key_in, locate
from ndstream._cli.messages import say
from ndstream._cli.number_range import NumberRange


@click.command(short_help="Serve a page to chat with, on this machine.")
@click.option("--url", help="The model's server, with or without path; without it, a built-in sample answers.")
@click.option("--model", "-m", metavar="NAME", help="The model, as the server calls it.")
@click.option("--wire", type=click.Choice(list(REQUEST_FORMATS)), help="The format of requests and replies.")
@click.option("--key-env", metavar="VARIABLE", help="The environment variable that holds the key.")
@click.option("--max-tokens", metavar="N", type=click.IntRange(min=1), help="The longest reply to ask for.")
@click.option("--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="0 for any free one.")
@click.option(
    "--grace",
    metavar="SECONDS",
    type=NumberRange(min=0, max=86400),
    default=5.0,
    show_default=True,
    help="How long replies may take to end when the server stops.",
)
def serve(
    url: str | None,
    model: str | None,
    wire: str | None,
    key_env: str | None,
    max_tokens: int | None,
    port: int,
    grace: float,
) -> None:
    """Serve a page to chat with at http://127.0.0.1:PORT, up to Ctrl-C.

    The end of the path of --url decides the wire, as in 'ndstream chat'. The key of --key-env is never sent to the
    browser. When the server stops, replies that are under way end with an error that says so.
    """
    server: Server | None = None
    if url is not None:
        if model is None:
            raise click.UsageError("--url needs --model, the name of a model that the server has")
        address, wire = locate(url, wire)
        server = Server(address, wire, model, key_in(key_env), max_tokens)
    else:
        for name, value in (("--model", model), ("--wire", wire), ("--key-env", key_env), ("--max-tokens", max_tokens)):
            if value is not None:
                raise click.UsageError(f"{name} is for a model's server, which --url names")
    # Only with the extra: nothing else of the command line needs it.
    from ndstream._cli.page_server import run

    with closing(socket.create_server(("127.0.0.1", port))) as listening:
        host, port = listening.getsockname()
        say(f"chat with {'the sample' if model is None else model} at http://{host}:{port}/ (Ctrl-C stops it)")
        asyncio.run(run(listening, server, grace))
