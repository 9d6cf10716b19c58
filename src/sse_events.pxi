# What a block of server-sent events becomes: an event, a JSON value, or nothing; and what becomes of a
# block that the end of the stream cuts.

cdef enum OnTruncated:
    # In the order of the option's values.
    TRUNCATED_RAISES, TRUNCATED_IS_DISCARDED, TRUNCATED_IS_EMITTED


@cython.internal
cdef class SSEEvents(SSEBlock):
    cdef OnTruncated on_truncated
    cdef bint values
    cdef bint empty_events

    # The last two events, to be used again: a loop drops one only once it has the next.
    cdef Event first_slot
    cdef Event second_slot
    cdef bint use_second_slot

    def __dealloc__(self):
        self.release_events()

    cdef int drop_all(self) except -1:
        self.release_events()
        return SSEBlock.drop_all(self)

    @cython.final
    cdef Result dispatch(self, Py_ssize_t end) except NULL:
        """What the block becomes whose blank line ends before ``end`` in the chunk."""
        cdef const unsigned char* block
        cdef Result value
        self.commit_id()
        block = self.buffered.data() if self.buffered.length else self.base + self.start
        if self.has_stray:
            self.stray = PyBytes_FromStringAndSize(<const char*> block, min(self.frame_bytes_to(end), BLOCK_OVERHEAD))
        if not self.data_lines:
            if self.empty_events and (self.has_id or self.block_retry is not None or self.event is not DEFAULT_EVENT):
                return self.dispatch_empty(block, end)
            self.consume_block(end)
            return NOTHING
        self.frame_offset = self.frame_start_offset()
        self.frame_line = self.block_line
        if self.data_lines > 1 or self.raw or self.data_end - self.data_begin > MAX_REUSED:
            return self.dispatch_copy(block, end)
        if self.values:
            return self.small_value(block + self.data_begin, self.data_end - self.data_begin, end)
        if not HAS_LOCK or self.buffered.length or self.may_be_sentinel(block[self.data_begin]):
            return self.dispatch_copy(block, end)
        value = self.borrowing_event(block + self.data_begin, self.data_end - self.data_begin)
        self.consume_block(end)
        return value

    @cython.final
    cdef inline Result small_value(self, const unsigned char* data, Py_ssize_t size, Py_ssize_t end) except NULL:
        cdef PyObject* payload = self.payload(data, size)
        self.consume_block(end)
        return self.decode(payload) if size else NOTHING

    @cython.final
    cdef inline Result borrowing_event(self, const unsigned char* data, Py_ssize_t size) except NULL:
        """The event of a payload in the chunk: one that nobody holds any more, if there is one."""
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

    @cython.final
    cdef void release_events(self) noexcept:
        """Make the events that refer to the chunk independent of it."""
        release_chunk(<PyObject*> self.first_slot)
        release_chunk(<PyObject*> self.second_slot)

    cdef Result dispatch_copy(self, const unsigned char* block, Py_ssize_t end) except NULL:
        """The value or event of a block whose payload becomes an object of its own."""
        cdef bytes payload
        if self.data_lines == 1:
            payload = PyBytes_FromStringAndSize(
                <const char*> block + self.data_begin, self.data_end - self.data_begin)
        else:
            payload = self.joined.detach(self.joined.length)
        if self.values:
            self.consume_block(end)
            # It is large or of several lines, and so not empty.
            return self.decode(<PyObject*> payload)
        event = self.make_event(payload, block, self.frame_bytes_to(end))
        self.consume_block(end)
        return self.deliver(event)

    cdef Result dispatch_empty(self, const unsigned char* block, Py_ssize_t end) except NULL:
        """The event of a block without data, which the standard does not dispatch."""
        self.frame_offset = self.frame_start_offset()
        self.frame_line = self.block_line
        event = self.make_event(b"", block, self.frame_bytes_to(end))
        self.consume_block(end)
        return self.deliver(event)

    cdef Event make_event(self, bytes payload, const unsigned char* block, Py_ssize_t size):
        """An event with a payload of its own; ``size`` bytes are its block."""
        cdef bytes raw = None
        cdef long long offset = self.frame_offset
        cdef long long line = self.frame_line
        if self.raw:
            raw = PyBytes_FromStringAndSize(<const char*> block, size)
            if self.leading.length:
                raw = self.leading.copy(0, self.leading.length) + raw
                offset -= self.leading.length
                line -= self.leading_lines
        return new_event(payload, self.event, self.last_event_id, self.block_retry, raw, offset, line, self.loads)

    cdef Result deliver(self, Event event) except NULL:
        if self.end_if_sentinel(event.begin, event.size):
            return NOTHING
        self.frames += 1
        return Py_NewRef(<PyObject*> event)

    cdef Result decode_tail(self) except NULL:
        """What the end of the stream cut off is not an event, unless on_truncated says so."""
        cdef bytes payload
        cdef bint has_cut_line = self.process_cut_line()
        payload = self.cut_payload()
        if payload is not None and self.end_if_sentinel(
                <const unsigned char*> PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload)):
            return NOTHING
        if self.on_truncated == TRUNCATED_IS_DISCARDED:
            return NOTHING
        if self.on_truncated == TRUNCATED_RAISES:
            self.no_more_frames = True
            return self.report(_diagnosis.cut_block, (
                self.buffered.copy(0, self.buffered.length), self.frame_offset, self.frame_line))
        if self.data_size() > self.limit:
            return self.too_large(self.buffered.length)
        return self.emit_cut_block(payload, has_cut_line)

    cdef bint process_cut_line(self) except -1:
        """Process the line that the end of the stream cut; whether there is one."""
        cdef const unsigned char* line = self.buffered.data() + self.line_start
        cdef Py_ssize_t size = self.buffered.length - self.line_start
        if self.line_start == 0:
            self.block_line = self.lines + 1
        self.frame_line = self.block_line
        # A cut `id` or `retry` takes effect only if the cut block counts as an event.
        if size and (self.on_truncated == TRUNCATED_IS_EMITTED or is_field(line, size, b"data", 4)):
            if line[0] != b":":
                self.process_field(line, size)
                self.line_start = self.buffered.length
            else:
                self.comment_count += 1
                self.line_start = self.buffered.length
                if self.on_comment is not None:
                    self.call_handler(self.on_comment, self.comment_text(line, size), "on_comment")
        if self.has_stray:
            self.stray = self.buffered.copy(0, min(self.buffered.length, BLOCK_OVERHEAD))
        return size > 0

    cdef bytes cut_payload(self):
        """The data of a cut block, None if it has none. The block stays, to be shown or read again."""
        if self.data_lines > 1:
            return self.joined.copy(0, self.joined.length)
        return self.buffered.copy(self.data_begin, self.data_end) if self.data_lines else None

    cdef Result emit_cut_block(self, bytes payload, bint has_cut_line) except NULL:
        cdef Result value = NOTHING
        self.commit_id()
        # The line that was cut counts as ended.
        self.lines += has_cut_line
        if payload and self.values:
            value = self.decode(<PyObject*> payload)
            if value == NOTHING:
                return NOTHING
        elif payload is not None and not self.values:
            value = self.deliver(self.make_event(payload, self.buffered.data(), self.buffered.length))
        self.consume_tail()
        return value
