"""One compressed file: its format, its members in a row, and the content that can be had of each."""
