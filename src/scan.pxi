# Raw-pointer helpers: the only place that indexes memory without checks. They touch no Python
# object, so each is noexcept and may run without the GIL. A caller passes a pointer and the number
# of bytes that begin there; nothing outside of these is read.

from libc.string cimport memchr, memcmp, memcpy

cdef extern from *:
    """
    #include <string.h>
    #ifdef _MSC_VER
    static const void *ndstream_memmem(const void *data, size_t size, const void *needle, size_t length) {
        const char *at = (const char *)data, *last = at + size - length;
        if (size < length) return NULL;
        for (; at <= last && (at = (const char *)memchr(at, *(const char *)needle, last - at + 1)); at++)
            if (memcmp(at, needle, length) == 0) return at;
        return NULL;
    }
    #else
    #define ndstream_memmem memmem
    #endif

    /* Bytes that are common in JSON, the commonest first after the quotation mark. All others are rare. */
    static const char ndstream_common[] = "etainosrl:,d0123456789cmup-./hg_bf{}T ZwyS";

    static size_t ndstream_rareness(unsigned char byte) {
        const char *found = (const char *)memchr(ndstream_common, byte, sizeof ndstream_common - 1);
        if (byte == 0x22) return 0;
        return found ? (size_t)(found - ndstream_common) + 1 : sizeof ndstream_common;
    }

    /* The first needle. Blocks are looked at for three bytes of it at their distances, which a compiler does for many
       places at once, and takes a half to a quarter of the time of memmem. Two of them are its rarest bytes, and the
       third is in its second half: what many lines have in common (a key) is at the beginning. If there are many
       places that look like the needle and are not, memmem goes on, whose work is linear. */
    static const void *ndstream_find(const void *data, size_t size, const void *sought, size_t length) {
        const unsigned char *begin = (const unsigned char *)data, *needle = (const unsigned char *)sought;
        size_t first = 0, second = 1, third, place, block = 0, work = 0;
        if (length < 4 || size < length + 64) return ndstream_memmem(data, size, sought, length);
        for (place = 1; place < length; place++)
            if (ndstream_rareness(needle[place]) > ndstream_rareness(needle[first])) { second = first; first = place; }
            else if (ndstream_rareness(needle[place]) > ndstream_rareness(needle[second])) second = place;
        third = length - 1;
        for (place = length / 2; place < length; place++)
            if (place != first && place != second
                && ndstream_rareness(needle[place]) > ndstream_rareness(needle[third])) third = place;
        for (; block + 64 <= size - length + 1; block += 64) {
            const unsigned char *one = begin + block + first, *two = begin + block + second;
            const unsigned char *three = begin + block + third;
            unsigned char found = 0;
            int index;
            for (index = 0; index < 64; index++)
                found |= (one[index] == needle[first]) & (two[index] == needle[second])
                    & (three[index] == needle[third]);
            for (index = 0; found && index < 64; index++) {
                if (one[index] != needle[first] || two[index] != needle[second]) continue;
                if (memcmp(begin + block + index, needle, length) == 0) return begin + block + index;
                work += length;
                if (work > 4 * (block + 64)) {
                    block += index + 1;
                    return ndstream_memmem(begin + block, size - block, sought, length);
                }
            }
        }
        return ndstream_memmem(begin + block, size - block, sought, length);
    }

    /* Blocks in which the count fits into a byte: a compiler then adds up many at once. */
    static size_t ndstream_count(const unsigned char *data, size_t size, unsigned char byte) {
        size_t count = 0, index = 0;
        for (; index + 240 <= size; index += 240) {
            unsigned char in_block = 0;
            int place;
            for (place = 0; place < 240; place++) in_block += data[index + place] == byte;
            count += in_block;
        }
        for (; index < size; index++) count += data[index] == byte;
        return count;
    }
    """
    const void* ndstream_find(
        const void* data, size_t size, const void* needle, size_t length) noexcept nogil
    size_t ndstream_count(const unsigned char* data, size_t size, unsigned char byte) noexcept nogil


cdef inline Py_ssize_t find_byte(
    const unsigned char* data, Py_ssize_t begin, Py_ssize_t end, unsigned char byte
) noexcept nogil:
    """The index of the first ``byte`` in [begin, end), or ``end``."""
    # Runs of terminators are common (the blank line of an event), and a call costs more than a look.
    if begin < end and data[begin] == byte:
        return begin
    cdef const unsigned char* found = <const unsigned char*> memchr(data + begin, byte, <size_t> (end - begin))
    return end if found == NULL else found - data


cdef inline Py_ssize_t find_bytes(
    const unsigned char* data, Py_ssize_t begin, Py_ssize_t end, const unsigned char* needle, Py_ssize_t length
) noexcept nogil:
    """The index of the first whole ``needle`` in [begin, end), or ``end``."""
    cdef const unsigned char* found = <const unsigned char*> ndstream_find(
        data + begin, <size_t> (end - begin), needle, <size_t> length)
    return end if found == NULL else found - data


cdef inline unsigned long long mixed(unsigned long long number) noexcept nogil:
    """A hash of the number whose bits are as good as random: the finalizer of SplitMix64."""
    number += 0x9E3779B97F4A7C15ULL
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9ULL
    number = (number ^ (number >> 27)) * 0x94D049BB133111EBULL
    return number ^ (number >> 31)


