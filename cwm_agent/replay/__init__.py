"""Re-executes the actions of a journal and compares what comes of them."""
