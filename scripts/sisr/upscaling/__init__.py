"""From LR to SR: engines, inference, and one cell of the benchmark."""
