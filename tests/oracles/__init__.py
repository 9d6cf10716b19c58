"""What the decoders have to say about a whole stream, written as plainly as the rules read.

Each function takes all the bytes at once and walks over them with split, regular expressions and
str.decode. Nothing here is shared with the core, nothing is fast, and nothing knows of chunks: that
is why it can tell whether the core is right.
"""

from __future__ import annotations

from oracles.answer import Answer, comparable
from oracles.concatenated import concatenated
from oracles.jsonseq import jsonseq
from oracles.ndjson import ndjson
from oracles.sse import sse

__all__ = ["Answer", "comparable", "concatenated", "jsonseq", "ndjson", "sse"]
