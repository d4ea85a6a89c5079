"""What thinks: tokenizer, chat format, weights, inference engine."""
