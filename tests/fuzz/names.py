"""What is known of the targets without importing what they try."""

from __future__ import annotations

HEAD = 4
"""So many bytes of an input choose options and cuts; the stream is what follows."""

MAX_LEN = {
    "ndjson": 160,
    "sse": 160,
    "jsonseq": 160,
    "concatenated": 160,
    "reentry": 160,
    "interrupts": 160,
    "ways_in": 160,
    "encoders": 160,
    "replies": 1200,
    "partial_json": 160,
    "relays": 1200,
    "archives": 160,
    "containers": 160,
    "checkpoints": 600,
    "stamps": 120,
}
"""How long the inputs of each target may get, in bytes."""
