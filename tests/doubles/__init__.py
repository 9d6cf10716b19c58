"""What stands in for the real thing, and does what a test tells it: sources, servers, a clock."""
