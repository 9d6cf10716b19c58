"""Reading log files, against what people use for it."""
