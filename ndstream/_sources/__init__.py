"""From whatever holds bytes to chunks: `open_source` recognises a source and says how it is read and released."""

from ndstream._sources.open_source import open_source as open_source
