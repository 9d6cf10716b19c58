# What `await` does, in C: the iterator of an awaitable, the exception with which it ends, and the
# memory of awaitables that are over.

cdef extern from *:
    """
    /* The iterator of an awaitable, as `await` gets it. A new reference. */
    static PyObject *ndstream_await(PyObject *awaitable) {
        PyAsyncMethods *methods = Py_TYPE(awaitable)->tp_as_async;
        PyObject *iterator;
        if (PyCoro_CheckExact(awaitable) || PyGen_CheckExact(awaitable)) return Py_NewRef(awaitable);
        if (methods == NULL || methods->am_await == NULL) {
            PyErr_Format(PyExc_TypeError, "__anext__ of the source gave a %.100s, which cannot be awaited",
                         Py_TYPE(awaitable)->tp_name);
            return NULL;
        }
        iterator = methods->am_await(awaitable);
        if (iterator != NULL && !PyIter_Check(iterator)) {
            PyErr_Format(PyExc_TypeError, "__await__() returned a %.100s, which is no iterator",
                         Py_TYPE(iterator)->tp_name);
            Py_CLEAR(iterator);
        }
        return iterator;
    }

    /* The iterator to drive for the next item of an async iterator. A new reference. */
    static PyObject *ndstream_await_next(PyObject *async_iterator) {
        PyAsyncMethods *methods = Py_TYPE(async_iterator)->tp_as_async;
        PyObject *awaitable, *iterator;
        if (methods != NULL && methods->am_anext != NULL) awaitable = methods->am_anext(async_iterator);
        else awaitable = PyObject_CallMethod(async_iterator, "__anext__", NULL);
        if (awaitable == NULL) return NULL;
        iterator = ndstream_await(awaitable);
        Py_DECREF(awaitable);
        return iterator;
    }

    /* An await may end with a StopIteration that carries the result. Making that exception is most of
       what awaiting costs from CPython 3.12 on, so one that nobody has kept is used again. */
    #if PY_VERSION_HEX >= 0x030C0000 && !defined(Py_GIL_DISABLED)
    static PyObject *ndstream_spare_stop = NULL;

    static int ndstream_is_clean(PyObject *stop) {
        PyBaseExceptionObject *error = (PyBaseExceptionObject *)stop;
        return Py_REFCNT(stop) == 1 && error->traceback == NULL && error->context == NULL
            && error->cause == NULL && error->dict == NULL && error->notes == NULL;
    }

    /* Raise StopIteration(value), whose reference is taken over. A new reference to the exception for
       `ndstream_release_stop`, or None. */
    static PyObject *ndstream_raise_stop(PyObject *value) {
        PyObject *stop = ndstream_spare_stop;
        ndstream_spare_stop = NULL;
        if (stop == NULL) stop = PyObject_CallNoArgs(PyExc_StopIteration);
        if (stop == NULL) {
            Py_DECREF(value);
            return Py_NewRef(Py_None);
        }
        Py_XSETREF(((PyStopIterationObject *)stop)->value, value);
        PyErr_SetRaisedException(Py_NewRef(stop));
        return stop;
    }

    /* Take the value out of an exception that nobody has kept, and keep it for another one. */
    static void ndstream_release_stop(PyObject *stop) {
        if (stop == NULL || stop == Py_None || !ndstream_is_clean(stop)) return;
        Py_CLEAR(((PyStopIterationObject *)stop)->value);
        if (ndstream_spare_stop == NULL && ndstream_is_clean(stop)) ndstream_spare_stop = Py_NewRef(stop);
    }
    #else
    static PyObject *ndstream_raise_stop(PyObject *value) {
        /* A tuple would be taken for arguments, and an exception for the one to raise. */
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
        return Py_NewRef(Py_None);
    }

    static void ndstream_release_stop(PyObject *stop) { (void)stop; }
    #endif

    #ifdef Py_TPFLAGS_HAVE_AM_SEND
    #define NDSTREAM_ALLOW_SEND(type) ((type)->tp_flags |= Py_TPFLAGS_HAVE_AM_SEND)
    #else
    #define NDSTREAM_ALLOW_SEND(type)
    #endif
    /* An awaitable that is over is kept for the next value, as small objects of CPython are. */
    static PyObject *ndstream_spare_next_value = NULL;
    static destructor ndstream_free_next_value;
    static int (*ndstream_is_over)(PyObject *);

    static void ndstream_drop_next_value(PyObject *self) {
    #ifndef Py_GIL_DISABLED
        if (ndstream_is_over(self) && ndstream_spare_next_value == NULL) {
            PyObject_GC_UnTrack(self);
            ndstream_spare_next_value = self;
            return;
        }
    #else
        ndstream_is_over(self);
    #endif
        ndstream_free_next_value(self);
    }

    /* The one that was kept, as a new reference, or NULL. */
    static PyObject *ndstream_take_next_value(void) {
        PyObject *self = ndstream_spare_next_value;
        if (self == NULL) return NULL;
        ndstream_spare_next_value = NULL;
        PyObject_Init(self, Py_TYPE(self));
        PyObject_GC_Track(self);
        return self;
    }

    #define NDSTREAM_SET_SLOTS(kind, next, send, is_over) do { \\
        ndstream_is_over = (is_over); \\
        ndstream_free_next_value = ((PyTypeObject *)(kind))->tp_dealloc; \\
        ((PyTypeObject *)(kind))->tp_dealloc = ndstream_drop_next_value; \\
        ((PyTypeObject *)(kind))->tp_iternext = (next); \\
        ((PyTypeObject *)(kind))->tp_as_async->am_send = (sendfunc)(send); \\
        NDSTREAM_ALLOW_SEND((PyTypeObject *)(kind)); \\
    } while (0)
    """
    ctypedef PyObject* (*Next)(PyObject*) except NULL
    ctypedef int (*Send)(PyObject*, PyObject*, PyObject**) except -1
    PyObject* await_next "ndstream_await_next"(PyObject* async_iterator) noexcept
    object raise_stop "ndstream_raise_stop"(PyObject* value)
    void release_stop "ndstream_release_stop"(PyObject* stop) noexcept
    ctypedef int (*IsOver)(PyObject*) noexcept
    PyObject* take_next_value "ndstream_take_next_value"() noexcept
    void set_slots "NDSTREAM_SET_SLOTS"(object kind, Next next, Send send, IsOver is_over) noexcept

cdef extern from "Python.h":
    # What driving an iterator comes to: it raised, it returned a result, or it yielded one.
    enum: PYGEN_ERROR
    enum: PYGEN_RETURN
    enum: PYGEN_NEXT
    int PyIter_Send(PyObject* iterator, PyObject* argument, PyObject** result) noexcept
