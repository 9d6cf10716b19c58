"""The format of the page: that of Vercel's AI SDK, and one part of our own before the end, which says how it ended.

Other clients of the format pass over parts of types that begin with ``data-``.
"""

from __future__ import annotations

from typing import Any

from ndstream._core import encode_sse
from ndstream.serving._targets.outcome import Failure, Summary
from ndstream.serving._targets.ui import UITarget

CUT_KINDS = ("truncated", "timeout", "shutdown")
"""The kinds of failures after which a reply can be gone on with; after others it is an error of the server's."""


class PageTarget(UITarget):
    """The parts of a reply, and its ending with a verdict and figures.

    Example:
        >>> from ndstream import llm
        >>> reply = llm.reply(b'{"response":"Hi","done":false}\\n', on_incomplete="return")
        >>> target = PageTarget()
        >>> b'"verdict":"cut"' in target.take(reply) + target.fail(Failure("the upstream ended", "truncated"))
        True
    """

    def write_end(self, summary: Summary) -> None:
        tokens = {"inputTokens": summary.input_tokens, "outputTokens": summary.output_tokens}
        self._write_ending("complete", finishReason=summary.finish_reason, **tokens)
        super().write_end(summary)

    def write_error(self, failure: Failure) -> None:
        self._write_ending("cut" if failure.kind in CUT_KINDS else "error")
        super().write_error(failure)

    def _write_ending(self, verdict: str, **figures: Any) -> None:
        data = {"verdict": verdict, **figures}
        self.write(encode_sse({"type": "data-ending", "transient": True, "data": data}))
