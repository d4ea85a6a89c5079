"""What the agent can do: the call grammar and the tools behind it."""
