"""From HR and SR to scores: metrics under protocols, one cell, two folders, and the table of all."""
