# JSON text sequences (RFC 7464): each element is RS, a JSON text, LF. RS always ends what came
# before, so a broken element never costs its neighbours; the LF behind a whole text ends it too, so
# that an element need not wait for the next one.

cdef unsigned char RS = 0x1E

cdef enum Place:
    # Between elements, where only white space may stand.
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

    cdef Place place
    cdef Element element

    def __init__(
        self, *, loads=orjson_loads, max_frame_size=16 * 1024 * 1024, on_error="raise", done=None, require_done=False,
    ):
        with cython.critical_section(self):
            self.configure(loads, max_frame_size, on_error, done, require_done)
            self.begin_stream()

    cdef int restart(self) except -1:
        Decoder.restart(self)
        self.opening = False
        self.place = OUTSIDE
        return 0

    def feed(self, data, /):
        self.take_in(data)
        return self

    cdef str framing(self):
        return "jsonseq"

    cdef object line_or_none(self):
        return None

    cdef Outcome next_frame(self) except NULL:
        cdef Outcome value
        cdef Py_ssize_t begin
        while True:
            if self.scan < self.size:
                begin = self.scan
                if self.discarding:
                    self.scan = find_byte(self.base, begin, self.size, RS)
                    if self.place == OUTSIDE:
                        # Behind a stray nothing is held up: what is passed over is no frame.
                        self.start = self.scan
                    if self.scan < self.size:
                        self.discarding = False
                        self.dropped = 0
                        self.begin_element(self.scan)
                    value = NOTHING
                elif self.place == IN_ELEMENT:
                    self.scan = element_end(self.base, begin, self.size, &self.element)
                    value = self.element_ended(self.scan) if self.scan < self.size else NOTHING
                elif self.place == IN_STRAY:
                    value = self.stray()
                else:
                    self.outside()
                    value = NOTHING
                self.touched += self.scan - begin
                if value != NOTHING:
                    return value
                if self.over:
                    return NOTHING
                if self.scan < self.size:
                    continue
            if self.place == IN_ELEMENT and not self.discarding and (
                    self.text_size(self.size) - self.ends_in_cr(self.size) > self.limit):
                self.too_large(self.limit + 1, lead=1)
            if not self.more():
                return self.last_frame() if self.finished else NOTHING

    cdef inline Py_ssize_t text_size(self, Py_ssize_t end) noexcept:
        """The size of the text behind RS, were it to end at ``end`` in the chunk."""
        return self.reach(end) - 1

    cdef inline bint ends_in_cr(self, Py_ssize_t end) noexcept:
        return (
            self.base[end - 1] == b"\r" if end > self.start
            else self.held.length > 0 and self.held.data()[self.held.length - 1] == b"\r")

    cdef int begin_element(self, Py_ssize_t index) except -1:
        """An element begins at the RS at ``index``."""
        self.pass_over(index)
        self.scan = index + 1
        self.place = IN_ELEMENT
        self.element = Element(0, False, False, False)
        return 0

    cdef bytes text(self, Py_ssize_t end, Py_ssize_t size):
        """The first ``size`` bytes of the element's text, which ends at ``end``."""
        if not self.held.length:
            return PyBytes_FromStringAndSize(<const char*> self.base + self.start + 1, size)
        self.held.append(self.base + self.start, end - self.start)
        self.touched += end - self.start
        self.start = end
        return self.held.copy(1, 1 + size)

    cdef Outcome element_ended(self, Py_ssize_t end) except NULL:
        """The value of the element that the RS or LF at ``end`` ends."""
        cdef bint by_line_end = self.base[end] == b"\n"
        cdef Py_ssize_t size = self.text_size(end)
        cdef bint content = self.element.content
        cdef bytes payload
        if by_line_end:
            size -= self.ends_in_cr(end)
        if size > self.limit:
            return self.too_large(self.limit + 1, lead=1)
        self.frame_offset = self.passed()
        payload = self.text(end, size)
        if by_line_end:
            self.pass_over(end + 1)
            self.scan = end + 1
            self.place = OUTSIDE
            return self.decode(<PyObject*> payload)
        self.begin_element(end)
        if not payload:
            return NOTHING
        return self.judge(payload, content)

    cdef Outcome judge(self, bytes payload, bint content) except NULL:
        """The value of an element that RS or the end of the stream ended."""
        if not content:
            return self.report(_diagnosis.empty_element(payload, self.frame_offset))
        if self.sees_sentinel(<const unsigned char*> PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)):
            return NOTHING
        if may_be_cut(<const unsigned char*> PyBytes_AS_STRING(payload), len(payload)):
            self.over = self.frame_cut
            return self.report(_diagnosis.cut_scalar(payload, self.frame_offset))
        return self.decode(<PyObject*> payload)

    cdef int outside(self) except -1:
        """Pass over white space; RS begins an element, anything else is a stray."""
        while self.scan < self.size and is_space(self.base[self.scan]):
            self.scan += 1
        self.pass_over(self.scan)
        if self.scan < self.size:
            if self.base[self.scan] == RS:
                self.begin_element(self.scan)
            else:
                self.place = IN_STRAY
        return 0

    cdef Outcome stray(self) except NULL:
        """Report stray bytes once their line ends or they fill a preview, and go to the next RS."""
        cdef Py_ssize_t most = min(self.size, self.scan + PREVIEW_SIZE - self.reach(self.scan))
        while self.scan < most and self.base[self.scan] != RS and self.base[self.scan] != b"\n":
            self.scan += 1
        if self.scan == self.size and self.reach(self.scan) < PREVIEW_SIZE:
            return NOTHING
        self.frame_offset = self.passed()
        try:
            error = _diagnosis.stray(self.first_bytes(self.reach(self.scan)), self.frame_offset)
        except MemoryError:
            raise
        except BaseException:
            self.state = IDLE
            raise
        self.pass_over(self.scan)
        self.place = OUTSIDE
        self.discarding = True
        return self.report(error)

    cdef Outcome tail(self) except NULL:
        """What stands behind the last RS when the stream ends."""
        cdef Outcome value
        cdef bytes payload
        if self.place == IN_STRAY:
            return self.report(_diagnosis.stray(self.held.take(self.held.length), self.frame_offset))
        if self.held.length - 1 > self.limit:
            return self.too_large(self.limit + 1, lead=1)
        payload = self.held.copy(1, self.held.length)
        if not self.element.content:
            self.pass_tail()
        if not payload:
            return NOTHING
        value = self.judge(payload, self.element.content)
        if value != NOTHING:
            self.pass_tail()
        return value
