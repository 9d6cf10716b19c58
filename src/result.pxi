# What a step comes to, and what C must do by hand to get there at the price of a plain call.

cdef extern from *:
    """
    static PyObject ndstream_nothing;
    #define NDSTREAM_STEAL(reference) (reference)
    """
    PyObject ndstream_nothing
    # The object of a reference that the caller owns, without counting it once more.
    object steal "NDSTREAM_STEAL"(PyObject* reference)

cdef extern from *:
    """
    /* function(argument), for a C function of one argument without what a call has in general. */
    static inline PyObject *ndstream_call(PyObject *function, PyObject *argument) {
        if (PyCFunction_CheckExact(function) &&
            PyCFunction_GET_FLAGS(function) == METH_O) {
            return PyCFunction_GET_FUNCTION(function)(PyCFunction_GET_SELF(function), argument);
        }
        return PyObject_CallOneArg(function, argument);
    }
    """
    # Declared with pointers, so that neither the call nor a refusal costs more than it must.
    PyObject* call "ndstream_call"(PyObject* function, PyObject* argument)

cdef extern from "Python.h":
    PyObject* Py_NewRef(PyObject* object)

# What a step comes to: a value, as a reference that the caller owns, or NOTHING, which nobody owns.
# A reference that is passed on like this is never counted up and down on its way: from CPython 3.12
# on each such pair stalls the processor for longer than finding the frame takes.
ctypedef PyObject* Result
cdef Result NOTHING = &ndstream_nothing


cdef int propagate() except -1:
    """Turn an exception that C code has set into one that Cython can catch."""
    return -1
