# Finding the end of a JSON value in raw bytes: brackets and strings. Like `scan`, it
# indexes memory without checks, touches no Python object and may run without the GIL. Nothing here
# decides whether a value is valid; `loads` does that.

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    #define NDSTREAM_SSE2 1
    #endif

    typedef struct {
        Py_ssize_t depth;
        int in_string;
        int escaped;
    } ndstream_nesting;

    /* Bit i of each mask says whether byte i of a block of 64 is one of these. */
    typedef struct {
        uint64_t quotes, backslashes, opens, closes;
    } ndstream_masks;

    #ifdef NDSTREAM_SSE2
    static inline ndstream_masks ndstream_classify(const unsigned char *data) {
        ndstream_masks masks = {0, 0, 0, 0};
        const __m128i case_bit = _mm_set1_epi8(0x20);
        int shift;
        for (shift = 0; shift < 64; shift += 16) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(data + shift));
            /* '[' and '{', and ']' and '}', differ in this bit alone. */
            __m128i folded = _mm_or_si128(bytes, case_bit);
            #define NDSTREAM_MASK(vector, byte) \\
                ((uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(vector, _mm_set1_epi8(byte))) << shift)
            masks.quotes |= NDSTREAM_MASK(bytes, '"');
            masks.backslashes |= NDSTREAM_MASK(bytes, '\\\\');
            masks.opens |= NDSTREAM_MASK(folded, '{');
            masks.closes |= NDSTREAM_MASK(folded, '}');
            #undef NDSTREAM_MASK
        }
        return masks;
    }
    #else
    /* The same for eight bytes, whose lowest is the first one. */
    static inline uint64_t ndstream_mask8(uint64_t bytes, unsigned char byte) {
        const uint64_t low = 0x7f7f7f7f7f7f7f7fULL;
        uint64_t other = bytes ^ (0x0101010101010101ULL * byte);
        uint64_t equal = ~(((other & low) + low) | other | low);
        return ((equal >> 7) * 0x0102040810204080ULL) >> 56;
    }

    static inline ndstream_masks ndstream_classify(const unsigned char *data) {
        ndstream_masks masks = {0, 0, 0, 0};
        int shift;
        for (shift = 0; shift < 64; shift += 8) {
            const unsigned char *at = data + shift;
            uint64_t bytes = (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24
                | (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
            uint64_t folded = bytes | 0x2020202020202020ULL;
            masks.quotes |= ndstream_mask8(bytes, '"') << shift;
            masks.backslashes |= ndstream_mask8(bytes, '\\\\') << shift;
            masks.opens |= ndstream_mask8(folded, '{') << shift;
            masks.closes |= ndstream_mask8(folded, '}') << shift;
        }
        return masks;
    }
    #endif

    static inline int ndstream_lowest_bit(uint64_t bits) {
    #if defined(__GNUC__)
        return __builtin_ctzll(bits);
    #else
        int index = 0;
        for (; !(bits & 1); bits >>= 1) index++;
        return index;
    #endif
    }

    static inline int ndstream_is_closed(const ndstream_nesting *nesting) {
        return nesting->depth == 0 && !nesting->in_string;
    }

    static inline void ndstream_add_byte(ndstream_nesting *nesting, unsigned char byte) {
        if (nesting->in_string) {
            if (nesting->escaped) nesting->escaped = 0;
            else if (byte == '\\\\') nesting->escaped = 1;
            else if (byte == '"') nesting->in_string = 0;
        } else if (byte == '"') nesting->in_string = 1;
        else if (byte == '{' || byte == '[') nesting->depth++;
        else if (byte == '}' || byte == ']') nesting->depth--;
    }

    /* The index after the byte that closes the value, or `end`. Up to 63 bytes after that one are looked
       at as well, since 64 at once cost about as much as eight one by one. */
    static Py_ssize_t ndstream_value_end(
        const unsigned char *data, Py_ssize_t begin, Py_ssize_t end, ndstream_nesting *nesting
    ) {
        unsigned char padded[64];
        while (begin < end) {
            const unsigned char *block = data + begin;
            int size = end - begin < 64 ? (int)(end - begin) : 64;
            ndstream_masks masks;
            uint64_t escaped = (uint64_t)nesting->escaped, escapes, inside, brackets;
            int escapes_next = 0;
            if (size < 64) {
                memset(padded, 0, sizeof padded);
                memcpy(padded, block, (size_t)size);
                block = padded;
            }
            masks = ndstream_classify(block);
            for (escapes = masks.backslashes & ~escaped; escapes; ) {
                uint64_t escape = escapes & (~escapes + 1);
                escaped |= escape << 1;
                escapes_next = escape >> (size - 1) != 0;
                escapes &= ~(escape | escape << 1);
            }
            inside = masks.quotes & ~escaped;
            masks.quotes = inside;
            /* A bit is set if the number of quotes up to it is odd: from an opening quote on, before the closing. */
            inside ^= inside << 1;
            inside ^= inside << 2;
            inside ^= inside << 4;
            inside ^= inside << 8;
            inside ^= inside << 16;
            inside ^= inside << 32;
            if (nesting->in_string) inside = ~inside;
            if (masks.backslashes & ~inside) {
                /* Outside strings a backslash escapes nothing. */
                Py_ssize_t stop = begin + size;
                while (begin < stop) {
                    ndstream_add_byte(nesting, data[begin++]);
                    if (ndstream_is_closed(nesting)) return begin;
                }
                continue;
            }
            if (nesting->depth == 0) {
                uint64_t closing = masks.quotes & ~inside;
                if (closing) {
                    nesting->in_string = nesting->escaped = 0;
                    return begin + ndstream_lowest_bit(closing) + 1;
                }
            } else {
                for (brackets = (masks.opens | masks.closes) & ~inside; brackets; brackets &= brackets - 1) {
                    if (masks.opens & brackets & (~brackets + 1)) nesting->depth++;
                    else if (--nesting->depth == 0) {
                        nesting->in_string = nesting->escaped = 0;
                        return begin + ndstream_lowest_bit(brackets) + 1;
                    }
                }
            }
            nesting->escaped = escapes_next;
            nesting->in_string = (int)(inside >> (size - 1) & 1);
            begin += size;
        }
        return end;
    }
    """
    ctypedef struct Nesting "ndstream_nesting":
        Py_ssize_t depth
        bint in_string
        bint escaped

    bint is_closed "ndstream_is_closed"(const Nesting* nesting) noexcept nogil
    void add_byte "ndstream_add_byte"(Nesting* nesting, unsigned char byte) noexcept nogil
    Py_ssize_t value_end "ndstream_value_end"(
        const unsigned char* data, Py_ssize_t begin, Py_ssize_t end, Nesting* nesting) noexcept nogil
