# cython: language_level=3, freethreading_compatible=True, binding=False, always_allow_keywords=False
# cython: embedsignature=True, embedsignature.format=clinic, auto_pickle=False, autotestdict=False
# cython: warn.unused=True, warn.maybe_uninitialized=True
"""The compiled core: bytes in, frames out, and frames written. It does no input or output of its own.

What holds in every decoder, between any two calls:

- The stream so far is `offset` bytes passed over, then the bytes of the unfinished frame, then what
  was fed and not looked at yet: ``offset + pending`` bytes in all, less those of an over-long frame.
- The unfinished frame is `held` (bytes of earlier chunks) followed by ``chunk[start:scan]``. Where
  `held` is not empty, `start` is 0 or the index up to which the chunk was copied to `held`.
- Bytes before `scan` are never searched again for the same terminator.
- A chunk given as `bytes` is referred to until it is used up, and never written to; any other
  buffer is copied by `feed`, and released before it returns.
- No pointer into a chunk or a buffer is kept while Python code runs, but by an event, which holds
  the chunk that it points into.
- Payloads and events that nobody else holds are used again; nobody sees one change.
- While a method runs, the state is RUNNING: a second thread, and `loads` or `on_error` calling
  back, get a RuntimeError instead of a decoder in the middle of a step.
"""

cimport cython

include "scan.pxi"
include "buffer.pxi"
include "result.pxi"
include "reuse.pxi"
include "options.pxi"
include "chunks.pxi"
include "payloads.pxi"
include "decoder.pxi"
include "selection.pxi"
include "ndjson.pxi"
include "event.pxi"
include "sse_block.pxi"
include "sse_events.pxi"
include "sse.pxi"
include "jsonseq.pxi"
include "clock.pxi"
include "puller.pxi"
include "ready.pxi"
include "write.pxi"
include "encode.pxi"
