"""The engine's process, and the line to it from the process that speaks HTTP."""
