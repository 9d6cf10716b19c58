# Pulling for async iteration: the fast ways, in C. Whatever awaits a source, the subclass in Python does.

cdef class AsyncPuller:
    """The iterator under `ndstream.AsyncStream`, which adds `_slow_next` and `_fast_next`."""

    cdef readonly Decoder decoder
    cdef readonly bint _ended
    cdef FirstBytes first_bytes
    cdef bint initialized
    cdef NextValue next_value
    cdef Clock clock

    def __cinit__(self):
        self.clock = Clock()

    def __init__(self, Decoder decoder, FirstBytes first_bytes=None):
        if self.initialized:
            raise RuntimeError("a stream reads one source: make another stream for another source")
        if decoder is None and first_bytes is None:
            raise TypeError("a stream needs a decoder, or first bytes that decide which")
        self.initialized = True
        self.decoder = decoder
        self.first_bytes = first_bytes

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
        if (self.next_value is None or Py_REFCNT(<PyObject*> self.next_value) != 1
                or self.next_value.value != NULL or self.next_value.slow_next is not None):
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

    def _is_misuse(self, error, /):
        return not self.clock.byte_at and isinstance(error, MISUSE)

    def _feed(self, chunk, /):
        """Accept a chunk. An error before that ends the stream."""
        self.clock.note_chunk(<PyObject*> chunk, <PyObject*> self.decoder)
        ended = self._ended
        self._ended = True
        if self.decoder is None:
            self.first_bytes.add(chunk)
        else:
            self.decoder.feed_chunk(chunk)
        self._ended = ended

    def _choose(self, at_end, /):
        """The decoder, None while the first bytes do not decide. It can be repeated after an interrupt."""
        if self.decoder is None:
            self.decoder = self.first_bytes.choose(at_end)
        return self.decoder

    def _end(self):
        self._ended = True
