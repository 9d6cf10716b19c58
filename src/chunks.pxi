# The chunks of a stream and how far it was read: the one in hand, those that wait behind it, and
# what earlier ones left of the unfinished frame. Offsets are sums of these, and kept nowhere else.

from collections import deque

cdef const unsigned char* MARK = b"\xef\xbb\xbf"


@cython.internal
cdef class Chunks:
    # The chunk in hand: bytes before `start` are passed over, those before `scan` were searched.
    cdef bytes chunk
    cdef const unsigned char* base
    cdef Py_ssize_t size
    cdef Py_ssize_t start
    cdef Py_ssize_t scan
    cdef object waiting
    cdef Py_ssize_t waiting_size

    # The unfinished frame: what of it came in earlier chunks; what was let go of it.
    cdef ByteStore held
    cdef bint discarding
    cdef Py_ssize_t dropped

    cdef long long chunk_offset
    cdef long long touched
    cdef bint opening
    cdef bint finished

    def __cinit__(self):
        self.held = ByteStore()
        self.waiting = deque()

    cdef int restart(self) except -1:
        """Forget the stream; subclasses add what they know of it."""
        self.let_go()
        self.discarding = False
        self.dropped = 0
        self.chunk_offset = self.touched = 0
        self.opening = True
        self.finished = False
        return 0

    cdef int let_go(self) except -1:
        """Drop all chunks, and what is held of the unfinished frame."""
        self.held.clear()
        self.chunk = None
        self.base = NULL
        self.size = self.start = self.scan = 0
        self.waiting.clear()
        self.waiting_size = 0
        return 0

    @cython.final
    cdef inline long long passed(self) noexcept:
        """Bytes of the stream before the unfinished frame."""
        return self.chunk_offset + self.start - self.held.length - self.dropped

    @cython.final
    cdef inline Py_ssize_t reach(self, Py_ssize_t index) noexcept:
        """Bytes from the beginning of the unfinished frame to ``index`` in the chunk."""
        return self.dropped + self.held.length + index - self.start

    @cython.final
    cdef int accept(self, bytes data) except -1:
        if self.start < self.size or self.waiting_size:
            self.waiting.append(data)
            self.waiting_size += len(data)
        else:
            self.chunk_offset += self.size
            self.take_up(data)
        return 0

    cdef int take_up(self, bytes data) except -1:
        self.chunk = data
        self.base = <const unsigned char*> PyBytes_AS_STRING(data)
        self.size = PyBytes_GET_SIZE(data)
        self.start = self.scan = 0
        return 0

    @cython.final
    cdef inline void let_go_of_chunk(self) noexcept:
        self.chunk_offset += self.size
        self.size = self.start = self.scan = 0
        self.base = NULL
        self.chunk = None

    cdef bint more(self) except -1:
        """Hold what is left of the chunk, and take up the next; False where none waits."""
        cdef Py_ssize_t left = self.size - self.start
        if self.chunk is not None:
            if self.discarding:
                self.dropped += left
            elif left:
                self.held.append(self.base + self.start, left)
                self.touched += left
            self.let_go_of_chunk()
        if not self.waiting_size:
            return False
        self.take_up(self.waiting.popleft())
        self.waiting_size -= self.size
        return True

    cdef bint opened(self) except -1:
        """Pass over a BOM at the start of the stream; False while it cannot be told."""
        cdef Py_ssize_t index, before
        cdef unsigned char byte
        while True:
            before = self.held.length
            for index in range(3):
                if index >= before + self.size:
                    break
                byte = self.held.data()[index] if index < before else self.base[index - before]
                if byte != MARK[index]:
                    self.opening = False
                    return True
            else:
                self.held.clear()
                self.start = self.scan = 3 - before
                self.opening = False
                return True
            if not self.more():
                # At the end, what is there is all there is.
                self.opening = not self.finished
                return self.finished

    @cython.final
    cdef inline void pass_over(self, Py_ssize_t end) noexcept:
        """Let go of all up to ``end`` in the chunk."""
        self.start = end
        if self.held.length:
            self.held.clear()

    cdef bytes first_bytes(self, Py_ssize_t size):
        """At most ``size`` bytes of the unfinished frame."""
        cdef bytes begin = self.held.copy(0, min(size, self.held.length))
        cdef Py_ssize_t left = min(size - len(begin), self.size - self.start)
        return begin + PyBytes_FromStringAndSize(<char*> self.base + self.start, left) if left else begin
