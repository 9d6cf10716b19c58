# A block of server-sent events: the lines between two blank lines, and the fields in them (WHATWG
# HTML, section 9.2.6).
#
# A block's bytes stay together, in the chunk or in `buffered`, until its blank line. What was found in
# it is kept as positions from its beginning, so that an event of one data line costs one slice, and a
# block that the end of the stream cuts is still there to show.

# Field names, comments and line ends of a block may take this much beside its data.
cdef Py_ssize_t BLOCK_OVERHEAD = 64 * 1024
# The longest delay that timers of browsers take, about 24.8 days.
cdef long long MAX_RETRY = 2 ** 31 - 1


@cython.internal
cdef class SSEBlock(Decoder):
    # Positions count from the block's beginning.
    cdef Py_ssize_t line_start
    cdef Py_ssize_t data_begin
    cdef Py_ssize_t data_end
    cdef Py_ssize_t data_lines
    # The comment lines before the first other line, if `raw` asks for them; at most BLOCK_OVERHEAD bytes.
    cdef bint raw
    cdef ByteStore leading
    cdef long long leading_lines
    # The data, if it has more than one line.
    cdef ByteStore joined
    cdef str event
    cdef object block_retry
    cdef str id_buffer
    cdef bint has_id
    cdef bint has_stray
    cdef long long block_line
    cdef long long lines_consumed

    # The type of the last event that had one: most streams have few.
    cdef bytes last_event_type
    cdef str last_event_type_text

    cdef object on_comment
    cdef str first_id
    cdef readonly str last_event_id
    cdef readonly object retry
    cdef readonly bytes stray

    def __cinit__(self, *args, **kwargs):
        self.leading = ByteStore()
        self.joined = ByteStore()
        self.last_event_type = b""
        self.last_event_type_text = DEFAULT_EVENT

    cdef int restart(self) except -1:
        Decoder.restart(self)
        self.last_event_id = self.id_buffer = self.first_id
        self.retry = None
        self.stray = None
        self.lines_consumed = 0
        self.new_block()
        return 0

    cdef object unfinished_line(self):
        return self.block_line if self.line_start else self.lines + 1

    @cython.final
    cdef inline int process_field(self, const unsigned char* line, Py_ssize_t size) except -1:
        """Process one line that is neither blank nor a comment."""
        cdef Py_ssize_t begin
        if is_field(line, size, b"data", 4):
            begin = value_start(line, size, 4)
            self.data_lines += 1
            if self.data_lines == 1:
                self.data_begin = self.line_start + begin
                self.data_end = self.line_start + size
                return 0
            if self.data_lines == 2:
                # The first data line lies before this one in the same block.
                self.joined.append(line - self.line_start + self.data_begin, self.data_end - self.data_begin)
            self.joined.append(b"\n", 1)
            self.joined.append(line + begin, size - begin)
        elif is_field(line, size, b"event", 5):
            begin = value_start(line, size, 5)
            self.event = self.event_type(line + begin, size - begin)
        elif is_field(line, size, b"id", 2):
            begin = value_start(line, size, 2)
            if find_byte(line, begin, size, 0) == size:
                self.has_id = True
                self.id_buffer = decode_text(line + begin, size - begin)
        elif is_field(line, size, b"retry", 5):
            begin = value_start(line, size, 5)
            retry = parse_digits(line + begin, size - begin, MAX_RETRY)
            if retry >= 0:
                self.retry = self.block_retry = retry
        else:
            self.has_stray = True
        return 0

    cdef str event_type(self, const unsigned char* data, Py_ssize_t size):
        if size == 0:
            return DEFAULT_EVENT
        if size != PyBytes_GET_SIZE(self.last_event_type) or memcmp(
                data, PyBytes_AS_STRING(self.last_event_type), <size_t> size) != 0:
            self.last_event_type = PyBytes_FromStringAndSize(<const char*> data, size)
            self.last_event_type_text = decode_text(data, size)
        return self.last_event_type_text

    @cython.final
    cdef Result process_comment(self, const unsigned char* line, Py_ssize_t size, Py_ssize_t end) except NULL:
        """Process a comment line, which with its line end reaches to ``end`` in the chunk; always NOTHING."""
        cdef str comment = None
        self.comment_count += 1
        if self.on_comment is not None:
            comment = self.comment_text(line, size)
        if self.line_start == 0:
            if self.raw:
                self.keep_leading(line, size + 1)
            self.consume_to(end)
            self.lines_consumed = self.lines
        else:
            self.line_start += size + 1
        if comment is not None:
            self.call_handler(self.on_comment, comment, "on_comment")
        return NOTHING

    @cython.final
    cdef str comment_text(self, const unsigned char* line, Py_ssize_t size):
        cdef Py_ssize_t begin = value_start(line, size, 0)
        return decode_text(line + begin, size - begin)

    @cython.final
    cdef int keep_leading(self, const unsigned char* line, Py_ssize_t size) except -1:
        """Keep a comment line before the block; without room for it, none of them."""
        if self.leading.length == 0:
            self.leading_lines = 0
        if self.leading.length + size > BLOCK_OVERHEAD:
            self.leading.clear()
            return 0
        self.leading.append(line, size)
        self.leading_lines += 1
        return 0

    @cython.final
    cdef inline Py_ssize_t data_size(self) noexcept:
        return self.joined.length if self.data_lines > 1 else self.data_end - self.data_begin if self.data_lines else 0

    @cython.final
    cdef inline void commit_id(self) noexcept:
        if self.last_event_id is not self.id_buffer:
            self.last_event_id = self.id_buffer

    @cython.final
    cdef inline void consume_block(self, Py_ssize_t end) noexcept:
        """Consume the block, and the blank line after it up to ``end`` in the chunk."""
        self.consume_to(end)
        self.lines_consumed = self.lines
        self.new_block()

    @cython.final
    cdef inline void new_block(self) noexcept:
        # Most blocks set one field, and setting what is set already costs more than a look.
        self.line_start = 0
        self.data_lines = 0
        self.has_id = self.has_stray = False
        if self.event is not DEFAULT_EVENT:
            self.event = DEFAULT_EVENT
        if self.block_retry is not None:
            self.block_retry = None
        if self.joined.length:
            self.joined.clear()
        if self.leading.length:
            self.leading.clear()

    @cython.final
    cdef Result block_too_large(self, Py_ssize_t seen) except NULL:
        if self.line_start == 0:
            self.block_line = self.lines + 1
        self.frame_line = self.block_line
        self.joined.clear()
        self.has_stray = False
        return self.too_large(seen)

    cdef int consume_tail(self) except -1:
        self.lines_consumed = self.lines
        return Decoder.consume_tail(self)
