# Server-sent events, by the letter of WHATWG HTML, section 9.2.6: where lines end, and which of them
# end a block. A LF, a CR and a CR LF each end a line; a CR at a chunk's end does not wait for a LF.


@cython.final
cdef class SSEDecoder(SSEEvents):
    """SSEDecoder(*, loads=..., max_frame_size=16777216, on_error='raise', on_truncated='raise', \
values=False, raw=False, on_comment=None, empty_events=False, done=None, require_done=False, last_event_id='')
--

Decodes server-sent events (WHATWG HTML, section 9.2.6). Feed it chunks, and iterate over it.
"""

    cdef bint after_cr

    def __init__(
        self, *, loads=orjson_loads, max_frame_size=DEFAULT_MAX_FRAME_SIZE, on_error="raise", on_truncated="raise",
        bint values=False, bint raw=False, on_comment=None, bint empty_events=False,
        done=None, bint require_done=False, str last_event_id not None="",
    ):
        cdef int truncated = choice(on_truncated, "on_truncated", ("raise", "discard", "emit"))
        if on_comment is not None and not callable(on_comment):
            raise TypeError(f"on_comment must be a callable that takes a str, not {type(on_comment).__name__}")
        with cython.critical_section(self):
            self.configure(loads, max_frame_size, on_error, done, require_done)
            self.first_id = last_event_id
            self.values = values
            self.raw = raw and not values
            self.on_comment = on_comment
            self.empty_events = empty_events and not values
            self.events_borrow_chunk = not values
            self.on_truncated = <OnTruncated> truncated
            self.start_stream()

    cdef int restart(self) except -1:
        SSEEvents.restart(self)
        self.after_cr = False
        return 0

    def feed(self, data, /):
        self.feed_chunk(data)
        return self

    @property
    def line(self):
        """How many lines end at or before `offset`."""
        return self.lines_consumed if self.interrupted is None else self.frame_line - 1

    @property
    def comments(self):
        """How many comment lines there were: a sign of life that is no event."""
        return self.comment_count

    cdef str framing(self):
        return "sse"

    cdef Result next_frame(self) except NULL:
        cdef Result value
        cdef Py_ssize_t end
        if self.bom_possible and not self.skip_bom():
            return NOTHING
        while True:
            if self.after_cr and self.scan < self.size:
                self.skip_lf_after_cr()
            if self.scan < self.size:
                end = self.line_end()
                if end < self.size:
                    self.scan = end + 1
                    value = self.process_line(end)
                    if value != NOTHING:
                        return value
                    if self.no_more_frames:
                        return NOTHING
                    continue
                self.scan = self.size
            if not self.discarding and self.frame_bytes_to(self.size) > self.limit + BLOCK_OVERHEAD:
                self.block_too_large(PREVIEW_SIZE)
            if self.second_slot is not None:
                self.release_events()
            if not self.advance_chunk():
                return self.next_at_end() if self.finished else NOTHING

    cdef inline int skip_lf_after_cr(self) except -1:
        """Take a LF at `scan` for the second half of a CR LF."""
        self.after_cr = False
        if self.base[self.scan] == b"\n":
            self.touched += 1
            self.scan += 1
            if self.line_start:
                self.line_start += 1
            else:
                self.start = self.scan
                if self.leading.length:
                    self.leading.append(b"\n", 1)
        return 0

    cdef inline Py_ssize_t line_end(self) noexcept:
        """The index of the next CR or LF in the chunk, or the chunk's size.

        Each of the two is searched for only after where it was found last, so that a chunk with
        many of one and none of the other is still read once for each.
        """
        if self.next_lf < self.scan:
            self.next_lf = find_byte(self.base, self.scan, self.size, b"\n")
            self.touched += self.next_lf - self.scan
        if self.next_cr < self.scan:
            self.next_cr = find_byte(self.base, self.scan, self.size, b"\r")
            self.touched += self.next_cr - self.scan
        return min(self.next_lf, self.next_cr)

    cdef inline Result process_line(self, Py_ssize_t end) except NULL:
        """What the line that ends at ``end`` completes: an event or value, else NOTHING."""
        cdef Py_ssize_t block_size = self.frame_bytes_to(end)
        cdef Py_ssize_t size = block_size - self.line_start
        cdef const unsigned char* line
        if block_size > self.limit + BLOCK_OVERHEAD and not self.discarding:
            # The line's end is scanned again, so that it can end the discarding.
            self.scan = end
            return self.block_too_large(PREVIEW_SIZE)
        if self.line_start == 0:
            self.block_line = self.lines + 1
        self.lines += 1
        self.after_cr = self.base[end] == b"\r"
        if self.discarding:
            if size:
                self.line_start = block_size + 1
                return NOTHING
            self.discarding = False
            self.dropped = 0
            self.data_lines = 0
            return self.dispatch(end + 1)
        if self.buffered.length:
            self.buffered.append(self.base + self.start, end + 1 - self.start)
            self.touched += end + 1 - self.start
            self.start = end + 1
            line = self.buffered.data() + self.line_start
        else:
            line = self.base + self.start + self.line_start
        if size == 0:
            return self.dispatch(end + 1)
        if line[0] == b":":
            return self.process_comment(line, size, end + 1)
        self.process_field(line, size)
        self.line_start = block_size + 1
        if block_size > self.limit and self.data_size() > self.limit:
            return self.block_too_large(block_size)
        return NOTHING
