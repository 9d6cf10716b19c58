"""What the core does with memory and references, watched from outside: by valgrind, and by a CPython that counts."""
