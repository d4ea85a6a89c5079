"""A model behind a chat API: OpenAI's chat completions, or Anthropic's Messages."""
