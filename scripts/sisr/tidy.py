"""The tidy score table: what scoring writes, gathering copies, and all results are computed from."""

#: Columns of ``scores.csv`` and of each cell's part of it.
SCORE_COLUMNS = ("dataset", "image", "kernel", "scale", "model", "metric", "protocol", "value")
