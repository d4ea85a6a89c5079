"""The second trace grammar: debugger actions that lead from state to state."""