cdef inline bint is_space(unsigned char byte) noexcept nogil:
    """Whether JSON counts the byte as white space (RFC 8259, section 2)."""
    return byte == b" " or byte == b"\n" or byte == b"\r" or byte == b"\t"


cdef inline bint is_blank(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    """Whether there is nothing but JSON white space."""
    cdef Py_ssize_t index
    for index in range(size):
        if not is_space(data[index]):
            return False
    return True


cdef inline Py_ssize_t size_without_cr(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    """The size without the one CR that may precede a LF."""
    return size - 1 if size > 0 and data[size - 1] == b"\r" else size


cdef inline bint is_ascii(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    """Whether no byte has its highest bit set."""
    cdef unsigned char seen = 0
    cdef Py_ssize_t index
    # No early way out: so the compiler can look at many at once.
    for index in range(size):
        seen |= data[index]
    return seen < 0x80


cdef inline bint is_sentinel(
    const unsigned char* data, Py_ssize_t size, const unsigned char* sentinel, Py_ssize_t length
) noexcept nogil:
    """Whether the payload is the sentinel, but for white space around it."""
    while size > length and is_space(data[0]):
        data += 1
        size -= 1
    while size > length and is_space(data[size - 1]):
        size -= 1
    return size == length and memcmp(data, sentinel, <size_t> length) == 0


cdef inline bint is_field(
    const unsigned char* line, Py_ssize_t size, const char* name, Py_ssize_t length
) noexcept nogil:
    """Whether an SSE line is of the field ``name``: alone, or with a colon after it."""
    return (
        size >= length and memcmp(line, name, <size_t> length) == 0
        and (size == length or line[length] == b":"))


cdef inline Py_ssize_t value_start(
    const unsigned char* line, Py_ssize_t size, Py_ssize_t name_length
) noexcept nogil:
    """Where the value of an SSE line begins: after the colon and at most one space."""
    if size <= name_length:
        return size
    return name_length + 2 if size > name_length + 1 and line[name_length + 1] == b" " else name_length + 1


cdef inline long long parse_digits(const unsigned char* data, Py_ssize_t size, long long maximum) noexcept nogil:
    """The value of ASCII digits, at most ``maximum``; -1 if there is anything else, or nothing."""
    cdef long long number = 0
    cdef Py_ssize_t index
    if size == 0:
        return -1
    for index in range(size):
        if not b"0" <= data[index] <= b"9":
            return -1
        # Clamped at each step, so that no number of digits can overflow.
        number = min(number * 10 + (data[index] - 48), maximum)
    return number


cdef struct Element:
    # How far the text of a JSON sequence element has got.
    Py_ssize_t depth
    bint content
    bint in_string
    bint escaped


cdef inline Py_ssize_t element_end(
    const unsigned char* data, Py_ssize_t begin, Py_ssize_t end, Element* element
) noexcept nogil:
    """The index of the RS or LF that ends the element, or ``end``.

    A LF ends it if the text before it is whole: outside strings and brackets. What is within is
    not checked here; ``loads`` does that.
    """
    cdef Py_ssize_t index
    cdef unsigned char byte
    for index in range(begin, end):
        byte = data[index]
        if byte == 0x1E:
            return index
        if element.in_string:
            if element.escaped:
                element.escaped = False
            elif byte == b"\\":
                element.escaped = True
            elif byte == b'"':
                element.in_string = False
        elif byte == b"\n":
            if element.content and element.depth <= 0:
                return index
        elif not is_space(byte):
            element.content = True
            if byte == b'"':
                element.in_string = True
            elif byte == b"{" or byte == b"[":
                element.depth += 1
            elif byte == b"}" or byte == b"]":
                element.depth -= 1
    return end


cdef inline Py_ssize_t skip_digits(const unsigned char* data, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    while begin < end and b"0" <= data[begin] <= b"9":
        begin += 1
    return begin


cdef inline bint begins_number(const unsigned char* data, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Whether the bytes [begin, end) are one number (RFC 8259, section 6), or the beginning of one."""
    cdef Py_ssize_t index = begin
    if index < end and data[index] == b"-":
        index += 1
    begin = index
    index = skip_digits(data, begin, end)
    if index == begin:
        return index == end
    if data[begin] == b"0" and index > begin + 1:
        return False
    if index < end and data[index] == b".":
        begin = index + 1
        index = skip_digits(data, begin, end)
        if index == begin:
            return index == end
    if index < end and (data[index] == b"e" or data[index] == b"E"):
        begin = index + 1
        if begin < end and (data[begin] == b"+" or data[begin] == b"-"):
            begin += 1
        index = skip_digits(data, begin, end)
    return index == end


cdef inline bint begins_name(
    const unsigned char* data, Py_ssize_t size, const char* name, Py_ssize_t length
) noexcept nogil:
    return size <= length and memcmp(data, name, <size_t> size) == 0


cdef inline bint may_be_cut(const unsigned char* data, Py_ssize_t size) noexcept nogil:
    """Whether a text, which is not white space alone, is a number or a name, or begins one, with nothing after it (RFC
    7464, section 2.4).

    ``12`` may have been ``123``; brackets, quotes and white space prove their end.
    """
    cdef Py_ssize_t begin = 0
    while begin < size and is_space(data[begin]):
        begin += 1
    data += begin
    size -= begin
    if begins_name(data, size, b"true", 4) or begins_name(data, size, b"false", 5):
        return True
    return begins_name(data, size, b"null", 4) or begins_number(data, 0, size)
