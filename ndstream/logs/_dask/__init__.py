"""Log files as collections of Dask, with bad lines and counts in the results of its tasks."""
