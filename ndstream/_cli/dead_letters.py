"""What a dead letter holds, for ``--help``. `ndstream.logs` writes and reads them."""

from __future__ import annotations

DEAD_LETTERS_HELP = """\b
Dead letters are one JSON object a line:
  file, offset, line  where the frame begins: in bytes from 0, in lines from 1 (or null)
  reason, message     what is wrong, as a fixed word and as a sentence
  position            the first wrong byte inside the frame, or null
  length              the frame's bytes without its end (null if an over-long one could not be read again)
  raw                 the frame if it is UTF-8, else it is in "base64"
  cut, sha256         for a frame past --max-frame-size: true, since there are only its first bytes, and its SHA-256
  file_base64         the exact bytes of a file's name that is not UTF-8
To decode them again once they are mended:
  jq -r 'select(.raw).raw' bad.ndjson | ndstream cat
  jq -r 'select(.base64).base64' bad.ndjson | base64 -d
"""
