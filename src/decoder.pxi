# The verbs that all decoders have: feed, finish, reset, next. Each is one step that nothing else can
# get into, and that either is done whole or says that it was not.

from types import GenericAlias


cdef class Decoder(Payloads):
    # Whether events that were handed out may refer to the chunk.
    cdef bint events_borrow_chunk

    # Line ends, and comments, which are no frames; both stay 0 in a framing without them.
    cdef long long lines
    cdef long long comment_count

    def __init__(self):
        raise TypeError("use NDJSONDecoder, SSEDecoder, JSONSeqDecoder or ConcatenatedJSONDecoder")

    cdef int start_stream(self) except -1:
        self.state = RUNNING
        self.restart()
        self.state = IDLE
        return 0

    cdef int restart(self) except -1:
        """Forget all that was fed; subclasses add what they know of it."""
        Payloads.restart(self)
        self.lines = self.comment_count = 0
        return 0

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)

    # Each subclass defines `feed` again: CPython calls a method fastest if the object's own type has it.
    def feed(self, data, /):
        """Take in a chunk.

        Args:
            data: Any bytes-like object. `bytes` is kept until it is used up, and never copied
                whole; any other buffer is copied at once, since its owner may reuse it.

        Returns:
            The decoder, to iterate over the frames that are complete now. Those that are not
            taken stay for the next loop.

        Raises:
            TypeError: It is not bytes-like.
            RuntimeError: `finish` was called, or the decoder is running already: from its own
                `loads` or `on_error`, or in another thread.

        Example:
            >>> from ndstream import NDJSONDecoder
            >>> list(NDJSONDecoder().feed(b'1\\n2\\n3'))
            [1, 2]
        """
        self.feed_chunk(data)
        return self

    def finish(self):
        """Mark the end of the stream.

        Returns:
            The decoder, to iterate over the last frame; the iteration raises if the stream was
            cut.

        Raises:
            RuntimeError: The decoder is running already.

        Example:
            >>> from ndstream import NDJSONDecoder
            >>> list(NDJSONDecoder().feed(b'1').finish())
            [1]
        """
        with cython.critical_section(self):
            self.start_step()
            self.finished = True
            self.state = IDLE
        return self

    def reset(self):
        """Forget all that was fed, and start over with the same options.

        Raises:
            RuntimeError: The decoder is running already.
        """
        with cython.critical_section(self):
            self.refuse_if_running()
            self.start_stream()

    def __iter__(self):
        return self

    def __next__(self):
        cdef Result value = NOTHING if self.drop_used_chunk() else self.step()
        if value == NOTHING:
            raise StopIteration
        return steal(value)

    @property
    def offset(self):
        """Where the last frame or separator ended, in bytes: a safe point to resume from."""
        # A frame whose delivery was interrupted is still to be delivered.
        return self.frame_start_offset() if self.interrupted is None else self.frame_offset

    @property
    def pending(self):
        """How many bytes were fed after `offset`."""
        return self.chunk_offset + self.size + self.queued_bytes - self.dropped - self.offset

    def _fail(self, cause, /):
        return self.fail_stream(self.frames, cause)

    @property
    def _frame_offset(self):
        return self.frame_offset

    @property
    def _touched(self):
        return self.touched

    # The same for C callers. An error that leaves a step other than by `raise_recoverable` leaves the
    # state at RUNNING until `finally`, which takes it for broken.

    @cython.final
    cdef inline int start_step(self) except -1:
        if self.state != IDLE:
            self.refuse_if_running()
            raise RuntimeError(
                "the decoder failed in the middle of a step and lost its place: call its reset(), or open a new "
                "stream")
        self.state = RUNNING
        return 0

    @cython.final
    cdef int feed_chunk(self, object data) except -1:
        with cython.critical_section(self):
            self.start_step()
            try:
                if type(data) is not bytes:
                    data = self.as_bytes(data)
                if self.finished:
                    self.raise_recoverable(
                        RuntimeError("feed() after finish(): call reset() to start a new stream"))
                if PyBytes_GET_SIZE(data) and not self.done:
                    self.add_chunk(data)
                self.state = IDLE
            finally:
                if self.state == RUNNING:
                    self.state = BROKEN
        return 0

    cdef bytes as_bytes(self, object data):
        """A copy of any bytes-like object, whatever its item size and layout."""
        try:
            view = memoryview(data)
        except MemoryError:
            raise
        except TypeError:
            view = None
        except BaseException as own:
            self.raise_recoverable(own)
        if view is None:
            self.raise_recoverable(TypeError(_diagnosis.not_bytes(data)))
        with view:
            return view.tobytes()

    @cython.final
    cdef inline bint is_used_up(self) noexcept:
        """Whether all that was fed has been looked at, so that a step would find nothing."""
        return not (
            self.start < self.size or self.queued_bytes or self.finished or self.state != IDLE
            or self.interrupted is not None)

    @cython.final
    cdef inline bint drop_used_chunk(self) noexcept:
        """Drop a chunk that is used up, at less cost than a step; False if only a step can tell."""
        if not HAS_LOCK or self.events_borrow_chunk or not self.is_used_up():
            return False
        if self.chunk is not None:
            self.drop_chunk()
        return True

    @cython.final
    cdef inline Result step(self) except NULL:
        """The next value, or NOTHING until more is fed."""
        cdef Result value
        with cython.critical_section(self):
            self.start_step()
            try:
                value = self.repeat_interrupted() if self.interrupted is not None else NOTHING
                if value == NOTHING:
                    value = self.next_frame()
                self.state = IDLE
                return value
            finally:
                if self.state == RUNNING:
                    self.state = BROKEN

    cdef Result next_frame(self) except NULL:
        """The next value; each framing finds its own."""
        raise NotImplementedError
