"""Learning: moves an energy's parameters towards data."""
