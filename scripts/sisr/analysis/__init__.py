"""What the score table says: means, statistics, robustness, phase, cost, and two runs compared."""
