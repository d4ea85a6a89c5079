"""Looking at runs in a terminal."""
