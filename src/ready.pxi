# Async iteration: values that are there already are awaited without a coroutine of their own.
#
# An await ends with a StopIteration that carries the result. Making that exception is most of what
# awaiting costs from CPython 3.12 on, so the one that nobody has kept is used again.

ctypedef PyObject* (*Next)(PyObject*) noexcept

cdef extern from *:
    """
    /* Raise StopIteration(value); the reference to value is taken over. */
    static void ndstream_stop(PyObject **spare, PyObject *value) {
    #if PY_VERSION_HEX >= 0x030C0000
        PyStopIterationObject *stop = (PyStopIterationObject *)*spare;
        if (stop == NULL || Py_REFCNT(stop) != 1 || stop->traceback != NULL || stop->context != NULL) {
            Py_CLEAR(*spare);
            *spare = PyObject_CallNoArgs(PyExc_StopIteration);
            if (*spare == NULL) {
                Py_DECREF(value);
                return;
            }
            stop = (PyStopIterationObject *)*spare;
        }
        Py_XSETREF(stop->value, value);
        Py_INCREF(*spare);
        PyErr_SetRaisedException(*spare);
    #else
        /* These keep value and exception apart for as long as they can, so that nothing is made; but
           a tuple would be taken for arguments, and an exception for the one to raise. */
        (void)spare;
        if (PyTuple_Check(value) || PyExceptionInstance_Check(value)) {
            PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, value);
            if (stop != NULL) {
                PyErr_SetObject(PyExc_StopIteration, stop);
                Py_DECREF(stop);
            }
        }
        else {
            PyErr_SetObject(PyExc_StopIteration, value);
        }
        Py_DECREF(value);
    #endif
    }
    #define NDSTREAM_SET_NEXT(type, function) (((PyTypeObject *)(type))->tp_iternext = (function))
    """
    void raise_stop "ndstream_stop"(PyObject** spare, PyObject* value) noexcept
    void set_next "NDSTREAM_SET_NEXT"(object kind, Next function) noexcept

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* counted) noexcept
    void PyErr_SetString(object kind, const char* message) noexcept


@cython.final
@cython.internal
cdef class Ready:
    """The awaitable of one value."""

    cdef PyObject* value
    cdef PyObject* spare

    def __dealloc__(self):
        Py_XDECREF(self.value)
        Py_XDECREF(self.spare)

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        # Never runs: a method written in Cython would add a traceback to each StopIteration.
        raise NotImplementedError


cdef PyObject* ready_next(PyObject* ready) noexcept:
    cdef Ready self = <Ready> ready
    cdef PyObject* value = self.value
    if value == NULL:
        PyErr_SetString(RuntimeError, b"this value was awaited already")
        return NULL
    self.value = NULL
    raise_stop(&self.spare, value)
    return NULL


set_next(Ready, ready_next)


cdef class AsyncPuller:
    """The iterator under `ndstream.AsyncStream`, which adds `_refill`."""

    cdef public Decoder decoder
    cdef readonly bint _ended
    cdef Ready ready

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Outcome value = NOTHING
        if self.decoder is not None and not self._ended:
            value = self.decoder.step()
        if value == NOTHING:
            return self._refill()
        if self.ready is None or Py_REFCNT(<PyObject*> self.ready) != 1:
            self.ready = Ready.__new__(Ready)
        elif self.ready.value != NULL:
            Py_XDECREF(self.ready.value)
        self.ready.value = value
        return self.ready

    def _end(self):
        self._ended = True
