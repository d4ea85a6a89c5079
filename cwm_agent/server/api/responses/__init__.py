"""The newer protocol of OpenAI: responses, which can be gone on from."""
