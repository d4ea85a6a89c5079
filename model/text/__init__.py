"""Tokens, chat format, stops and traces."""
