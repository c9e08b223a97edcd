"""Where learning starts: what a sample of the data already says."""
