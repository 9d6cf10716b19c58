# Pulling for async iteration: the fast ways, in C. Whatever awaits a source, the subclass in Python does.

# What stands for no value, since every object could be one.
NO_VALUE = object()


cdef class AsyncPuller:
    """The iterator under `ndstream.AsyncStream`, which adds `_slow_next` and `_fast_next`."""

    cdef public Decoder decoder
    cdef readonly bint _ended
    cdef NextValue next_value
    cdef Clock clock

    def __cinit__(self):
        self.clock = Clock()

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Decoder decoder = self.decoder
        if decoder is not None and decoder.is_used_up() and not decoder.no_more_frames:
            # A step would find nothing; and a coroutine gives its result without a StopIteration.
            return self._fast_next()
        # The one that nobody holds is used again, unless it was given a value that nobody took.
        if self.next_value is None or Py_REFCNT(<PyObject*> self.next_value) != 1 or self.next_value.value != NULL:
            self.next_value = NextValue.__new__(NextValue)
        self.next_value.stream = self
        return self.next_value

    @cython.final
    cdef inline Result step(self) except NULL:
        if self._ended or self.decoder is None or self.decoder.drop_used_chunk():
            return NOTHING
        return self.decoder.step()

    @property
    def last_byte_at(self):
        return seconds_or_none(self.clock.byte_at)

    @property
    def last_frame_at(self):
        self.clock.update(<PyObject*> self.decoder)
        return seconds_or_none(self.clock.frame_at)

    @property
    def last_comment_at(self):
        self.clock.update(<PyObject*> self.decoder)
        return seconds_or_none(self.clock.comment_at)

    def _note_chunk(self, chunk, /):
        self.clock.note_chunk(<PyObject*> chunk, <PyObject*> self.decoder)

    def _is_misuse(self, error, /):
        return not self.clock.byte_at and isinstance(error, MISUSE)

    def _feed(self, chunk, /):
        """The first value that the chunk completes, or NO_VALUE."""
        self.clock.note_chunk(<PyObject*> chunk, <PyObject*> self.decoder)
        self.decoder.feed_chunk(chunk)
        cdef Result value = self.decoder.step()
        return NO_VALUE if value == NOTHING else steal(value)

    def _end(self):
        self._ended = True
