"""What the agent can do: the call grammar and the four tools behind it."""
