"""What fails around a stream: memory, callbacks, sources, interrupts; and what is left behind afterwards."""
