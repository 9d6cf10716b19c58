# What frames are made of, as the bytes that are written: text, ready bytes, values as JSON, ids and delays.
#
# Nothing is stripped or repaired: what would end a line where none may end, and so let data pass for
# fields or frames, is refused. The output of `dumps` is checked as well, since an orjson.Fragment or a
# `dumps` of the user's may hold any bytes.

from orjson import dumps as orjson_dumps

from ndstream import _encode_diagnosis

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    bint PyUnicode_IS_ASCII "PyUnicode_IS_COMPACT_ASCII"(object text) noexcept

# Looked up once: a name of the module would be looked up for each frame.
cdef object default_dumps = orjson_dumps

cdef long long MAX_WRITTEN_RETRY = 2 ** 63 - 1

# What a client reads as U+0085, U+2028 and U+2029 in UTF-8, and their escapes in JSON.
cdef tuple ESCAPES = ((b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))


cdef inline const unsigned char* bytes_of(object encoded, Py_ssize_t* size) except NULL:
    """The bytes of what `utf8` returned, which lives at least as long."""
    if PyBytes_CheckExact(encoded):
        size[0] = PyBytes_GET_SIZE(encoded)
        return <const unsigned char*> PyBytes_AS_STRING(encoded)
    return <const unsigned char*> PyUnicode_AsUTF8AndSize(encoded, size)


cdef inline object utf8(str text, str field):
    """UTF-8 of a text: ASCII is that already, anything else is encoded."""
    if PyUnicode_IS_ASCII(text):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        cause = error
    raise _encode_diagnosis.lone_surrogate(field, text, cause)


cdef int check_utf8(bytes data, str field) except -1:
    """Refuse bytes that are not UTF-8."""
    if is_ascii(<const unsigned char*> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)):
        return 0
    try:
        PyUnicode_DecodeUTF8(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), NULL)
    except UnicodeDecodeError as error:
        cause = error
    else:
        return 0
    raise _encode_diagnosis.not_utf8(field, cause)


cdef object dumped(object value, str field, object dumps):
    """The JSON of a value: as `utf8` returns it, or bytes of which nothing is known yet."""
    if dumps is None:
        dumps = default_dumps
    cdef PyObject* written = call(<PyObject*> dumps, <PyObject*> value)
    if written == NULL:
        raise_for_dumps(value, field, dumps)
    encoded = steal(written)
    if PyBytes_CheckExact(encoded):
        return encoded
    if isinstance(encoded, str):
        return utf8(str.__str__(encoded), field)
    raise TypeError(f"dumps must return bytes or str, not {type(encoded).__name__}")


cdef int raise_for_dumps(object value, str field, object dumps) except -1:
    """Raise the error for the exception of ``dumps`` that is set, or that itself if it says nothing of the value."""
    try:
        propagate()
    except (MemoryError, SystemError):
        raise
    except RecursionError as error:
        cause = error
    except RuntimeError:
        raise
    except Exception as error:
        cause = error
    raise _encode_diagnosis.not_json(field, value, dumps, cause)


cdef object escaped(object encoded):
    """The same with the three line ends of Unicode as escapes of JSON."""
    if not PyBytes_CheckExact(encoded) or is_ascii(
            <const unsigned char*> PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded)):
        return encoded
    for raw, escape in ESCAPES:
        encoded = (<bytes> encoded).replace(raw, escape)
    return encoded


cdef object ready_or_dumped(object data, str field, object dumps):
    """Ready bytes as they are, any other value as JSON; nothing is known yet of these bytes."""
    # Asked first, because asking for a bytearray takes a call.
    if isinstance(data, (dict, list)):
        return dumped(data, field, dumps)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return data if PyBytes_CheckExact(data) else copied(data)
    return dumped(data, field, dumps)


cdef bytes copied(object buffer):
    """The bytes of a buffer; those of a memoryview need not lie side by side."""
    return buffer.tobytes() if isinstance(buffer, memoryview) else b"".join((buffer,))


cdef object line_of(object text, str field):
    """The UTF-8 of a value that is one line by definition."""
    cdef Py_ssize_t size
    cdef const unsigned char* data
    if not isinstance(text, str):
        raise _encode_diagnosis.wrong_type(field, text, "a str")
    encoded = utf8(text if type(text) is str else str.__str__(text), field)
    data = bytes_of(encoded, &size)
    if is_printable(data, size):
        return encoded
    if has_line_end(data, size) or (field == "id" and memchr(data, 0, <size_t> size) != NULL):
        raise _encode_diagnosis.not_one_line(field, text)
    return encoded


cdef object id_of(object id):
    if isinstance(id, int) and not isinstance(id, bool):
        try:
            # An int of a subclass may write itself in any way.
            return str(id if type(id) is int else int.__add__(id, 0))
        except ValueError:
            pass
        raise _encode_diagnosis.wrong_type("id", id, "a str, or an int of fewer digits")
    if not isinstance(id, str):
        raise _encode_diagnosis.wrong_type("id", id, "a str or an int")
    return line_of(id, "id")


cdef long long retry_of(object retry) except -1:
    if isinstance(retry, bool) or not isinstance(retry, int):
        raise _encode_diagnosis.wrong_type("retry", retry, "a whole number of milliseconds")
    if not 0 <= retry <= MAX_WRITTEN_RETRY:
        raise _encode_diagnosis.retry_out_of_range(retry, MAX_WRITTEN_RETRY)
    return retry


cdef object json_of(object value, object dumps, bint escape):
    """The JSON of a value, or ready bytes of it, which may not be blank: decoders pass over what is."""
    cdef Py_ssize_t size
    cdef const unsigned char* data
    payload = ready_or_dumped(value, "value", dumps)
    if PyBytes_CheckExact(payload):
        check_utf8(payload, "value")
    data = bytes_of(payload, &size)
    if is_blank(data, size):
        raise _encode_diagnosis.blank()
    # At the start of a stream decoders would drop it, and the value with it if that is all there is.
    if size >= 3 and memcmp(data, BOM, 3) == 0:
        raise _encode_diagnosis.byte_order_mark()
    return escaped(payload) if escape else payload
