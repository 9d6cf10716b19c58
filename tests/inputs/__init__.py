"""The streams that tests read: drawn at random, recorded, and cut in every way."""
