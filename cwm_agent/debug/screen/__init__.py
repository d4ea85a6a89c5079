"""The debugger as a textual screen: source, variables, stack, branches, timeline."""
