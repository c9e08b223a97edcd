"""Each visible unit given all other visible ones."""
