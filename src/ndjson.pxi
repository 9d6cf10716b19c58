# NDJSON: one JSON value a line. LF ends a line and nothing else does; one CR before it is dropped.


@cython.final
cdef class NDJSONDecoder(Decoder):
    """NDJSONDecoder(*, loads=..., max_frame_size=16777216, on_error='raise', contains=None, \
sample=None, seed=0, blank_lines='skip', done=None, require_done=False)
--

Decodes NDJSON (JSON Lines): one JSON value a line. Feed it chunks, and iterate over it.
"""

    cdef Selection selection
    cdef bint refuses_blank
    cdef readonly bint unterminated

    def __init__(
        self, *, loads=orjson_loads, max_frame_size=DEFAULT_MAX_FRAME_SIZE, on_error="raise", contains=None,
        sample=None, seed=0, blank_lines="skip", done=None, bint require_done=False,
    ):
        selection = selection_or_none(contains, sample, seed)
        cdef bint refuses_blank = choice(blank_lines, "blank_lines", ("skip", "error")) == 1
        with cython.critical_section(self):
            self.configure(loads, max_frame_size, on_error, done, require_done)
            self.selection = selection
            self.refuses_blank = refuses_blank
            self.start_stream()

    cdef int restart(self) except -1:
        Decoder.restart(self)
        if self.selection is not None:
            self.selection.forget_hits()
        self.unterminated = False
        return 0

    def feed(self, data, /):
        self.feed_chunk(data)
        return self

    def reset(self, *, offset=0, line=0):
        """Forget all that was fed, and start over with the same options, or in the middle of a stream.

        Args:
            offset: The offset of the first byte that is fed next, in bytes from the start of the stream;
                it must be the first byte of a line.
            line: The number of lines before that offset.

        Raises:
            TypeError: One of them is no integer.
            ValueError: One of them is negative.
            OverflowError: One of them does not fit into 63 bits.
            RuntimeError: The decoder is running already.

        Example:
            >>> from ndstream import NDJSONDecoder
            >>> decoder = NDJSONDecoder()
            >>> decoder.reset(offset=4096, line=100)
            >>> list(decoder.feed(b'1\\n')), decoder.offset, decoder.line
            ([1], 4098, 101)
        """
        cdef long long start_offset = offset
        cdef long long start_line = line
        if start_offset < 0 or start_line < 0:
            raise ValueError(f"offset and line are counts and cannot be negative, not {offset} and {line}")
        with cython.critical_section(self):
            self.refuse_if_running()
            self.start_stream()
            self.chunk_offset = start_offset
            self.lines = start_line
            # A BOM is allowed only at the start of the stream.
            self.bom_possible = start_offset == 0

    @property
    def line(self):
        """How many lines end at or before `offset`: after a frame, the 1-based number of its line."""
        return self.lines if self.interrupted is None else self.frame_line - 1

    cdef object unfinished_line(self):
        return self.lines + 1

    cdef str framing(self):
        return "ndjson"

    cdef inline Py_ssize_t frame_size(self, Py_ssize_t end) noexcept:
        """The unfinished frame's size, were it to end at ``end`` in the chunk."""
        cdef Py_ssize_t size = self.buffered.length + end - self.start
        if end > self.start:
            return size - (self.base[end - 1] == b"\r")
        return size_without_cr(self.buffered.data(), size) if size else 0

    cdef Result next_frame(self) except NULL:
        cdef Result value
        cdef Py_ssize_t end
        if self.bom_possible and not self.skip_bom():
            return NOTHING
        while True:
            if self.scan < self.size:
                end = find_byte(self.base, self.scan, self.size, b"\n")
                self.touched += end - self.scan
                self.scan = end
                if end < self.size:
                    self.scan += 1
                    value = self.process_line(end)
                    if value != NOTHING:
                        return value
                    if self.no_more_frames:
                        return NOTHING
                    continue
            if not self.discarding and self.frame_size(self.size) > self.limit:
                self.frame_line = self.lines + 1
                self.too_large(self.limit + 1)
            if not self.advance_chunk():
                return self.next_at_end() if self.finished else NOTHING

    cdef inline Result process_line(self, Py_ssize_t end) except NULL:
        """The value of the line whose LF is at ``end``."""
        cdef const unsigned char* data
        cdef Py_ssize_t size
        cdef PyObject* payload
        cdef bytes blank
        if self.discarding:
            self.discarding = False
            self.dropped = 0
            self.consume_to(end + 1)
            self.lines += 1
            return NOTHING
        size = self.frame_size(end)
        self.frame_line = self.lines + 1
        if size > self.limit:
            # The LF is scanned again so that it ends the discarding.
            self.scan = end
            return self.too_large(self.limit + 1)
        self.frame_offset = self.frame_start_offset()
        if self.buffered.length:
            self.buffered.append(self.base + self.start, end - self.start)
            self.touched += end - self.start
            data = self.buffered.data()
        else:
            data = self.base + self.start
        if size == 0 or (data[0] <= b" " and is_blank(data, size)):
            blank = PyBytes_FromStringAndSize(<char*> data, size) if self.refuses_blank else None
            self.consume_to(end + 1)
            self.lines += 1
            return NOTHING if blank is None else self.report_blank_line(blank)
        if self.selection is not None and not self.is_wanted(data, size):
            self.consume_to(end + 1)
            self.lines += 1
            self.skip_to_hit()
            return NOTHING
        if size > MAX_REUSED:
            return self.decode_large(data, size, end)
        payload = self.payload(data, size)
        self.consume_to(end + 1)
        self.lines += 1
        return self.decode(payload)

    cdef inline int skip_to_hit(self) except -1:
        """Pass over the lines before that of the next hit at once: all there is to do about them is to count them."""
        cdef Py_ssize_t stop
        if self.sentinel is not None or self.refuses_blank or self.selection.chunk_offset != self.chunk_offset:
            return 0
        stop = self.selection.nearest_hit
        # In so few bytes no line is too long.
        if stop - self.start > self.limit:
            return 0
        while stop > self.start and self.base[stop - 1] != b"\n":
            stop -= 1
        if stop > self.start:
            self.lines += <long long> ndstream_count(self.base + self.start, <size_t> (stop - self.start), b"\n")
            self.touched += stop - self.start
            self.consume_to(stop)
            self.scan = stop
        return 0

    cdef Result decode_large(self, const unsigned char* data, Py_ssize_t size, Py_ssize_t end) except NULL:
        """The value of a line too long to be reused; one that was buffered is not copied again."""
        cdef bytes payload
        if self.buffered.length:
            payload = self.buffered.detach(size)
        else:
            payload = PyBytes_FromStringAndSize(<char*> data, size)
        self.start = end + 1
        self.lines += 1
        return self.decode(<PyObject*> payload)

    cdef inline bint is_wanted(self, const unsigned char* data, Py_ssize_t size) except -1:
        """Whether the line is to be decoded; the sentinel is, needle or not."""
        return self.is_selected(data, size) or self.equals_sentinel(data, size)

    cdef inline bint is_selected(self, const unsigned char* data, Py_ssize_t size) except -1:
        if not self.selection.is_sampled(self.frame_offset):
            return False
        if self.buffered.length or self.chunk is None:
            return self.selection.matches(data, size, &self.touched)
        return self.selection.matches_in_chunk(
            self.chunk_offset, self.base, self.start, self.start + size, self.size, &self.touched)

    cdef Result report_blank_line(self, bytes line) except NULL:
        return self.report(_diagnosis.blank_line, (line, self.frame_offset, self.frame_line))

    cdef Result decode_tail(self) except NULL:
        """What follows the last LF is a value if it decodes, else the trace of a cut."""
        cdef Result value
        cdef Py_ssize_t size = size_without_cr(self.buffered.data(), self.buffered.length)
        self.frame_line = self.lines + 1
        if is_blank(self.buffered.data(), size):
            payload = self.buffered.copy(0, size)
            self.consume_tail()
            return self.report_blank_line(payload) if self.refuses_blank else NOTHING
        if self.selection is not None and not self.is_wanted(self.buffered.data(), size):
            self.consume_tail()
            return NOTHING
        payload = self.buffered.copy(0, size)
        value = self.decode(<PyObject*> payload)
        # What is no value stays pending: it may continue if the stream is resumed.
        if value != NOTHING:
            self.unterminated = True
        if value != NOTHING or self.done:
            self.consume_tail()
        return value

    cdef int consume_tail(self) except -1:
        self.lines += 1
        return Decoder.consume_tail(self)
