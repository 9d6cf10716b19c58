# The chunks of a stream and how far it was read: the current chunk, those queued after it, and what
# earlier ones left of the unfinished frame. Offsets are sums of these, and kept nowhere else.

from collections import deque

# The byte order mark of UTF-8.
cdef const unsigned char* BOM = b"\xef\xbb\xbf"


@cython.internal
cdef class Chunks:
    # The current chunk: bytes before `start` are consumed, those before `scan` were searched.
    cdef bytes chunk
    cdef const unsigned char* base
    cdef Py_ssize_t size
    cdef Py_ssize_t start
    cdef Py_ssize_t scan
    # The index of the next LF and of the next CR, for a framing whose lines end in either; one before `scan` is
    # not known.
    cdef Py_ssize_t next_lf
    cdef Py_ssize_t next_cr
    cdef object queue
    cdef Py_ssize_t queued_bytes

    # The unfinished frame: its bytes from earlier chunks, and how many of an over-long one were dropped.
    cdef ByteStore buffered
    cdef bint discarding
    cdef Py_ssize_t dropped

    cdef long long chunk_offset
    cdef long long touched
    cdef bint bom_possible
    cdef bint finished

    def __cinit__(self):
        self.buffered = ByteStore()
        self.queue = deque()

    cdef int restart(self) except -1:
        """Forget the stream; subclasses add what they know of it."""
        self.drop_all()
        self.discarding = False
        self.dropped = 0
        self.chunk_offset = self.touched = 0
        self.bom_possible = True
        self.finished = False
        return 0

    cdef int drop_all(self) except -1:
        """Drop all chunks, and what is buffered of the unfinished frame."""
        self.buffered.clear()
        self.chunk = None
        self.base = NULL
        self.size = self.start = self.scan = 0
        self.next_lf = self.next_cr = -1
        self.queue.clear()
        self.queued_bytes = 0
        return 0

    @cython.final
    cdef inline long long frame_start_offset(self) noexcept:
        """Where the unfinished frame begins in the stream."""
        return self.chunk_offset + self.start - self.buffered.length - self.dropped

    @cython.final
    cdef inline Py_ssize_t frame_bytes_to(self, Py_ssize_t index) noexcept:
        """Bytes from the beginning of the unfinished frame to ``index`` in the chunk."""
        return self.dropped + self.buffered.length + index - self.start

    @cython.final
    cdef inline int add_chunk(self, bytes data) except -1:
        if self.start < self.size or self.queued_bytes:
            self.queue.append(data)
            self.queued_bytes += len(data)
        else:
            self.chunk_offset += self.size
            self.set_chunk(data)
        return 0

    @cython.final
    cdef inline int set_chunk(self, bytes data) except -1:
        self.chunk = data
        self.base = <const unsigned char*> PyBytes_AS_STRING(data)
        self.size = PyBytes_GET_SIZE(data)
        self.start = self.scan = 0
        self.next_lf = self.next_cr = -1
        return 0

    @cython.final
    cdef inline void drop_chunk(self) noexcept:
        self.chunk_offset += self.size
        self.size = self.start = self.scan = 0
        self.base = NULL
        self.chunk = None

    cdef bint advance_chunk(self) except -1:
        """Buffer the rest of the chunk and set the next one; False if none is queued."""
        cdef Py_ssize_t left = self.size - self.start
        if self.chunk is not None:
            if self.discarding:
                self.dropped += left
            elif left:
                self.buffered.append(self.base + self.start, left)
                self.touched += left
            self.drop_chunk()
        if not self.queued_bytes:
            return False
        self.set_chunk(self.queue.popleft())
        self.queued_bytes -= self.size
        return True

    cdef bint skip_bom(self) except -1:
        """Skip a BOM at the start of the stream; False until enough bytes have come to decide."""
        cdef Py_ssize_t index, before
        cdef unsigned char byte
        while True:
            before = self.buffered.length
            for index in range(3):
                if index >= before + self.size:
                    break
                byte = self.buffered.data()[index] if index < before else self.base[index - before]
                if byte != BOM[index]:
                    self.bom_possible = False
                    return True
            else:
                self.buffered.clear()
                self.start = self.scan = 3 - before
                self.bom_possible = False
                return True
            if not self.advance_chunk():
                # At the end of the stream a partial BOM is data.
                self.bom_possible = not self.finished
                return self.finished

    @cython.final
    cdef inline void consume_to(self, Py_ssize_t end) noexcept:
        """Consume all up to ``end`` in the chunk."""
        self.start = end
        if self.buffered.length:
            self.buffered.clear()

    cdef bytes first_bytes(self, Py_ssize_t size):
        """At most ``size`` bytes of the unfinished frame."""
        cdef bytes begin = self.buffered.copy(0, min(size, self.buffered.length))
        cdef Py_ssize_t left = min(size - len(begin), self.size - self.start)
        return begin + PyBytes_FromStringAndSize(<char*> self.base + self.start, left) if left else begin
