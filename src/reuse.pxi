# Objects that are used again once nobody else holds them, as enumerate() does with its tuple. Making
# and freeing a small object costs about as much as finding the frame that it is for.
#
# A reference count of one proves that nobody else can see the object change. It proves nothing
# without the interpreter's lock, and there nothing is used again.

# Larger ones are made anew: they would be kept for long, and copying them costs more than making them.
cdef Py_ssize_t MAX_REUSED = 4096

cdef extern from *:
    """
    static inline int ndstream_is_unshared(PyObject *object) {
    #ifdef Py_GIL_DISABLED
        (void)object;
        return 0;
    #else
        return Py_REFCNT(object) == 1;
    #endif
    }

    #ifdef Py_GIL_DISABLED
    #define NDSTREAM_HAS_LOCK 0
    #else
    #define NDSTREAM_HAS_LOCK 1
    #endif

    #if defined(__GNUC__)
    #pragma GCC diagnostic push
    /* The cached hash has no successor in CPython; its field is only marked as not for users. */
    #pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    #endif
    /* A bytes object with this content, which `reusable` goes on owning: the reusable itself if nobody
       else holds it and its `capacity` fits, else a new one in its place. */
    static inline PyObject *ndstream_reuse_bytes(
        PyObject **reusable, Py_ssize_t *capacity, const unsigned char *data, Py_ssize_t size
    ) {
        PyObject *payload = *reusable;
        if (payload != NULL && size <= *capacity && size >= *capacity / 2 && ndstream_is_unshared(payload)) {
            Py_SET_SIZE((PyVarObject *)payload, size);
            ((PyBytesObject *)payload)->ob_shash = -1;
            memcpy(PyBytes_AS_STRING(payload), data, (size_t)size);
            PyBytes_AS_STRING(payload)[size] = 0;
            return payload;
        }
        payload = PyBytes_FromStringAndSize((const char *)data, size);
        if (payload != NULL) {
            Py_XSETREF(*reusable, payload);
            *capacity = size;
        }
        return payload;
    }
    #if defined(__GNUC__)
    #pragma GCC diagnostic pop
    #endif
    """
    bint is_unshared "ndstream_is_unshared"(PyObject* object) noexcept
    bint HAS_LOCK "NDSTREAM_HAS_LOCK"
    PyObject* reuse_bytes "ndstream_reuse_bytes"(
        PyObject** reusable, Py_ssize_t* capacity, const unsigned char* data, Py_ssize_t size
    ) except NULL
