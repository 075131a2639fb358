"""Why a number is not the one that is printed, and what made a set of LR images."""
