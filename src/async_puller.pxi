# Pulling for async iteration. `NextValue` awaits the chunks; what is rare, the subclass in Python does.

cdef class AsyncPuller:
    """The iterator under `ndstream.AsyncStream`.

    It adds coroutines for what is rare: `_slow_next`, `_next_after` and `_raise_after_release`.
    """

    cdef readonly Decoder decoder
    cdef readonly bint _ended
    # Whether a task awaits a chunk; whether that takes nothing but the chunk; the chunks.
    cdef public bint _running
    cdef public bint _fast_path
    cdef public object _chunks
    # Whether an awaitable was dropped while it waited.
    cdef bint abandoned
    cdef FirstBytes first_bytes
    cdef bint initialized
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
        return new_next_value(self)

    @cython.final
    cdef inline Result step(self) except NULL:
        if self._ended or self.decoder is None or self.decoder.drop_used_chunk():
            return NOTHING
        return self.decoder.step()

    @cython.final
    cdef inline bint waits_for_chunk(self) except -1:
        """Whether another chunk is all that a value takes, and nobody else awaits it."""
        if self.abandoned:
            self.abandoned = False
            self._interruption = GeneratorExit("an awaitable was dropped while it waited for a chunk")
        return not (self._running or self._ended or self.decoder is None or self.decoder.no_more_frames) and (
            self._fast_path)

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
        self.accept(chunk)

    @cython.final
    cdef int accept(self, object chunk) except -1:
        """Accept a chunk. An error before that ends the stream."""
        self.clock.note_chunk(<PyObject*> chunk, <PyObject*> self.decoder)
        ended = self._ended
        self._ended = True
        if self.decoder is None:
            self.first_bytes.add(chunk)
        else:
            self.decoder.feed_chunk(chunk)
        self._ended = ended
        return 0

    def _choose(self, at_end, /):
        """The decoder, None while the first bytes do not decide. It can be repeated after an interrupt."""
        if self.decoder is None:
            self.decoder = self.first_bytes.choose(at_end)
        return self.decoder

    def _end(self):
        self._ended = True
