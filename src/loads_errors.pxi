# What an exception of ``loads`` means: only some of them say that the frame is bad.

from orjson import JSONDecodeError as orjson_error

cdef enum LoadsError:
    # What an exception of ``loads`` says: the frame is bad; the program is; memory ran out; Ctrl-C.
    BAD_FRAME, MISUSE_OF_LOADS, NO_MEMORY, INTERRUPT

cdef extern from *:
    """
    /* Whether orjson raised this, and means that it could not allocate memory. Up to CPython 3.11 the
       value may still be the tuple of arguments. */
    static int ndstream_says_no_memory(PyObject *kind, PyObject *value, PyObject *orjson_error) {
        PyObject *message = value;
        if (kind != orjson_error || value == NULL) return 0;
        if (PyExceptionInstance_Check(message)) message = ((PyBaseExceptionObject *)message)->args;
        if (message != NULL && PyTuple_Check(message) && PyTuple_GET_SIZE(message) > 0)
            message = PyTuple_GET_ITEM(message, 0);
        if (message == NULL || !PyUnicode_Check(message)) return 0;
        const char *text = PyUnicode_AsUTF8(message);
        if (text == NULL) {
            PyErr_Clear();
            return 0;
        }
        return strncmp(text, "Not enough memory", 17) == 0;
    }

    /* What the exception that is set means for a frame. One of orjson's own that means that memory ran
       out becomes a MemoryError. */
    static int ndstream_loads_error(PyObject *orjson_error) {
        int no_memory;
        if (PyErr_ExceptionMatches(PyExc_MemoryError)) return 2;
        /* The interpreter itself failed, as some do where memory runs out: it says nothing of the frame. */
        if (PyErr_ExceptionMatches(PyExc_SystemError)) return 2;
        if (!PyErr_ExceptionMatches(PyExc_Exception)) return 3;
        if (PyErr_ExceptionMatches(PyExc_RuntimeError)) return !PyErr_ExceptionMatches(PyExc_RecursionError);
    #if PY_VERSION_HEX >= 0x030C0000
        PyObject *error = PyErr_GetRaisedException();
        no_memory = ndstream_says_no_memory((PyObject *)Py_TYPE(error), error, orjson_error);
        PyErr_SetRaisedException(error);
    #else
        PyObject *kind, *value, *traceback;
        PyErr_Fetch(&kind, &value, &traceback);
        no_memory = ndstream_says_no_memory(kind, value, orjson_error);
        PyErr_Restore(kind, value, traceback);
    #endif
        if (!no_memory) return 0;
        PyErr_NoMemory();
        return 2;
    }
    """
    LoadsError classify_loads_error "ndstream_loads_error"(PyObject* orjson_error) noexcept

cdef extern from "Python.h":
    void PyErr_Clear() noexcept
