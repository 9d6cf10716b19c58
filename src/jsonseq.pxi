# JSON text sequences (RFC 7464): each element is RS, a JSON text, LF. RS always ends what came
# before, so a broken element never costs its neighbours; the LF after a whole text ends it too, so
# that an element need not wait for the next one.

cdef unsigned char RS = 0x1E

cdef enum Region:
    # Between elements, where only white space is allowed.
    OUTSIDE
    IN_ELEMENT
    # In bytes that no RS introduced.
    IN_STRAY


@cython.final
cdef class JSONSeqDecoder(Decoder):
    """JSONSeqDecoder(*, loads=..., max_frame_size=16777216, on_error='raise', done=None, \
require_done=False)
--

Decodes JSON text sequences (RFC 7464). Feed it chunks, and iterate over it.
"""

    cdef Region region
    cdef Element element

    def __init__(
        self, *, loads=orjson_loads, max_frame_size=DEFAULT_MAX_FRAME_SIZE, on_error="raise", done=None,
        bint require_done=False,
    ):
        with cython.critical_section(self):
            self.configure(loads, max_frame_size, on_error, done, require_done)
            self.start_stream()

    cdef int restart(self) except -1:
        Decoder.restart(self)
        self.region = OUTSIDE
        return 0

    def feed(self, data, /):
        self.feed_chunk(data)
        return self

    cdef str framing(self):
        return "jsonseq"

    cdef object line_or_none(self):
        return None

    cdef Result next_frame(self) except NULL:
        cdef Result value
        cdef Py_ssize_t begin
        while True:
            if self.scan < self.size:
                begin = self.scan
                if self.discarding:
                    self.scan = find_byte(self.base, begin, self.size, RS)
                    if self.region == OUTSIDE:
                        # After stray bytes nothing has to be kept: what is skipped is no frame.
                        self.start = self.scan
                    if self.scan < self.size:
                        self.discarding = False
                        self.dropped = 0
                        self.begin_element(self.scan)
                    value = NOTHING
                elif self.region == IN_ELEMENT:
                    self.scan = element_end(self.base, begin, self.size, &self.element)
                    value = self.decode_element(self.scan) if self.scan < self.size else NOTHING
                elif self.region == IN_STRAY:
                    value = self.report_stray()
                else:
                    self.skip_between_elements()
                    value = NOTHING
                self.touched += self.scan - begin
                if value != NOTHING:
                    return value
                if self.no_more_frames:
                    return NOTHING
                if self.scan < self.size:
                    continue
            if self.region == IN_ELEMENT and not self.discarding and (
                    self.text_size(self.size) - self.ends_in_cr(self.size) > self.limit):
                self.too_large(self.limit + 1, lead=1)
            if not self.advance_chunk():
                return self.next_at_end() if self.finished else NOTHING

    cdef inline Py_ssize_t text_size(self, Py_ssize_t end) noexcept:
        """The size of the text after RS, were it to end at ``end`` in the chunk."""
        return self.frame_bytes_to(end) - 1

    cdef inline bint ends_in_cr(self, Py_ssize_t end) noexcept:
        return (
            self.base[end - 1] == b"\r" if end > self.start
            else self.buffered.length > 0 and self.buffered.data()[self.buffered.length - 1] == b"\r")

    cdef int begin_element(self, Py_ssize_t index) except -1:
        """An element begins at the RS at ``index``."""
        self.consume_to(index)
        self.scan = index + 1
        self.region = IN_ELEMENT
        self.element = Element(0, False, False, False)
        return 0

    cdef bytes text(self, Py_ssize_t end, Py_ssize_t size):
        """The first ``size`` bytes of the element's text, which ends at ``end``."""
        if not self.buffered.length:
            return PyBytes_FromStringAndSize(<const char*> self.base + self.start + 1, size)
        self.buffered.append(self.base + self.start, end - self.start)
        self.touched += end - self.start
        self.start = end
        return self.buffered.copy(1, 1 + size)

    cdef Result decode_element(self, Py_ssize_t end) except NULL:
        """The value of the element that the RS or LF at ``end`` ends."""
        cdef bint by_line_end = self.base[end] == b"\n"
        cdef Py_ssize_t size = self.text_size(end)
        cdef bint content = self.element.content
        cdef bytes payload
        if by_line_end:
            size -= self.ends_in_cr(end)
        if size > self.limit:
            return self.too_large(self.limit + 1, lead=1)
        self.frame_offset = self.frame_start_offset()
        payload = self.text(end, size)
        if by_line_end:
            self.consume_to(end + 1)
            self.scan = end + 1
            self.region = OUTSIDE
            return self.decode(<PyObject*> payload)
        self.begin_element(end)
        if not payload:
            return NOTHING
        return self.decode_unterminated(payload, content)

    cdef Result decode_unterminated(self, bytes payload, bint content) except NULL:
        """The value of an element that RS or the end of the stream ended."""
        if not content:
            return self.report(_diagnosis.empty_element, (payload, self.frame_offset))
        if self.end_if_sentinel(<const unsigned char*> PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)):
            return NOTHING
        if may_be_cut(<const unsigned char*> PyBytes_AS_STRING(payload), len(payload)):
            self.no_more_frames = self.at_end
            return self.report(_diagnosis.cut_scalar, (payload, self.frame_offset))
        return self.decode(<PyObject*> payload)

    cdef int skip_between_elements(self) except -1:
        """Pass over white space; RS begins an element, anything else is a stray."""
        while self.scan < self.size and is_space(self.base[self.scan]):
            self.scan += 1
        self.consume_to(self.scan)
        if self.scan < self.size:
            if self.base[self.scan] == RS:
                self.begin_element(self.scan)
            else:
                self.region = IN_STRAY
        return 0

    cdef Result report_stray(self) except NULL:
        """Report stray bytes once their line ends or they fill a preview, and go to the next RS."""
        cdef Py_ssize_t stop = min(self.size, self.scan + PREVIEW_SIZE - self.frame_bytes_to(self.scan))
        while self.scan < stop and self.base[self.scan] != RS and self.base[self.scan] != b"\n":
            self.scan += 1
        if self.scan == self.size and self.frame_bytes_to(self.scan) < PREVIEW_SIZE:
            return NOTHING
        self.frame_offset = self.frame_start_offset()
        preview = self.first_bytes(self.frame_bytes_to(self.scan))
        self.consume_to(self.scan)
        self.region = OUTSIDE
        self.discarding = True
        return self.report(_diagnosis.stray, (preview, self.frame_offset))

    cdef Result decode_tail(self) except NULL:
        """What follows the last RS when the stream ends."""
        cdef Result value
        cdef bytes payload
        if self.region == IN_STRAY:
            return self.report(_diagnosis.stray, (self.buffered.detach(self.buffered.length), self.frame_offset))
        if self.buffered.length - 1 > self.limit:
            return self.too_large(self.limit + 1, lead=1)
        payload = self.buffered.copy(1, self.buffered.length)
        if not self.element.content:
            self.consume_tail()
        if not payload:
            return NOTHING
        value = self.decode_unterminated(payload, self.element.content)
        if value != NOTHING:
            self.consume_tail()
        return value
