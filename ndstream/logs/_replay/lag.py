"""How late deliveries were: the last one, the worst one, and quantiles, in memory that does not grow."""

from __future__ import annotations

from collections import Counter

_STEPS_SHIFT = 4
"""Each power of two is cut into 16 steps, so that a quantile is right to one part in 16."""


class Lag:
    """Takes note of delays. All are whole nanoseconds; what is early counts as 0.

    Attributes:
        last: The last one.
        max: The longest one.

    Example:
        >>> lag = Lag()
        >>> for delay in range(1000):
        ...     lag.add(delay)
        >>> lag.last, lag.max, 990 <= lag.quantile(0.99) <= 990 * 17 // 16
        (999, 999, True)
    """

    def __init__(self) -> None:
        self.last = 0
        self.max = 0
        self._total = 0
        self._counts: Counter[int] = Counter()

    def add(self, delay: int) -> None:
        """Take note of one."""
        self.last = delay = max(delay, 0)
        self.max = max(self.max, delay)
        self._total += 1
        shift = max(delay.bit_length() - 1 - _STEPS_SHIFT, 0)
        # The upper bound of its step.
        self._counts[(((delay >> shift) + 1) << shift) - 1] += 1

    def quantile(self, share: float) -> int:
        """A delay that this share of all did not exceed; at most one part in 16 too long."""
        wanted = share * self._total
        seen = 0
        for bound in sorted(self._counts):
            seen += self._counts[bound]
            if seen >= wanted:
                return min(bound, self.max)
        return 0
