# Raw-pointer helpers that write: the counterpart of `scan`. Callers compute the size of what they write
# before they allocate it, and each helper returns the place after the bytes that it wrote.


cdef inline unsigned char* put(unsigned char* to, const void* data, Py_ssize_t size) noexcept nogil:
    """Copy ``size`` bytes."""
    memcpy(to, data, <size_t> size)
    return to + size


cdef inline unsigned char* put_field(
    unsigned char* to, const char* name, Py_ssize_t name_size, const unsigned char* value, Py_ssize_t size
) noexcept nogil:
    """Write one SSE line: the name with its colon and space, the value, LF."""
    to = put(put(to, name, name_size), value, size)
    to[0] = b"\n"
    return to + 1


cdef inline bint is_printable(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    """Whether all bytes are ASCII and none is below the space: text of one line, in UTF-8."""
    cdef unsigned long long seen = 0
    cdef unsigned long long word = 0
    cdef Py_ssize_t index
    # A byte below the space has its highest bit set when a space is subtracted. What it borrows from the byte above it
    # changes no answer, since one such byte is enough.
    if size < 8:
        for index in range(size):
            seen |= data[index] | (data[index] - 0x20ULL)
        return not seen & 0x80
    index = 0
    while index <= size - 8:
        memcpy(&word, data + index, 8)
        seen |= word | (word - 0x2020202020202020ULL)
        index += 8
    # The last eight once more, so that none is left out.
    memcpy(&word, data + size - 8, 8)
    seen |= word | (word - 0x2020202020202020ULL)
    return not seen & 0x8080808080808080ULL


cdef inline bint has_line_end(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    """Whether there is a CR or LF."""
    return memchr(data, b"\n", <size_t> size) != NULL or memchr(data, b"\r", <size_t> size) != NULL


cdef inline bint sets_id(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    """Whether a block of events has a line that clients take for its id: one of that name whose value has no NUL."""
    cdef Py_ssize_t begin = 0
    cdef Py_ssize_t end
    while begin < size:
        end = begin
        while end < size and data[end] != b"\n" and data[end] != b"\r":
            end += 1
        if end - begin >= 2 and data[begin] == b"i" and data[begin + 1] == b"d" and (
                end - begin == 2 or data[begin + 2] == b":") and (
                memchr(data + begin, 0, <size_t> (end - begin)) == NULL):
            return True
        begin = end + 1
    return False


cdef inline Py_ssize_t count_lines(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    """How many lines CR, LF and CRLF make of it, of which the last needs no end."""
    cdef Py_ssize_t lines = 1
    cdef Py_ssize_t index
    if not has_line_end(data, size):
        return lines
    for index in range(size):
        lines += data[index] == b"\n" or (
            data[index] == b"\r" and (index + 1 == size or data[index + 1] != b"\n"))
    return lines


cdef inline unsigned char* put_lines(
    unsigned char* to, const char* name, Py_ssize_t name_size, const unsigned char* data, Py_ssize_t size
) noexcept nogil:
    """Write each line as one SSE line of the same name."""
    cdef Py_ssize_t begin = 0
    cdef Py_ssize_t end = 0
    while True:
        while end < size and data[end] != b"\n" and data[end] != b"\r":
            end += 1
        to = put_field(to, name, name_size, data + begin, end - begin)
        if end == size:
            return to
        end += 2 if data[end] == b"\r" and end + 1 < size and data[end + 1] == b"\n" else 1
        begin = end


cdef inline Py_ssize_t put_digits(unsigned char* to, unsigned long long number) noexcept nogil:
    """Write a number in decimal, at most 20 digits; how many they are."""
    cdef unsigned char[20] reversed_digits
    cdef Py_ssize_t count = 0
    cdef Py_ssize_t index
    while True:
        reversed_digits[count] = 48 + <unsigned char> (number % 10)
        count += 1
        number //= 10
        if number == 0:
            break
    for index in range(count):
        to[index] = reversed_digits[count - 1 - index]
    return count
