# Server-sent events, by the letter of WHATWG HTML, section 9.2.6.
#
# A block is what stands between blank lines. Its bytes stay together, in the chunk or in `held`,
# until its blank line; what was found in it is kept as positions from its beginning. So an event of
# one data line costs one slice, and a block that the end of the stream cuts is still there to show. It is
# longer than most files here, since the standard's rules all work on this one block.

# Field names, comments and line ends of a block may take this much beside its data.
cdef Py_ssize_t BLOCK_OVERHEAD = 64 * 1024
# The longest delay that timers of browsers take, about 24.8 days.
cdef long long MAX_RETRY = 2 ** 31 - 1

cdef enum OnTruncated:
    TRUNCATED_RAISES, TRUNCATED_IS_DISCARDED, TRUNCATED_IS_EMITTED


@cython.final
cdef class SSEDecoder(Decoder):
    """SSEDecoder(*, loads=..., max_frame_size=16777216, on_error='raise', on_truncated='raise', \
values=False, raw=False, done=None, require_done=False, last_event_id='')
--

Decodes server-sent events (WHATWG HTML, section 9.2.6). Feed it chunks, and iterate over it.
"""

    cdef OnTruncated on_truncated
    cdef bint values
    cdef bint raw
    cdef str first_id

    # Where lines end. Each index is of the chunk, and behind `scan` or not known.
    cdef Py_ssize_t next_lf
    cdef Py_ssize_t next_cr
    cdef bint after_cr

    # The unfinished block; positions count from its beginning.
    cdef Py_ssize_t line_start
    cdef Py_ssize_t data_begin
    cdef Py_ssize_t data_end
    cdef Py_ssize_t data_lines
    cdef ByteStore joined
    cdef str event
    cdef object block_retry
    cdef str id_buffer
    cdef long long block_line
    cdef long long lines_consumed

    # The type of the last event that had one: most streams have few.
    cdef bytes last_event_type
    cdef str last_event_type_text

    # The last two events, to be used again: a loop lets go of one only once it has the next.
    cdef Event first_slot
    cdef Event second_slot
    cdef bint use_second_slot

    cdef readonly str last_event_id
    cdef readonly object retry
    cdef readonly bytes stray
    cdef bint has_stray

    def __cinit__(self, *args, **kwargs):
        self.joined = ByteStore()
        self.last_event_type = b""
        self.last_event_type_text = DEFAULT_EVENT

    def __dealloc__(self):
        self.release_events()

    def __init__(
        self, *, loads=orjson_loads, max_frame_size=16 * 1024 * 1024, on_error="raise", on_truncated="raise",
        values=False, raw=False, done=None, require_done=False, str last_event_id not None="",
    ):
        choice(on_truncated, "on_truncated", ("raise", "discard", "emit"))
        with cython.critical_section(self):
            self.configure(loads, max_frame_size, on_error, done, require_done)
            self.first_id = last_event_id
            self.values = bool(values)
            self.raw = bool(raw)
            self.events_borrow_chunk = not self.values
            self.on_truncated = (
                TRUNCATED_RAISES if on_truncated == "raise"
                else TRUNCATED_IS_DISCARDED if on_truncated == "discard" else TRUNCATED_IS_EMITTED)
            self.start_stream()

    cdef int restart(self) except -1:
        Decoder.restart(self)
        self.next_lf = self.next_cr = -1
        self.after_cr = False
        self.last_event_id = self.id_buffer = self.first_id
        self.retry = None
        self.stray = None
        self.lines_consumed = 0
        self.new_block()
        return 0

    cdef int set_chunk(self, bytes data) except -1:
        self.next_lf = self.next_cr = -1
        return Decoder.set_chunk(self, data)

    def feed(self, data, /):
        self.feed_chunk(data)
        return self

    @property
    def line(self):
        return self.lines_consumed

    @property
    def comments(self):
        return self.comment_count

    cdef object unfinished_line(self):
        return self.block_line if self.line_start else self.lines + 1

    cdef str framing(self):
        return "sse"

    cdef Result next_frame(self) except NULL:
        cdef Result value
        cdef Py_ssize_t end
        if self.bom_possible and not self.skip_bom():
            return NOTHING
        while True:
            if self.after_cr and self.scan < self.size:
                self.after_cr = False
                if self.base[self.scan] == b"\n":
                    self.touched += 1
                    self.scan += 1
                    if self.line_start:
                        self.line_start += 1
                    else:
                        self.start = self.scan
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

    cdef inline Py_ssize_t line_end(self) noexcept:
        """The index of the next CR or LF in the chunk, or the chunk's size.

        Each of the two is searched for only behind where it was found last, so that a chunk with
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
            # The line's end is found once more, to end what is let go.
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
            self.comment_count += 1
            if self.line_start == 0:
                self.consume_to(end + 1)
                self.lines_consumed = self.lines
            else:
                self.line_start = block_size + 1
            return NOTHING
        self.process_field(line, size)
        self.line_start = block_size + 1
        if block_size > self.limit and self.data_size() > self.limit:
            return self.block_too_large(block_size)
        return NOTHING

    cdef inline int process_field(self, const unsigned char* line, Py_ssize_t size) except -1:
        """Take in one line that is neither blank nor a comment."""
        cdef Py_ssize_t begin
        if is_field(line, size, b"data", 4):
            begin = value_start(line, size, 4)
            self.data_lines += 1
            if self.data_lines == 1:
                self.data_begin = self.line_start + begin
                self.data_end = self.line_start + size
                return 0
            if self.data_lines == 2:
                # The first line stands before this one in the same block.
                self.joined.append(line - self.line_start + self.data_begin, self.data_end - self.data_begin)
            self.joined.append(b"\n", 1)
            self.joined.append(line + begin, size - begin)
        elif is_field(line, size, b"event", 5):
            begin = value_start(line, size, 5)
            self.event = self.event_type(line + begin, size - begin)
        elif is_field(line, size, b"id", 2):
            begin = value_start(line, size, 2)
            if find_byte(line, begin, size, 0) == size:
                self.id_buffer = text(line + begin, size - begin)
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
            self.last_event_type_text = text(data, size)
        return self.last_event_type_text

    cdef inline Py_ssize_t data_size(self) noexcept:
        return self.joined.length if self.data_lines > 1 else self.data_end - self.data_begin if self.data_lines else 0

    cdef Result dispatch(self, Py_ssize_t end) except NULL:
        """Dispatch: the blank line behind the block ends before ``end`` in the chunk."""
        cdef const unsigned char* block
        cdef Result value
        self.commit_id()
        block = self.buffered.data() if self.buffered.length else self.base + self.start
        if self.has_stray:
            self.stray = PyBytes_FromStringAndSize(<const char*> block, min(self.frame_bytes_to(end), BLOCK_OVERHEAD))
        if not self.data_lines:
            self.consume_block(end)
            return NOTHING
        self.frame_offset = self.frame_start_offset()
        self.frame_line = self.block_line
        if self.data_lines > 1 or self.raw or self.data_end - self.data_begin > MAX_REUSED:
            return self.decode_large(block, end)
        if self.values:
            return self.decode_small(block + self.data_begin, self.data_end - self.data_begin, end)
        if not HAS_LOCK or self.buffered.length or self.may_be_sentinel(block[self.data_begin]):
            return self.decode_large(block, end)
        value = self.borrowing_event(block + self.data_begin, self.data_end - self.data_begin)
        self.consume_block(end)
        return value

    cdef inline Result decode_small(self, const unsigned char* data, Py_ssize_t size, Py_ssize_t end) except NULL:
        cdef PyObject* payload = self.payload(data, size)
        self.consume_block(end)
        return self.decode(payload) if size else NOTHING

    cdef inline Result borrowing_event(self, const unsigned char* data, Py_ssize_t size) except NULL:
        """The event of a payload in the chunk: one that nobody holds any more, where there is one."""
        cdef PyObject* event
        self.use_second_slot = not self.use_second_slot
        event = <PyObject*> self.second_slot if self.use_second_slot else <PyObject*> self.first_slot
        if not is_unshared(event):
            self.replace_slot()
            event = <PyObject*> self.second_slot if self.use_second_slot else <PyObject*> self.first_slot
        (<Event> event).borrow(
            self.chunk, data, size, self.event, self.last_event_id, self.block_retry, self.frame_offset,
            self.frame_line, self.loads)
        self.frames += 1
        return Py_NewRef(event)

    cdef int replace_slot(self) except -1:
        """Put a new event in the place of one that somebody holds."""
        if self.use_second_slot:
            release_chunk(<PyObject*> self.second_slot)
            self.second_slot = <Event> Event.__new__(Event)
        else:
            release_chunk(<PyObject*> self.first_slot)
            self.first_slot = <Event> Event.__new__(Event)
        return 0

    cdef Result decode_large(self, const unsigned char* block, Py_ssize_t end) except NULL:
        """The value or event of a block whose payload becomes an object of its own."""
        cdef bytes payload
        if self.data_lines == 1:
            payload = PyBytes_FromStringAndSize(
                <const char*> block + self.data_begin, self.data_end - self.data_begin)
        else:
            payload = self.joined.detach(self.joined.length)
        if self.values:
            self.consume_block(end)
            return self.decode(<PyObject*> payload) if PyBytes_GET_SIZE(payload) else NOTHING
        event = self.make_event(
            payload, PyBytes_FromStringAndSize(<const char*> block, self.frame_bytes_to(end)) if self.raw else None)
        self.consume_block(end)
        return self.emit(event)

    cdef Event make_event(self, bytes payload, bytes raw):
        return new_event(
            payload, self.event, self.last_event_id, self.block_retry, raw, self.frame_offset, self.frame_line,
            self.loads)

    cdef Result emit(self, Event event) except NULL:
        if self.end_if_sentinel(event.begin, event.size):
            return NOTHING
        self.frames += 1
        return Py_NewRef(<PyObject*> event)

    cdef void release_events(self) noexcept:
        """Free the chunk of the events that refer to it."""
        release_chunk(<PyObject*> self.first_slot)
        release_chunk(<PyObject*> self.second_slot)

    cdef int drop_all(self) except -1:
        self.release_events()
        return Decoder.drop_all(self)

    cdef inline void commit_id(self) noexcept:
        if self.last_event_id is not self.id_buffer:
            self.last_event_id = self.id_buffer

    cdef inline void consume_block(self, Py_ssize_t end) noexcept:
        self.consume_to(end)
        self.lines_consumed = self.lines
        self.new_block()

    cdef inline void new_block(self) noexcept:
        # Most blocks set one field, and setting what is set already costs more than a look.
        self.line_start = 0
        self.data_lines = 0
        self.has_stray = False
        if self.event is not DEFAULT_EVENT:
            self.event = DEFAULT_EVENT
        if self.block_retry is not None:
            self.block_retry = None
        if self.joined.length:
            self.joined.clear()

    cdef Result block_too_large(self, Py_ssize_t seen) except NULL:
        if self.line_start == 0:
            self.block_line = self.lines + 1
        self.frame_line = self.block_line
        self.joined.clear()
        self.has_stray = False
        return self.too_large(seen)

    cdef Result decode_tail(self) except NULL:
        """What the end of the stream cut off is not an event, unless on_truncated says so."""
        cdef Result value = NOTHING
        cdef const unsigned char* line = self.buffered.data() + self.line_start
        cdef Py_ssize_t size = self.buffered.length - self.line_start
        cdef bytes payload = None
        if self.line_start == 0:
            self.block_line = self.lines + 1
        self.frame_line = self.block_line
        # A cut `id` or `retry` takes effect only where the cut block counts as an event.
        if size and (self.on_truncated == TRUNCATED_IS_EMITTED or is_field(line, size, b"data", 4)):
            if line[0] == b":":
                self.comment_count += 1
            else:
                self.process_field(line, size)
            self.line_start = self.buffered.length
        if self.has_stray:
            self.stray = self.buffered.copy(0, min(self.buffered.length, BLOCK_OVERHEAD))
        if self.data_lines == 1:
            payload = self.buffered.copy(self.data_begin, self.data_end)
        elif self.data_lines:
            payload = self.joined.copy(0, self.joined.length)
        if payload is not None and self.end_if_sentinel(
                <const unsigned char*> PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)):
            return NOTHING
        if self.on_truncated == TRUNCATED_RAISES:
            self.no_more_frames = True
            return self.report(_diagnosis.cut_block(
                self.buffered.copy(0, self.buffered.length), self.frame_offset, self.frame_line))
        if self.on_truncated == TRUNCATED_IS_DISCARDED:
            return NOTHING
        if self.data_size() > self.limit:
            return self.too_large(self.buffered.length)
        self.commit_id()
        # The line that was cut counts as ended.
        self.lines += size > 0
        if payload and self.values:
            value = self.decode(<PyObject*> payload)
            if value == NOTHING:
                return NOTHING
        elif payload is not None and not self.values:
            value = self.emit(self.make_event(
                payload, self.buffered.copy(0, self.buffered.length) if self.raw else None))
        self.consume_tail()
        return value

    cdef int consume_tail(self) except -1:
        self.lines_consumed = self.lines
        return Decoder.consume_tail(self)
