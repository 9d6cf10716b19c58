# cython: language_level=3, binding=False, always_allow_keywords=False
# cython: embedsignature=True, embedsignature.format=clinic, auto_pickle=False, autotestdict=False
# cython: warn.unused=True, warn.maybe_uninitialized=True
"""The compiled core: bytes in, frames out, and frames written. It does no input or output of its own.

What holds in every decoder, between any two calls:

- The stream so far is `offset` consumed bytes, then the bytes of the unfinished frame, then what was
  fed and not looked at yet: ``offset + pending`` bytes in all, less those dropped of an over-long frame.
- The unfinished frame is `buffered` (bytes of earlier chunks) followed by ``chunk[start:scan]``. If
  `buffered` is not empty, `start` is 0 or the index up to which the chunk was copied to `buffered`.
- Bytes before `scan` are never searched again for the same terminator.
- A chunk given as `bytes` is referred to until it is used up, and never written to; any other
  buffer is copied by `feed`, and released before it returns.
- No pointer into a chunk or a buffer is kept while Python code runs, but by an event, which holds
  the chunk that it points into.
- Payloads and events that nobody else holds are used again; nobody sees one change.
- While a method runs, the state is RUNNING: a second thread, and `loads` or `on_error` calling
  back, get a RuntimeError instead of a decoder in the middle of a step.

The states that a stream goes through, each set once and unset only by `reset`:

    word            of        meaning                                   set by
    finished        decoder   no more bytes come                        finish
    tail_decoded    decoder   the frame that the end cut was looked at  next_at_end
    done            decoder   the sentinel was seen                     end_at_sentinel
    no_more_frames  decoder   no step can find a frame any more         the sentinel, a cut, a failed source
    ended           stream    `next` only raises StopIteration          the last value, close, a refused chunk
    closed          stream    the source was released                   the end of the source, close

`complete`, which a reply of an LLM has, is a judgement of what the frames say, and not a state.

Interrupts (KeyboardInterrupt, a cancellation: what is no Exception) may come out of whatever Python
code a step runs, and neither lose a frame nor invent one:

- In `loads`, and in the making of an error, what was interrupted is kept and repeated by the next step.
  Until then `offset` stays before that frame.
- In `on_error` the error counts as handled: it was handed over.
- In a source the read can be repeated. If the source then ends instead of going on, the stream was
  cut: a TruncatedError with the interrupt as its cause.

Any other error that leaves a step unplanned breaks the decoder until `reset`, which is said each time.
"""

cimport cython

include "scan.pxi"
include "scan_values.pxi"
include "scan_words.pxi"
include "buffer.pxi"
include "result.pxi"
include "reuse.pxi"
include "options.pxi"
include "chunks.pxi"
include "error_reporting.pxi"
include "loads_errors.pxi"
include "payloads.pxi"
include "decoder.pxi"
include "selection.pxi"
include "ndjson.pxi"
include "event.pxi"
include "sse_block.pxi"
include "sse_events.pxi"
include "sse.pxi"
include "jsonseq.pxi"
include "concatenated.pxi"
include "clock.pxi"
include "first_bytes.pxi"
include "puller.pxi"
include "awaiting.pxi"
include "next_value.pxi"
include "async_puller.pxi"
include "interruptible_read.pxi"
include "write.pxi"
include "encode_fields.pxi"
include "encode.pxi"
