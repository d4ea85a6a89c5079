"""`bench serve`: the server under load, and traffic of agents played again."""
