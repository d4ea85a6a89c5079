"""The bundled tiny model: weights, tokenizer and card (README.md); no code."""
