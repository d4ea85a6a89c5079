"""What decides the next message: the embedded engine, servers, a recording, a person."""
