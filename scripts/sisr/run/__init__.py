"""A run: its configuration as a list of cells, and the folder that it works in."""
