"""A bounded search for block sizes, warps and stages; its result are rows of tuning.toml."""
