# Words and punctuation outside JSON strings: what a byte can be, which words are numbers or names, and where
# text ends with which no value can begin. Like `scan`, it indexes memory without checks, touches no Python
# object and may run without the GIL.

cdef extern from *:
    """
    /* What a byte can be outside strings. Kinds from TEXT on make words. */
    enum {
        NDSTREAM_OTHER_SPACE = 1, NDSTREAM_LINE_END, NDSTREAM_OPEN, NDSTREAM_CLOSE, NDSTREAM_QUOTE,
        NDSTREAM_SEPARATOR, NDSTREAM_TEXT, NDSTREAM_NUMBER, NDSTREAM_NAME
    };
    static inline int ndstream_byte_kind(unsigned char byte) {
        switch (byte) {
        case ' ': case '\\t': return NDSTREAM_OTHER_SPACE;
        case '\\n': case '\\r': return NDSTREAM_LINE_END;
        case '{': case '[': return NDSTREAM_OPEN;
        case '}': case ']': return NDSTREAM_CLOSE;
        case '"': return NDSTREAM_QUOTE;
        case ',': case ':': return NDSTREAM_SEPARATOR;
        case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
            return NDSTREAM_NUMBER;
        /* The first letters of true, false, null, NaN and Infinity. */
        case 't': case 'f': case 'n': case 'N': case 'I': return NDSTREAM_NAME;
        default: return NDSTREAM_TEXT;
        }
    }

    /* Whether a word is a number, as far as its characters go, or one of the names that JSON decoders take;
       `begun` is for a word that may go on: whether it can become one. */
    static int ndstream_is_scalar(const unsigned char *word, Py_ssize_t size, int begun) {
        static const char *const names[] = {"true", "false", "null", "NaN", "Infinity", "-Infinity"};
        Py_ssize_t index;
        for (index = 0; index < 6; index++) {
            size_t length = strlen(names[index]);
            if ((size_t)size == length || (begun && (size_t)size < length)) {
                if (memcmp(word, names[index], (size_t)size) == 0) return 1;
            }
        }
        if (size == 0 || ndstream_byte_kind(word[0]) != NDSTREAM_NUMBER) return 0;
        for (index = 1; index < size; index++) {
            switch (word[index]) {
            case '+': case '.': case 'e': case 'E': break;
            default: if (ndstream_byte_kind(word[index]) != NDSTREAM_NUMBER) return 0;
            }
        }
        return 1;
    }
    """
    enum:
        OTHER_SPACE "NDSTREAM_OTHER_SPACE"
        LINE_END "NDSTREAM_LINE_END"
        OPEN "NDSTREAM_OPEN"
        CLOSE "NDSTREAM_CLOSE"
        QUOTE "NDSTREAM_QUOTE"
        SEPARATOR "NDSTREAM_SEPARATOR"
        TEXT "NDSTREAM_TEXT"
        NUMBER "NDSTREAM_NUMBER"
        NAME "NDSTREAM_NAME"

    int byte_kind "ndstream_byte_kind"(unsigned char byte) noexcept nogil
    bint is_scalar "ndstream_is_scalar"(const unsigned char* word, Py_ssize_t size, bint begun) noexcept nogil


cdef struct StrayText:
    # How far text with which no value can begin has got: whether it is more than punctuation, what its
    # last byte is, and, in an array, the brackets and strings in it.
    bint has_words
    int last_kind
    Nesting nesting


cdef inline Py_ssize_t stray_text_end(
    const unsigned char* data, Py_ssize_t begin, Py_ssize_t end, StrayText* stray
) noexcept nogil:
    """The index of the line end, or of the first byte of a value, that ends stray text; or ``end``."""
    cdef Py_ssize_t index
    cdef int kind
    for index in range(begin, end):
        kind = byte_kind(data[index])
        if kind == LINE_END or kind == OPEN or kind == QUOTE:
            return index
        if kind >= TEXT:
            if stray.last_kind < TEXT:
                # In words, what looks like a value is most often part of a sentence.
                if kind == NUMBER and (stray.last_kind == OTHER_SPACE or not stray.has_words):
                    return index
                if kind == NAME and not stray.has_words:
                    return index
            stray.has_words = True
        stray.last_kind = kind
    return end


cdef inline Py_ssize_t stray_element_end(
    const unsigned char* data, Py_ssize_t begin, Py_ssize_t end, StrayText* stray
) noexcept nogil:
    """The index of the comma, or of the bracket that closes the array, that ends a stray element; or ``end``."""
    cdef Py_ssize_t index
    cdef unsigned char byte
    for index in range(begin, end):
        byte = data[index]
        if is_closed(&stray.nesting) and (byte == b"," or byte == b"]" or byte == b"}"):
            return index
        add_byte(&stray.nesting, byte)
    return end
