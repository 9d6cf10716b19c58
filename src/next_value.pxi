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
    # No check of the exception, which is passed on as it is.
    PyObject* call_method "PyObject_CallMethodOneArg"(PyObject* owner, PyObject* name, PyObject* argument) noexcept

cdef str SEND = "send"


cdef class AsyncPuller


@cython.final
@cython.internal
cdef class NextValue:
    """The awaitable of a stream's next value. The step is taken when it is awaited, not before.

    It has what a coroutine has, so that whatever takes the coroutine of an async generator's next
    value takes this: tasks of asyncio and nurseries of trio drive it by `send`.
    """

    cdef AsyncPuller stream
    cdef PyObject* value
    cdef object error
    cdef object stop
    # The coroutine that awaits the source, once `send` has begun it.
    cdef object slow_next

    def __dealloc__(self):
        Py_XDECREF(self.value)

    def __await__(self):
        cdef Result value
        cdef AsyncPuller stream = self.stream
        if self.value == NULL:
            if stream is None:
                raise RuntimeError("this value was awaited already")
            try:
                # The stream is held by a variable, since `loads` may await this object once more.
                value = stream.step()
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
        # `await` uses `ready_next` in its place: a method written in Cython adds a traceback to each
        # StopIteration.
        return self.send(None)

    def send(self, argument, /):
        if self.slow_next is None:
            awaited = self.__await__()
            if awaited is self:
                return self.raise_result()
            self.slow_next = awaited
        return self.slow_next.send(argument)

    def throw(self, *arguments):
        if self.slow_next is not None:
            return self.slow_next.throw(*arguments)
        self.close()
        kind, value, traceback = (*arguments, None, None)[:3]
        if not isinstance(kind, BaseException):
            kind = kind() if value is None else value if isinstance(value, kind) else kind(value)
        raise kind if traceback is None else kind.with_traceback(traceback)

    def close(self):
        self.stream = None
        if self.slow_next is not None:
            self.slow_next.close()

    cdef object raise_result(self):
        """End the await: raise the value as `StopIteration`, or the error of the step."""
        cdef PyObject* value = self.value
        error = self.error
        self.error = None
        if value == NULL:
            raise error
        self.value = NULL
        raise StopIteration(steal(value))


cdef PyObject* ready_next(PyObject* ready) noexcept:
    cdef NextValue self = <NextValue> ready
    cdef PyObject* value = self.value
    cdef PyObject* stop
    if value == NULL:
        error = self.error
        self.error = None
        if error is None and (self.stream is not None or self.slow_next is not None):
            # A task takes it as it is, without `__await__`.
            return call_method(ready, <PyObject*> SEND, <PyObject*> None)
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
