# Pulling: chunks from an iterator through a decoder, in C from one value to the next. The subclasses in
# Python know what the iterator reads from, how the framing is detected and how the source is released.

cdef extern from *:
    """
    #define NDSTREAM_INHERIT(type, base) (((PyTypeObject *)(type))->tp_iternext = \\
        ((PyTypeObject *)(base))->tp_iternext)
    #define NDSTREAM_INHERIT_ASYNC(type, base) (((PyTypeObject *)(type))->tp_as_async->am_anext = \\
        ((PyTypeObject *)(base))->tp_as_async->am_anext)
    """
    void inherit_next "NDSTREAM_INHERIT"(object kind, object base) noexcept
    void inherit_anext "NDSTREAM_INHERIT_ASYNC"(object kind, object base) noexcept

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil
    PyObject* PyIter_Next(PyObject* iterator) noexcept
    PyObject* PyErr_Occurred() noexcept


# What a source raises before its first byte if it is used up, closed, or no source at all.
cdef tuple MISUSE = (TypeError, ValueError, AttributeError, AssertionError, RuntimeError)


def iterates_in_c(kind, /):
    """Give a subclass of a puller the puller's own slot for the next value.

    CPython would look the method up by its name for each value, and that takes as long as a frame.
    """
    if issubclass(kind, Puller):
        inherit_next(kind, Puller)
    elif issubclass(kind, AsyncPuller):
        inherit_anext(kind, AsyncPuller)
    else:
        raise TypeError(f"{kind.__name__} is no subclass of a puller")
    return kind


cdef class Puller:
    """The iterator under `ndstream.Stream`, which adds `_release`."""

    cdef readonly Decoder decoder
    cdef readonly bint closed
    cdef object chunks
    cdef FirstBytes first_bytes
    cdef bint undecided
    cdef object deferred_error
    cdef object interruption
    cdef bint running
    cdef unsigned long runner
    cdef bint ended
    cdef Clock clock

    def __cinit__(self):
        self.clock = Clock()

    def __init__(self, chunks, Decoder decoder, FirstBytes first_bytes=None):
        if self.chunks is not None or self.closed:
            raise RuntimeError("a stream reads one source: make another stream for another source")
        if decoder is None and first_bytes is None:
            raise TypeError("a stream needs a decoder, or first bytes that decide which")
        self.chunks = iter(chunks)
        self.decoder = decoder
        self.first_bytes = first_bytes

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)

    def __iter__(self):
        return self

    def __next__(self):
        cdef Result value = NOTHING
        if self.decoder is not None and not self.ended and not self.decoder.drop_used_chunk():
            value = self.decoder.step()
        if value == NOTHING:
            value = self.refill()
        if value == NOTHING:
            raise StopIteration
        return steal(value)

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

    def close(self):
        self.ended = True
        self.release_source()

    @cython.final
    cdef Result refill(self) except NULL:
        """The next value, if chunks have to be pulled first."""
        with cython.critical_section(self):
            if self.running:
                raise RuntimeError(
                    "the stream is running already: it cannot be used from its own source, nor by two threads at once")
            self.running = True
            self.runner = PyThread_get_thread_ident()
            try:
                return self.pull()
            finally:
                self.running = False

    @cython.final
    cdef inline Result pull(self) except NULL:
        cdef Result value
        while not self.ended:
            if self.closed:
                self.end()
            elif self.undecided:
                self.choose_decoder()
            elif self.decoder is not None and self.decoder.no_more_frames:
                if self.deferred_error is None:
                    self.close()
                else:
                    self.end()
            else:
                self.next_chunk()
                if self.decoder is not None and not self.ended:
                    value = self.decoder.step()
                    if value != NOTHING:
                        return value
        return NOTHING

    @cython.final
    cdef inline int next_chunk(self) except -1:
        # A reference, since another thread, or the source itself, may close the stream meanwhile.
        chunks = self.chunks
        if chunks is None:
            raise RuntimeError("the stream has no source: its __init__ was not called")
        cdef PyObject* chunk = PyIter_Next(<PyObject*> chunks)
        if chunk != NULL:
            received = steal(chunk)
            self.clock.note_chunk(chunk, <PyObject*> self.decoder)
            if self.interruption is not None:
                self.interruption = None
            if not self.ended:
                self.feed(received)
        elif PyErr_Occurred() != NULL:
            self.source_failed()
        elif self.interruption is not None:
            # The source did not survive the Ctrl-C that it was given before.
            self.fail(self.interruption)
        else:
            self.source_ended()
        return 0

    @cython.final
    cdef inline int feed(self, object chunk) except -1:
        # An error before the chunk is accepted ends the stream.
        self.ended = True
        try:
            if self.decoder is None:
                self.first_bytes.add(chunk)
            else:
                self.decoder.feed_chunk(chunk)
            self.ended = self.closed
        finally:
            if self.ended:
                self.release_source()
        if self.decoder is None and not self.ended:
            self.undecided = True
            self.choose_decoder()
        return 0

    cdef int choose_decoder(self) except -1:
        """Ask the first bytes for the decoder, once more if an interrupt came out of the first time."""
        try:
            self.decoder = self.first_bytes.choose(False)
        except Exception:
            self.close()
            raise
        self.undecided = False
        return 0

    cdef int choose_at_end(self) except -1:
        if self.decoder is None:
            self.decoder = self.first_bytes.choose(True)
        return 0

    cdef int source_ended(self) except -1:
        self.choose_at_end()
        self.decoder.finish()
        try:
            self.release_source()
        except Exception as error:
            # Buffered values come out before the close error.
            self.deferred_error = error
        return 0

    cdef int end(self) except -1:
        """End the stream, with the error that waited for it."""
        try:
            # An interrupt may have kept it from that.
            self.release_source()
        except Exception:
            pass
        self.ended = True
        error = self.deferred_error
        self.deferred_error = None
        if error is not None:
            raise error
        return 0

    cdef int source_failed(self) except -1:
        try:
            propagate()
        except Exception as error:
            if not self.clock.byte_at and isinstance(error, MISUSE) and not self.ended:
                self.close()
                raise
            # If an interrupt comes out of what follows, the next step is to fail as well.
            self.interruption = error
            self.fail(error)
        except BaseException as error:
            # Ctrl-C and its like are no failure: a read that they cut short can be repeated.
            self.interruption = error
            raise
        return 0

    cdef int fail(self, object cause) except -1:
        if self.ended:
            # It was closed meanwhile, which may well be the reason.
            return 0
        self.choose_at_end()
        error = self.decoder.fail_stream(self.decoder.frames, cause)
        # Raised by the next step, if an interrupt comes out of the release.
        self.deferred_error = error
        try:
            self.release_source()
        except Exception:
            pass
        self.ended = True
        self.deferred_error = self.interruption = None
        raise error

    def _runs_elsewhere(self):
        return self.running and self.runner != PyThread_get_thread_ident()

    cdef int release_source(self) except -1:
        """Release the source, once. An interrupt may have come before it: then the next step or `close` does it."""
        if self.closed:
            return 0
        self.closed = True
        try:
            self._release()
        except Exception:
            self.chunks = None
            raise
        except BaseException:
            self.closed = False
            raise
        self.chunks = None
        return 0
