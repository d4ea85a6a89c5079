"""Ways to use the debugger: lines, a screen, a notebook, other programs."""
