"""A reply on the screen: text on standard output, thoughts and figures on standard error."""

from __future__ import annotations

import sys
import time

import click

from ndstream import llm
from ndstream._cli.chat_request import Messages, Server
from ndstream._cli.control_characters import without_controls
from ndstream._cli.messages import count


class ShownReply:
    """One reply, from the request to the line that says how it ended.

    Attributes:
        text: The text of the reply, when it is over.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.text = ""
        self._deltas = 0
        self._first_delta_at: float | None = None
        self._in_thoughts = False
        # Standard output is None if it is closed, as standard input is.
        self._on_terminal = sys.stdout is not None and sys.stdout.isatty()

    def ask(self, messages: Messages) -> None:
        """Ask, and show what comes.

        Raises:
            click.ClickException: The reply is cut off, or the server reported an error.
        """
        self._began = time.perf_counter()
        with llm.reply(self.server.post(messages), self.server.wire, on_incomplete="return") as reply:
            try:
                for delta in reply:
                    self._show(delta)
            finally:
                # If the reply is not over, this makes the verdict "cancelled".
                reply.close()
                self.text = reply.text
                ending = reply.ending
                assert ending is not None
                self._report(ending, reply.metrics)
        if ending.verdict == "error":
            assert ending.error is not None
            who = "this is no reply" if ending.error.kind == "malformed" else "the server reported an error"
            raise click.ClickException(without_controls(f"{who}: {ending.error.message}"))
        if ending.verdict == "truncated":
            *_, last = ending.evidence
            message = f"the reply is cut off: {last.sign.replace('_', ' ')} {last.detail}"
            raise click.ClickException(without_controls(message))

    def _show(self, delta: llm.Delta) -> None:
        if delta.choice or not (delta.text or delta.thinking):
            return
        self._deltas += 1
        if self._first_delta_at is None:
            self._first_delta_at = time.perf_counter()
        if delta.thinking:
            self._separate(thinking=True)
            click.echo(click.style(without_controls(delta.thinking), dim=True), nl=False, err=True)
        if delta.text:
            self._separate(thinking=False)
            # click would strip control sequences from what goes to a file.
            print(without_controls(delta.text) if self._on_terminal else delta.text, end="", flush=True)

    def _separate(self, thinking: bool) -> None:
        """Leave a blank line between thoughts and text."""
        if thinking != self._in_thoughts:
            if self._deltas > 1:
                click.echo("\n", err=True)
            self._in_thoughts = thinking

    def _report(self, ending: llm.Ending, metrics: llm.Metrics) -> None:
        """Say how the reply ended, and what it took."""
        if self.text and not self.text.endswith("\n"):
            print(flush=True)
        seconds = time.perf_counter() - self._began
        tokens = metrics.output_tokens
        reason = f" ({ending.finish_reason})" if ending.finish_reason else ""
        figures = [ending.verdict + reason, count(self._deltas, "delta") if tokens is None else count(tokens, "token")]
        if self._first_delta_at is not None:
            figures.append(f"first after {self._first_delta_at - self._began:.2f} s")
        figures.append(f"{seconds:.2f} s in all")
        if metrics.tokens_per_second is not None:
            figures.append(f"{metrics.tokens_per_second:,.1f} tokens/s (server)")
        elif tokens:
            figures.append(f"{tokens / seconds:,.1f} tokens/s (overall)")
        lead = "\n\n" if self._in_thoughts else "\n" if self.text else ""
        click.echo(click.style(without_controls(lead + ", ".join(figures)), dim=True), err=True)
