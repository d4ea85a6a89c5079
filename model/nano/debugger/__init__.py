"""The bundled model that predicts executions: weights, tokenizer and card (README.md); no code."""
