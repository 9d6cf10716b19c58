"""Events that go on after a lost connection."""
