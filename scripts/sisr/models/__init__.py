"""What a model is: its registry entry, weights, architecture, modifiers and training recipe."""
