"""Our graders of answers beside LiveCodeBench's checker and math-verify, pair by pair."""
