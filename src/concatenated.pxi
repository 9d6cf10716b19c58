# Concatenated JSON: values one after another, with or without white space, over any number of lines;
# or, with `items`, the elements of top-level arrays. Brackets and strings alone tell where a value
# ends, and kinds of brackets are not told apart. `loads` gets the bytes as they came.
#
# Bytes that cannot begin a value are stray text: one bad frame, which ends where the next value may
# begin. Outside arrays that is a line end, a bracket or a quote, white space before a number, or,
# while the stray text is punctuation alone, any value. In an array it is the next comma, or the bracket
# that closes the array. The file is long since one table of states is: its two parts would share all of them.

cdef enum Place:
    BETWEEN_VALUES
    # In a value that a bracket or a quote began.
    IN_VALUE
    # In a number, or in a name such as true.
    IN_SCALAR
    IN_STRAY_TEXT

cdef enum ArrayState:
    # Outside arrays, or without `items`.
    NO_ARRAY
    # After the opening bracket, where the first element or the closing bracket comes.
    ARRAY_BEGUN
    # After a comma.
    ELEMENT_DUE
    # After an element, where a comma or the closing bracket comes.
    COMMA_DUE


@cython.final
cdef class ConcatenatedJSONDecoder(Decoder):
    """ConcatenatedJSONDecoder(*, loads=..., max_frame_size=16777216, on_error='raise', items=False, \
contains=None, done=None, require_done=False)
--

Decodes JSON values that follow one another, or the elements of arrays. Feed it chunks, and iterate over it.
"""

    cdef bint items
    cdef Selection selection
    cdef Place place
    cdef ArrayState array
    cdef Nesting nesting
    cdef StrayText stray
    cdef readonly bint array_closed
    cdef readonly bint unterminated

    def __init__(
        self, *, loads=orjson_loads, max_frame_size=DEFAULT_MAX_FRAME_SIZE, on_error="raise", bint items=False,
        contains=None, done=None, bint require_done=False,
    ):
        selection = selection_or_none(contains, None, 0)
        if items and done is not None and bytes_option(done, "done", b"end").lstrip().startswith(b"["):
            raise ValueError(
                f"done={done!r} would be taken for an array, whose elements items=True asks for: leave out one of them")
        with cython.critical_section(self):
            self.configure(loads, max_frame_size, on_error, done, require_done)
            self.items = items
            self.selection = selection
            self.start_stream()

    cdef int restart(self) except -1:
        Decoder.restart(self)
        self.place = BETWEEN_VALUES
        self.array = NO_ARRAY
        self.array_closed = self.unterminated = False
        return 0

    def feed(self, data, /):
        self.feed_chunk(data)
        return self

    cdef str framing(self):
        return "json"

    cdef object line_or_none(self):
        return None

    cdef Result next_frame(self) except NULL:
        cdef Result value
        cdef Py_ssize_t begin
        if self.bom_possible:
            if not self.skip_bom():
                return NOTHING
            if self.buffered.length:
                # The first bytes of a BOM begin no value.
                self.begin_stray(TEXT)
        while True:
            while self.scan < self.size or (self.place == IN_VALUE and is_closed(&self.nesting)):
                begin = self.scan
                if self.place == IN_VALUE:
                    if not is_closed(&self.nesting):
                        self.scan = value_end(self.base, begin, self.size, &self.nesting)
                    value = self.process_value() if is_closed(&self.nesting) else NOTHING
                elif self.place == BETWEEN_VALUES:
                    value = self.begin_next()
                elif self.place == IN_SCALAR:
                    value = self.process_scalar()
                else:
                    value = self.process_stray()
                self.touched += self.scan - begin
                if value != NOTHING:
                    return value
                if self.no_more_frames:
                    return NOTHING
            if self.place != BETWEEN_VALUES and not self.discarding and self.frame_bytes_to(self.size) > self.limit:
                self.too_large(self.limit + 1)
            if not self.advance_chunk():
                return self.next_at_end() if self.finished else NOTHING

    # Between values.

    cdef inline Result begin_next(self) except NULL:
        """Skip white space, and begin what comes next."""
        cdef Py_ssize_t index = self.scan
        cdef int kind = LINE_END
        while index < self.size:
            kind = byte_kind(self.base[index])
            if kind > LINE_END:
                break
            index += 1
        self.start = self.scan = index
        if index == self.size:
            return NOTHING
        if self.array != NO_ARRAY:
            if kind == CLOSE:
                return self.close_array()
            if self.base[index] == b",":
                return self.process_comma()
            if self.array == COMMA_DUE:
                self.begin_stray(SEPARATOR)
                return NOTHING
        elif self.items and self.base[index] == b"[":
            self.consume_to(index + 1)
            self.scan = index + 1
            self.array = ARRAY_BEGUN
            self.array_closed = False
            return NOTHING
        if kind == OPEN or kind == QUOTE:
            self.nesting = Nesting(kind == OPEN, kind == QUOTE, False)
            self.place = IN_VALUE
            self.scan += 1
        elif kind == NUMBER or kind == NAME:
            self.place = IN_SCALAR
            self.scan += 1
        else:
            self.begin_stray(kind)
        return NOTHING

    cdef Result close_array(self) except NULL:
        """A closing bracket, where an element or a comma may come."""
        cdef bint is_square = self.base[self.scan] == b"]"
        cdef bint is_due = self.array == ELEMENT_DUE
        self.array_closed = is_square
        self.consume_separator(NO_ARRAY)
        if not is_square:
            return self.report_stray(b"}", "closes an array, which ']' has to close")
        return self.report_stray(b"]", "follows a comma, where an element is due") if is_due else NOTHING

    cdef Result process_comma(self) except NULL:
        cdef bint is_due = self.array != COMMA_DUE
        self.consume_separator(ELEMENT_DUE)
        return self.report_stray(b",", "comes where an element is due") if is_due else NOTHING

    cdef void consume_separator(self, ArrayState array) noexcept:
        self.frame_offset = self.frame_start_offset()
        self.scan += 1
        self.consume_to(self.scan)
        self.array = array

    # Values.

    cdef inline Result process_value(self) except NULL:
        """The value that closed just before `scan`."""
        cdef Py_ssize_t end = self.scan
        if self.discarding:
            return self.end_discarding()
        if self.frame_bytes_to(end) > self.limit:
            return self.too_large(self.limit + 1)
        return self.decode_frame(self.frame_data(end), self.frame_bytes_to(end))

    cdef inline Result process_scalar(self) except NULL:
        """The value of the number or name that goes on at `scan`, if it ends in the chunk."""
        cdef const unsigned char* data
        cdef Py_ssize_t end = self.scan, size
        while end < self.size and byte_kind(self.base[end]) >= TEXT:
            end += 1
        self.scan = end
        if end == self.size:
            return NOTHING
        if self.discarding:
            return self.end_discarding()
        size = self.frame_bytes_to(end)
        if size > self.limit:
            return self.too_large(self.limit + 1)
        data = self.frame_data(end)
        if not is_scalar(data, size, False):
            self.begin_stray(TEXT)
            return NOTHING
        return self.decode_frame(data, size)

    cdef inline const unsigned char* frame_data(self, Py_ssize_t end) except NULL:
        """The bytes of the frame that ends at ``end`` in the chunk."""
        if not self.buffered.length:
            return self.base + self.start
        self.buffered.append(self.base + self.start, end - self.start)
        self.touched += end - self.start
        self.start = end
        return self.buffered.data()

    cdef inline Result decode_frame(self, const unsigned char* data, Py_ssize_t size) except NULL:
        """The value of the frame that ends at `scan`."""
        cdef PyObject* payload
        cdef bytes large
        self.frame_offset = self.frame_start_offset()
        if self.selection is not None and not self.is_wanted(data, size):
            self.end_frame()
            return NOTHING
        if size > MAX_REUSED:
            large = self.buffered.detach(size) if self.buffered.length else PyBytes_FromStringAndSize(
                <const char*> data, size)
            self.end_frame()
            return self.decode(<PyObject*> large)
        payload = self.payload(data, size)
        self.end_frame()
        return self.decode(payload)

    cdef inline void end_frame(self) noexcept:
        """The frame ends at `scan`."""
        self.consume_to(self.scan)
        self.place = BETWEEN_VALUES
        if self.array != NO_ARRAY:
            self.array = COMMA_DUE

    cdef Result end_discarding(self) except NULL:
        self.discarding = False
        self.dropped = 0
        self.end_frame()
        return NOTHING

    cdef bint is_wanted(self, const unsigned char* data, Py_ssize_t size) except -1:
        """Whether the frame is to be decoded; the sentinel is, needle or not."""
        return self.selection.matches(data, size, &self.touched) or self.equals_sentinel(data, size)

    # Stray text.

    cdef void begin_stray(self, int kind) noexcept:
        """The frame up to `scan`, if there is any of it yet, begins no value; ``kind`` is that of its last byte."""
        self.place = IN_STRAY_TEXT
        self.stray = StrayText(kind >= TEXT, kind, Nesting(0, False, False))

    cdef Result process_stray(self) except NULL:
        """Report stray text, if it ends in the chunk."""
        cdef bytes text
        if self.array == NO_ARRAY:
            self.scan = stray_text_end(self.base, self.scan, self.size, &self.stray)
        else:
            self.scan = stray_element_end(self.base, self.scan, self.size, &self.stray)
        if self.scan == self.size:
            return NOTHING
        if self.discarding:
            return self.end_discarding()
        if self.frame_bytes_to(self.scan) > self.limit:
            return self.too_large(self.limit + 1)
        self.frame_offset = self.frame_start_offset()
        text = self.first_bytes(self.frame_bytes_to(self.scan)).rstrip(b" \t\r\n")
        in_array = self.array != NO_ARRAY
        self.end_frame()
        return self.finish_stray(text, in_array)

    cdef Result finish_stray(self, bytes text, bint in_array) except NULL:
        if self.end_if_sentinel(<const unsigned char*> PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text)):
            return NOTHING
        return self.report_stray(text, "is no element of an array" if in_array else "begins no JSON value")

    cdef Result report_stray(self, bytes text, str problem) except NULL:
        return self.report(_diagnosis.stray_text, (text, self.frame_offset, problem))

    # The end of the stream.

    cdef Result decode_tail(self) except NULL:
        """What is left when the stream ends: a number or name may be whole, anything else is not."""
        cdef Result value
        cdef const unsigned char* data = self.buffered.data()
        cdef Py_ssize_t size = self.buffered.length
        cdef bytes frame = self.buffered.copy(0, size)
        if self.array != NO_ARRAY or self.place == IN_VALUE:
            return self.report_cut(frame)
        if self.place == IN_SCALAR and is_scalar(data, size, False):
            if self.selection is not None and not self.is_wanted(data, size):
                self.consume_tail()
                return NOTHING
            value = self.decode(<PyObject*> frame)
            self.unterminated = value != NOTHING
            if value != NOTHING or self.done:
                self.consume_tail()
            return value
        frame = frame.rstrip(b" \t\r\n")
        if not self.equals_sentinel(<const unsigned char*> PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame)):
            if self.place == IN_SCALAR and is_scalar(data, size, True):
                return self.report_cut(frame)
            if frame[0] == 0:
                self.no_more_frames = True
                return self.report(_diagnosis.nul_tail, (frame, self.frame_offset))
        self.consume_tail()
        return self.finish_stray(frame, False)

    cdef Result report_cut(self, bytes frame) except NULL:
        # One report of a cut is enough: a missing sentinel would only say it again.
        self.no_more_frames = True
        return self.report(_diagnosis.unclosed, (frame, self.frame_offset, self.array != NO_ARRAY))

    cdef Result end_without_sentinel(self) except NULL:
        if self.array == NO_ARRAY or self.no_more_frames:
            return Decoder.end_without_sentinel(self)
        self.frame_offset = self.frame_start_offset()
        return self.report_cut(b"")
