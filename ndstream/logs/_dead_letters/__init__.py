"""Bad lines kept beside the log, and driven again once they can be read."""
