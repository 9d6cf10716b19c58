# Server-sent events, by the letter of WHATWG HTML, section 9.2.6.
#
# A block is what stands between blank lines. Its bytes stay together, in the chunk or in `held`,
# until its blank line; what was found in it is kept as positions from its beginning. So an event of
# one data line costs one slice, and a block that the end of the stream cuts is still there to show. It is
# longer than most files here, since the standard's rules all work on this one block.

# Field names, comments and line ends of a block may take this much beside its data.
cdef Py_ssize_t BLOCK_OVERHEAD = 64 * 1024
# The longest delay that timers of browsers take, about 24.8 days.
cdef long long MOST_RETRY = 2 ** 31 - 1

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
    cdef long long passed_lines

    # The type of the last event that had one: most streams have few.
    cdef bytes known_event
    cdef str known_event_text

    # The last two events, to be used again: a loop lets go of one only once it has the next.
    cdef Event even
    cdef Event odd
    cdef bint turn

    cdef readonly str last_event_id
    cdef readonly object retry
    cdef readonly bytes stray
    cdef bint has_stray

    def __cinit__(self, *args, **kwargs):
        self.joined = ByteStore()
        self.known_event = b""
        self.known_event_text = DEFAULT_EVENT

    def __dealloc__(self):
        self.settle()

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
            self.lends_chunks = not self.values
            self.on_truncated = (
                TRUNCATED_RAISES if on_truncated == "raise"
                else TRUNCATED_IS_DISCARDED if on_truncated == "discard" else TRUNCATED_IS_EMITTED)
            self.begin_stream()

    cdef int restart(self) except -1:
        Decoder.restart(self)
        self.next_lf = self.next_cr = -1
        self.after_cr = False
        self.last_event_id = self.id_buffer = self.first_id
        self.retry = None
        self.stray = None
        self.passed_lines = 0
        self.new_block()
        return 0

    cdef int take_up(self, bytes data) except -1:
        self.next_lf = self.next_cr = -1
        return Decoder.take_up(self, data)

    def feed(self, data, /):
        self.take_in(data)
        return self

    @property
    def line(self):
        return self.passed_lines

    @property
    def comments(self):
        return self.heartbeats

    cdef object unfinished_line(self):
        return self.block_line if self.line_start else self.lines + 1

    cdef str framing(self):
        return "sse"

    cdef Outcome next_frame(self) except NULL:
        cdef Outcome value
        cdef Py_ssize_t end
        if self.opening and not self.opened():
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
                    value = self.line_ended(end)
                    if value != NOTHING:
                        return value
                    if self.over:
                        return NOTHING
                    continue
                self.scan = self.size
            if not self.discarding and self.reach(self.size) > self.limit + BLOCK_OVERHEAD:
                self.block_too_large(PREVIEW_SIZE)
            if self.odd is not None:
                self.settle()
            if not self.more():
                return self.last_frame() if self.finished else NOTHING

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

    cdef inline Outcome line_ended(self, Py_ssize_t end) except NULL:
        """What the line that ends at ``end`` completes: an event or value, else NOTHING."""
        cdef Py_ssize_t reach = self.reach(end)
        cdef Py_ssize_t size = reach - self.line_start
        cdef const unsigned char* line
        if reach > self.limit + BLOCK_OVERHEAD and not self.discarding:
            # The line's end is found once more, to end what is let go.
            self.scan = end
            return self.block_too_large(PREVIEW_SIZE)
        if self.line_start == 0:
            self.block_line = self.lines + 1
        self.lines += 1
        self.after_cr = self.base[end] == b"\r"
        if self.discarding:
            if size:
                self.line_start = reach + 1
                return NOTHING
            self.discarding = False
            self.dropped = 0
            self.data_lines = 0
            return self.block_ended(end + 1)
        if self.held.length:
            self.held.append(self.base + self.start, end + 1 - self.start)
            self.touched += end + 1 - self.start
            self.start = end + 1
            line = self.held.data() + self.line_start
        else:
            line = self.base + self.start + self.line_start
        if size == 0:
            return self.block_ended(end + 1)
        if line[0] == b":":
            self.heartbeats += 1
            if self.line_start == 0:
                self.pass_over(end + 1)
                self.passed_lines = self.lines
            else:
                self.line_start = reach + 1
            return NOTHING
        self.field(line, size)
        self.line_start = reach + 1
        if reach > self.limit and self.data_size() > self.limit:
            return self.block_too_large(reach)
        return NOTHING

    cdef inline int field(self, const unsigned char* line, Py_ssize_t size) except -1:
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
            retry = digits(line + begin, size - begin, MOST_RETRY)
            if retry >= 0:
                self.retry = self.block_retry = retry
        else:
            self.has_stray = True
        return 0

    cdef str event_type(self, const unsigned char* data, Py_ssize_t size):
        if size == 0:
            return DEFAULT_EVENT
        if size != PyBytes_GET_SIZE(self.known_event) or memcmp(
                data, PyBytes_AS_STRING(self.known_event), <size_t> size) != 0:
            self.known_event = PyBytes_FromStringAndSize(<const char*> data, size)
            self.known_event_text = text(data, size)
        return self.known_event_text

    cdef inline Py_ssize_t data_size(self) noexcept:
        return self.joined.length if self.data_lines > 1 else self.data_end - self.data_begin if self.data_lines else 0

    cdef Outcome block_ended(self, Py_ssize_t end) except NULL:
        """Dispatch: the blank line behind the block ends before ``end`` in the chunk."""
        cdef const unsigned char* block
        cdef Outcome value
        self.commit_id()
        block = self.held.data() if self.held.length else self.base + self.start
        if self.has_stray:
            self.stray = PyBytes_FromStringAndSize(<const char*> block, min(self.reach(end), BLOCK_OVERHEAD))
        if not self.data_lines:
            self.next_block(end)
            return NOTHING
        self.frame_offset = self.passed()
        self.frame_line = self.block_line
        if self.data_lines > 1 or self.raw or self.data_end - self.data_begin > MOST_SPARE:
            return self.large(block, end)
        if self.values:
            return self.small_value(block + self.data_begin, self.data_end - self.data_begin, end)
        if not HAS_LOCK or self.held.length or self.may_be_sentinel(block[self.data_begin]):
            return self.large(block, end)
        value = self.small_event(block + self.data_begin, self.data_end - self.data_begin)
        self.next_block(end)
        return value

    cdef inline Outcome small_value(self, const unsigned char* data, Py_ssize_t size, Py_ssize_t end) except NULL:
        cdef PyObject* payload = self.payload(data, size)
        self.next_block(end)
        return self.decode(payload) if size else NOTHING

    cdef inline Outcome small_event(self, const unsigned char* data, Py_ssize_t size) except NULL:
        """The event of a payload in the chunk: one that nobody holds any more, where there is one."""
        cdef PyObject* event
        self.turn = not self.turn
        event = <PyObject*> self.odd if self.turn else <PyObject*> self.even
        if not is_unheld(event):
            self.renew()
            event = <PyObject*> self.odd if self.turn else <PyObject*> self.even
        (<Event> event).refer(
            self.chunk, data, size, self.event, self.last_event_id, self.block_retry, self.frame_offset,
            self.frame_line, self.loads)
        self.frames += 1
        return Py_NewRef(event)

    cdef int renew(self) except -1:
        """Put a new event in the place of one that somebody holds."""
        if self.turn:
            release(<PyObject*> self.odd)
            self.odd = <Event> Event.__new__(Event)
        else:
            release(<PyObject*> self.even)
            self.even = <Event> Event.__new__(Event)
        return 0

    cdef Outcome large(self, const unsigned char* block, Py_ssize_t end) except NULL:
        """The value or event of a block whose payload becomes an object of its own."""
        cdef bytes payload
        if self.data_lines == 1:
            payload = PyBytes_FromStringAndSize(
                <const char*> block + self.data_begin, self.data_end - self.data_begin)
        else:
            payload = self.joined.take(self.joined.length)
        if self.values:
            self.next_block(end)
            return self.decode(<PyObject*> payload) if PyBytes_GET_SIZE(payload) else NOTHING
        event = self.make_event(
            payload, PyBytes_FromStringAndSize(<const char*> block, self.reach(end)) if self.raw else None)
        self.next_block(end)
        return self.emit(event)

    cdef Event make_event(self, bytes payload, bytes raw):
        return new_event(
            payload, self.event, self.last_event_id, self.block_retry, raw, self.frame_offset, self.frame_line,
            self.loads)

    cdef Outcome emit(self, Event event) except NULL:
        if self.sees_sentinel(event.begin, event.size):
            return NOTHING
        self.frames += 1
        return Py_NewRef(<PyObject*> event)

    cdef void settle(self) noexcept:
        """Free the chunk of the events that refer to it."""
        release(<PyObject*> self.even)
        release(<PyObject*> self.odd)

    cdef int let_go(self) except -1:
        self.settle()
        return Decoder.let_go(self)

    cdef inline void commit_id(self) noexcept:
        if self.last_event_id is not self.id_buffer:
            self.last_event_id = self.id_buffer

    cdef inline void next_block(self, Py_ssize_t end) noexcept:
        self.pass_over(end)
        self.passed_lines = self.lines
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

    cdef Outcome block_too_large(self, Py_ssize_t seen) except NULL:
        if self.line_start == 0:
            self.block_line = self.lines + 1
        self.frame_line = self.block_line
        self.joined.clear()
        self.has_stray = False
        return self.too_large(seen)

    cdef Outcome tail(self) except NULL:
        """What the end of the stream cut off is not an event, unless on_truncated says so."""
        cdef Outcome value = NOTHING
        cdef const unsigned char* line = self.held.data() + self.line_start
        cdef Py_ssize_t size = self.held.length - self.line_start
        cdef bytes payload = None
        if self.line_start == 0:
            self.block_line = self.lines + 1
        self.frame_line = self.block_line
        # A cut `id` or `retry` takes effect only where the cut block counts as an event.
        if size and (self.on_truncated == TRUNCATED_IS_EMITTED or is_field(line, size, b"data", 4)):
            if line[0] == b":":
                self.heartbeats += 1
            else:
                self.field(line, size)
            self.line_start = self.held.length
        if self.has_stray:
            self.stray = self.held.copy(0, min(self.held.length, BLOCK_OVERHEAD))
        if self.data_lines == 1:
            payload = self.held.copy(self.data_begin, self.data_end)
        elif self.data_lines:
            payload = self.joined.copy(0, self.joined.length)
        if payload is not None and self.sees_sentinel(
                <const unsigned char*> PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)):
            return NOTHING
        if self.on_truncated == TRUNCATED_RAISES:
            self.over = True
            return self.report(_diagnosis.cut_block(
                self.held.copy(0, self.held.length), self.frame_offset, self.frame_line))
        if self.on_truncated == TRUNCATED_IS_DISCARDED:
            return NOTHING
        if self.data_size() > self.limit:
            return self.too_large(self.held.length)
        self.commit_id()
        # The line that was cut counts as ended.
        self.lines += size > 0
        if payload and self.values:
            value = self.decode(<PyObject*> payload)
            if value == NOTHING:
                return NOTHING
        elif payload is not None and not self.values:
            value = self.emit(self.make_event(
                payload, self.held.copy(0, self.held.length) if self.raw else None))
        self.pass_tail()
        return value

    cdef int pass_tail(self) except -1:
        self.passed_lines = self.lines
        return Decoder.pass_tail(self)
