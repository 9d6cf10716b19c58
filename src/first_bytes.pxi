# The first bytes of a stream, held until they decide which decoder reads it.


@cython.final
cdef class FirstBytes:
    cdef readonly object decide
    cdef bytearray head

    def __init__(self, decide, /):
        self.decide = decide
        self.head = bytearray()

    def feed(self, chunk, at_end=False):
        self.add(chunk)
        return self.choose(at_end)

    cdef int add(self, object chunk) except -1:
        try:
            view = memoryview(chunk)
        except TypeError:
            raise TypeError(_diagnosis.not_bytes(chunk)) from None
        with view:
            self.head += view.tobytes()
        return 0

    cdef Decoder choose(self, bint at_end):
        """The decoder, with all bytes so far fed to it; None while they do not decide.

        After an interrupt the choice can be repeated: until the decoder is there, nothing changes.
        """
        cdef Decoder decoder = self.decide(self.head, at_end)
        if decoder is not None:
            decoder.feed_chunk(bytes(self.head))
            self.head = bytearray()
        return decoder
