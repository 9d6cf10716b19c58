"""Which lines and branches of the sources the suite reaches, those of the compiled core as those of Python."""
