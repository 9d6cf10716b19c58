# The bytes of one frame that came in more than one chunk, kept in one growing bytes object, which
# is handed out as it is: a frame that was cut costs one copy, not two. The only place that
# allocates memory of its own.
#
# Between calls: bytes [0, length) of the object are the frame, the rest is room to grow into; the
# object is NULL or owned by nobody else.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_XDECREF, PyObject

cdef extern from "Python.h":
    PyObject* new_bytes "PyBytes_FromStringAndSize"(const char* data, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject** object, Py_ssize_t size) except -1
    Py_ssize_t MOST_BYTES "PY_SSIZE_T_MAX"

cdef Py_ssize_t LEAST_ROOM = 256


@cython.final
@cython.internal
cdef class ByteStore:
    cdef PyObject* room
    cdef Py_ssize_t length

    def __dealloc__(self):
        Py_XDECREF(self.room)

    cdef inline const unsigned char* data(self) noexcept:
        return <const unsigned char*> PyBytes_AS_STRING(<object> self.room)

    cdef int append(self, const unsigned char* data, Py_ssize_t size) except -1:
        """Copy ``size`` bytes to the end. After a MemoryError the store is empty."""
        cdef Py_ssize_t needed
        if size == 0:
            return 0
        if size > MOST_BYTES // 2 - self.length:
            self.clear()
            raise MemoryError
        needed = self.length + size
        if self.room == NULL:
            self.room = new_bytes(NULL, max(needed, LEAST_ROOM))
        elif needed > PyBytes_GET_SIZE(<object> self.room):
            # Growth by half of what is there keeps the copying linear in the frame's size.
            try:
                _PyBytes_Resize(&self.room, needed + needed // 2)
            except MemoryError:
                self.length = 0
                raise
        memcpy(PyBytes_AS_STRING(<object> self.room) + self.length, data, <size_t> size)
        self.length = needed
        return 0

    cdef bytes take(self, Py_ssize_t size):
        """Hand out the first ``size`` bytes and be empty."""
        cdef PyObject* room = self.room
        cdef bytes taken
        if room == NULL:
            return b""
        self.room = NULL
        self.length = 0
        _PyBytes_Resize(&room, size)
        taken = <bytes> room
        Py_XDECREF(room)
        return taken

    cdef bytes copy(self, Py_ssize_t begin, Py_ssize_t end):
        """A copy of the bytes [begin, end)."""
        if begin >= end:
            return b""
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(<object> self.room) + begin, end - begin)

    cdef void clear(self) noexcept:
        Py_XDECREF(self.room)
        self.room = NULL
        self.length = 0
