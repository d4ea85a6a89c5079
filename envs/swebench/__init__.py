"""SWE-bench: rows, images of their shape, the official grader."""
