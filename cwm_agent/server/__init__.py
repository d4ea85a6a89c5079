"""The engine as a server: every client's protocol on one engine in a process of its own."""
