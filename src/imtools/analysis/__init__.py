"""What can be heard of a signal: f0, tempo, key."""
