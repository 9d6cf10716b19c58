"""What is tried with any bytes: a target raises if what must hold does not.

Each file has the targets of one package, and what they begin with.
"""

from __future__ import annotations

from collections.abc import Callable

from fuzz.targets.archives import archives
from fuzz.targets.checkpoints import checkpoints
from fuzz.targets.containers import containers
from fuzz.targets.decoders import concatenated, jsonseq, ndjson, sse
from fuzz.targets.encoders import encoders
from fuzz.targets.interrupts import interrupts
from fuzz.targets.partial_json import partial_json
from fuzz.targets.reentry import reentry
from fuzz.targets.relays import relays
from fuzz.targets.replies import replies
from fuzz.targets.stamps import stamps
from fuzz.targets.ways_in import ways_in

TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        ndjson, sse, jsonseq, concatenated, reentry, interrupts, ways_in, encoders,
        replies, partial_json, relays, archives, containers, checkpoints, stamps,
    )
}  # fmt: skip
