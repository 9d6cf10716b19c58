# Which lines are decoded, judged by their bytes and their place alone: those that hold one of some needles,
# and of these a sample.

from cpython.bytearray cimport PyByteArray_AS_STRING


@cython.final
@cython.internal
cdef class Selection:
    cdef tuple needles
    # Where in the chunk at this offset each needle is found next, as an array; and the least of these.
    cdef long long chunk_offset
    cdef bytearray hits
    cdef Py_ssize_t nearest_hit
    # A line is in the sample if its hash is below the threshold.
    cdef bint takes_sample
    cdef unsigned long long threshold
    cdef unsigned long long seed

    cdef void forget_hits(self) noexcept:
        """Forget the hits, which were places in another chunk."""
        cdef Py_ssize_t* hits = <Py_ssize_t*> PyByteArray_AS_STRING(self.hits)
        cdef Py_ssize_t index
        for index in range(<Py_ssize_t> len(self.hits) // <Py_ssize_t> sizeof(Py_ssize_t)):
            hits[index] = -1
        self.nearest_hit = -1

    cdef inline bint is_sampled(self, long long offset) noexcept:
        """Whether the line at ``offset`` is in the sample, which depends on the offset and the seed alone."""
        return not self.takes_sample or mixed(<unsigned long long> offset ^ self.seed) < self.threshold

    cdef bint matches(self, const unsigned char* line, Py_ssize_t size, long long* touched) except -1:
        """Whether a needle is in a line that is no part of a chunk."""
        cdef bytes needle
        for needle in self.needles:
            touched[0] += size
            if find_bytes(line, 0, size, <const unsigned char*> PyBytes_AS_STRING(needle), len(needle)) < size:
                return True
        return not self.needles

    cdef inline bint matches_in_chunk(
        self, long long chunk_offset, const unsigned char* base, Py_ssize_t start, Py_ssize_t end, Py_ssize_t size,
        long long* touched
    ) except -1:
        """Whether a needle is in the line ``[start, end)`` of the chunk of ``size`` bytes at ``chunk_offset``.

        One search for a needle serves all lines up to its next hit.
        """
        if self.chunk_offset != chunk_offset:
            self.forget_hits()
            self.chunk_offset = chunk_offset
        return self.nearest_hit < end and self.search(base, start, end, size, touched)

    cdef bint search(
        self, const unsigned char* base, Py_ssize_t start, Py_ssize_t end, Py_ssize_t size, long long* touched
    ) except -1:
        cdef Py_ssize_t* hits = <Py_ssize_t*> PyByteArray_AS_STRING(self.hits)
        cdef Py_ssize_t index = 0
        cdef bint found = not self.needles
        cdef bytes needle
        self.nearest_hit = size if self.needles else -1
        for needle in self.needles:
            if hits[index] < start:
                hits[index] = find_bytes(
                    base, start, size, <const unsigned char*> PyBytes_AS_STRING(needle), len(needle))
                touched[0] += hits[index] - start
            found = found or hits[index] + len(needle) <= end
            self.nearest_hit = min(self.nearest_hit, hits[index])
            index += 1
        return found


cdef Selection selection_or_none(object contains, object sample, object seed):
    """The selection that these options ask for; None if they ask for all lines."""
    several = hasattr(contains, "__iter__") and not isinstance(contains, (bytes, str))
    needles = tuple([
        bytes_option(needle, "contains", b'"level":"error"') for needle in (contains if several else (contains,))])
    if several and None in needles:
        raise TypeError("contains must be bytes, or several of them, and None is not")
    if any([needle is not None and b"\n" in needle for needle in needles]):
        raise ValueError("contains must not hold a line end: it is looked for in one line at a time")
    if not needles:
        raise ValueError("contains must name at least one needle; pass None for all lines")
    if sample is not None:
        if isinstance(sample, bool) or not isinstance(sample, (int, float)):
            raise TypeError(f"sample must be a share of the lines, such as 0.01, not {type(sample).__name__}")
        if not 0 < sample <= 1:
            raise ValueError(f"sample must be a share of the lines above 0 and at most 1, not {sample!r}")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed must be an integer, not {type(seed).__name__}")
    if needles == (None,) and (sample is None or sample == 1):
        return None
    cdef Selection selection = Selection.__new__(Selection)
    selection.needles = () if None in needles else needles
    selection.hits = bytearray(len(selection.needles) * <Py_ssize_t> sizeof(Py_ssize_t))
    selection.takes_sample = sample is not None and sample < 1
    selection.threshold = int(sample * 2.0**64) if selection.takes_sample else 0
    selection.seed = mixed(seed & 0xFFFFFFFFFFFFFFFF)
    selection.forget_hits()
    return selection
