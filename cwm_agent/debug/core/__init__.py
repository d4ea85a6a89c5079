"""The debugger itself, without any user interface."""
