"""Contest problems: rows of LiveCodeBench, how they are asked, what a solution is worth."""
