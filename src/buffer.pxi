# The bytes of one frame that came in more than one chunk, kept in one growing bytes object. That
# object itself is handed out in the end: a frame that was cut costs one copy, not two. This is the
# only place that allocates memory of its own.
#
# Between calls: bytes [0, length) of the storage are the frame, the rest is capacity to grow into;
# the storage is NULL or owned by nobody else.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_XDECREF, PyObject

cdef extern from "Python.h":
    PyObject* new_bytes "PyBytes_FromStringAndSize"(const char* data, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject** object, Py_ssize_t size) except -1
    Py_ssize_t MAX_BYTES "PY_SSIZE_T_MAX"

cdef Py_ssize_t MIN_CAPACITY = 256


@cython.final
@cython.internal
cdef class ByteStore:
    cdef PyObject* storage
    cdef Py_ssize_t length

    def __dealloc__(self):
        Py_XDECREF(self.storage)

    cdef inline const unsigned char* data(self) noexcept:
        return <const unsigned char*> PyBytes_AS_STRING(<object> self.storage)

    cdef int append(self, const unsigned char* data, Py_ssize_t size) except -1:
        """Copy ``size`` bytes to the end. After a MemoryError the store is empty."""
        cdef Py_ssize_t needed
        if size == 0:
            return 0
        if size > MAX_BYTES // 2 - self.length:
            self.clear()
            raise MemoryError
        needed = self.length + size
        if self.storage == NULL:
            self.storage = new_bytes(NULL, max(needed, MIN_CAPACITY))
        elif needed > PyBytes_GET_SIZE(<object> self.storage):
            # Growth by half of the size keeps the copying linear in the frame's size.
            try:
                _PyBytes_Resize(&self.storage, needed + needed // 2)
            except MemoryError:
                self.length = 0
                raise
        memcpy(PyBytes_AS_STRING(<object> self.storage) + self.length, data, <size_t> size)
        self.length = needed
        return 0

    cdef bytes detach(self, Py_ssize_t size):
        """Hand out the first ``size`` bytes of a store that is not empty, and be empty."""
        cdef PyObject* storage = self.storage
        cdef bytes detached
        self.storage = NULL
        self.length = 0
        _PyBytes_Resize(&storage, size)
        detached = <bytes> storage
        Py_XDECREF(storage)
        return detached

    cdef bytes copy(self, Py_ssize_t begin, Py_ssize_t end):
        """A copy of the bytes [begin, end)."""
        if begin >= end:
            return b""
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(<object> self.storage) + begin, end - begin)

    cdef void clear(self) noexcept:
        Py_XDECREF(self.storage)
        self.storage = NULL
        self.length = 0
