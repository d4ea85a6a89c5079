"""Frames read from tokens or text, and the state of the execution that they add up to."""
