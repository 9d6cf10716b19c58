"""The formats of front ends, one a file, each fed with the deltas of a reply."""
