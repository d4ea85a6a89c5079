"""What decides the next message: the embedded engine, a recording, a person."""
