"""How well executions are predicted, free and legal side by side."""
