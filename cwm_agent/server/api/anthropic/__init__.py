"""The protocol of Anthropic: messages."""
