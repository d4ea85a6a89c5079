"""Predicted execution: frames, what may legally follow, a debugger over both, and its measures."""
