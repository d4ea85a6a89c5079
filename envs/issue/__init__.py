"""The issue environment: what a message of the model leads to."""
