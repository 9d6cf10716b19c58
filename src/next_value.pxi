# The awaitable of a stream's next value, which needs no coroutine if the value is there already.
#
# An await ends with a StopIteration that carries the result. Making that exception is most of what
# awaiting costs from CPython 3.12 on, so the one that nobody has kept is used again.

ctypedef PyObject* (*Next)(PyObject*) noexcept

cdef extern from *:
    """
    /* A new reference to a StopIteration to raise: `spare` unless somebody has kept it. */
    static PyObject *ndstream_reusable_stop(PyObject *spare) {
    #if PY_VERSION_HEX >= 0x030C0000
        PyBaseExceptionObject *stop = (PyBaseExceptionObject *)spare;
        if (spare == Py_None || Py_REFCNT(spare) != 1 || stop->traceback != NULL || stop->context != NULL)
            return PyObject_CallNoArgs(PyExc_StopIteration);
    #endif
        return Py_NewRef(spare);
    }

    /* Raise StopIteration(value); both references are taken over. */
    static void ndstream_stop(PyObject *stop, PyObject *value) {
    #if PY_VERSION_HEX >= 0x030C0000
        Py_XSETREF(((PyStopIterationObject *)stop)->value, value);
        PyErr_SetRaisedException(stop);
    #else
        /* These keep value and exception apart for as long as they can, so that nothing is made; but
           a tuple would be taken for arguments, and an exception for the one to raise. */
        Py_DECREF(stop);
        if (PyTuple_Check(value) || PyExceptionInstance_Check(value)) {
            stop = PyObject_CallOneArg(PyExc_StopIteration, value);
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
    PyObject* reusable_stop "ndstream_reusable_stop"(PyObject* spare) noexcept
    void raise_stop "ndstream_stop"(PyObject* stop, PyObject* value) noexcept
    void set_next "NDSTREAM_SET_NEXT"(object kind, Next function) noexcept

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject* counted) noexcept
    void PyErr_SetObject(object kind, object error) noexcept
    void PyErr_SetString(object kind, const char* message) noexcept


cdef class AsyncPuller


@cython.final
@cython.internal
cdef class NextValue:
    """The awaitable of a stream's next value. The step is taken when it is awaited, not before."""

    cdef AsyncPuller stream
    cdef PyObject* value
    cdef object error
    cdef object stop

    def __dealloc__(self):
        Py_XDECREF(self.value)

    def __await__(self):
        cdef Result value
        if self.value == NULL:
            if self.stream is None:
                raise RuntimeError("this value was awaited already")
            try:
                value = self.stream.step()
            except BaseException as error:
                # Raised by the await itself: `async for` takes an error here for a wrong type.
                self.error = error
                self.stream = None
                return self
            if value == NOTHING:
                return self.refill()
            self.stream = None
            self.value = value
        return self

    cdef object refill(self):
        stream = self.stream
        self.stream = None
        self.stop = None
        return stream._slow_next().__await__()

    def __iter__(self):
        return self

    def __next__(self):
        # Never runs: a method written in Cython would add a traceback to each StopIteration.
        raise NotImplementedError


cdef PyObject* ready_next(PyObject* ready) noexcept:
    cdef NextValue self = <NextValue> ready
    cdef PyObject* value = self.value
    cdef PyObject* stop
    if value == NULL:
        error = self.error
        self.error = None
        if error is None:
            PyErr_SetString(RuntimeError, b"this value was awaited already")
        else:
            PyErr_SetObject(type(error), error)
        return NULL
    stop = reusable_stop(<PyObject*> self.stop)
    if stop != NULL:
        if stop != <PyObject*> self.stop:
            self.stop = <object> stop
        self.value = NULL
        raise_stop(stop, value)
    return NULL


set_next(NextValue, ready_next)
