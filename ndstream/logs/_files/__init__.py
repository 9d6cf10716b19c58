"""One log file, whatever it is and wherever it lies: opened by name, read in chunks, with every offset known."""
