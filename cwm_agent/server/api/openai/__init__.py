"""The older protocols of OpenAI: chat completions and completions."""
