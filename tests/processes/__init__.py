"""Programs that tests run as processes of their own, and as whom."""
