# When bytes, frames and comments last arrived, in seconds of time.monotonic. The clock is looked at
# once a chunk, never once a value.

from time import monotonic

cdef extern from *:
    """
    #include <time.h>
    /* The coarse clock counts from the same moment as the other one, takes a fifth of the time, and is some
       milliseconds late. */
    static double ndstream_now(void) {
    #ifdef CLOCK_MONOTONIC_COARSE
        struct timespec now;
        if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0)
            return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    #endif
        return -1.0;
    }
    """
    double coarse_now "ndstream_now"() noexcept


@cython.final
@cython.internal
cdef class Clock:
    cdef double byte_at
    cdef double frame_at
    cdef double comment_at
    cdef long long frames
    cdef long long comments

    cdef inline int note_chunk(self, PyObject* chunk, PyObject* decoder) except -1:
        """A chunk has arrived, and all that the one before it completed was taken."""
        # Pointers, since a count up and down for each chunk would cost as much as the rest.
        if PyBytes_CheckExact(<object> chunk) and not PyBytes_GET_SIZE(<object> chunk):
            return 0
        self.update(decoder)
        self.byte_at = coarse_now()
        if self.byte_at < 0:
            self.byte_at = monotonic()
        return 0

    cdef inline void update(self, PyObject* decoder) noexcept:
        """What was counted since the last look came with the last chunk."""
        if decoder == <PyObject*> None:
            return
        if (<Decoder> decoder).frames != self.frames:
            self.frames = (<Decoder> decoder).frames
            self.frame_at = self.byte_at
        if (<Decoder> decoder).comment_count != self.comments:
            self.comments = (<Decoder> decoder).comment_count
            self.comment_at = self.byte_at


cdef object seconds_or_none(double at):
    return at if at else None
