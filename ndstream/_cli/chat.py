"""``ndstream chat``: ask a language model over HTTP, and see the reply come and how it ended.

Text goes to standard output, and nothing else does. Thoughts, the verdict and the figures go to standard
error, so that ``ndstream chat ... > answer.txt`` holds the answer alone. What a server sends cannot steer
the terminal: control characters are shown as U+FFFD there.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from ndstream._cli.chat_request import REQUEST_FORMATS, Messages, Server, key_in, locate
from ndstream._cli.chat_screen import ShownReply
from ndstream._cli.messages import say

_NOTES = """\b
Without --wire, the end of the URL's path decides the wire:
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
@click.option("--wire", type=click.Choice(list(REQUEST_FORMATS)), help="The format of requests and replies.")
@click.option("--key-env", metavar="VARIABLE", help="The environment variable that holds the key.")
@click.option("--max-tokens", metavar="N", type=click.IntRange(min=1), help="The longest reply to ask for.")
def chat(
    prompt: tuple[str, ...], url: str, model: str, wire: str | None, key_env: str | None, max_tokens: int | None
) -> int:
    """Ask a language model, and show the reply token by token as it comes.

    Thoughts are dimmed. The last line says how the reply ended, and how fast it was. Without PROMPT, a
    terminal is asked for one line after another, up to Ctrl-D; of anything else, all of standard input is
    the prompt. Ctrl-C ends a reply.
    """
    address, wire = locate(url, wire)
    key = key_in(key_env)
    streams: tuple[Any, ...] = (sys.stdin, sys.stdout, sys.stderr)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    server = Server(address, wire, model, key, max_tokens)
    text = " ".join(prompt)
    # Standard input is None if it is closed.
    if not text and sys.stdin is not None:
        if sys.stdin.isatty():
            return _converse(server)
        text = sys.stdin.read()
    if not text.strip():
        raise click.UsageError("there is no prompt: give one as an argument, or on standard input")
    ShownReply(server).ask([{"role": "user", "content": text}])
    return 0


def _converse(server: Server) -> int:
    """Ask for a prompt and show its reply, again and again."""
    messages: Messages = []
    while True:
        try:
            prompt: str = click.prompt("", prompt_suffix="> ", err=True)
        except click.Abort:
            click.echo(err=True)
            return 0
        messages.append({"role": "user", "content": prompt})
        reply = ShownReply(server)
        try:
            reply.ask(messages)
        except KeyboardInterrupt:
            click.echo(err=True)
        except click.ClickException as error:
            say(error.format_message())
        # A question without an answer is removed, since servers want the two in turn.
        if reply.text:
            messages.append({"role": "assistant", "content": reply.text})
        else:
            messages.pop()
