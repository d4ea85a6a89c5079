"""Mathematics problems: their rows, how they are asked, whether two answers are the same."""
