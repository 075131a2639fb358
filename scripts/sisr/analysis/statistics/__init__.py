"""What the score table says beyond means: how sure a mean is, and whether two models differ.

Everything is computed from the tidy table alone, and images are the unit: a sample is the values of all
models on the images of one dataset or pool, under one measure.

* :mod:`~sisr.analysis.statistics.samples` cuts the table into samples.
* :mod:`~sisr.analysis.statistics.bootstrap` gives intervals of means and of mean differences.
* :mod:`~sisr.analysis.statistics.paired` compares two models image by image.
* :mod:`~sisr.analysis.statistics.ranks` compares all models by their ranks.
* :mod:`~sisr.analysis.statistics.power` says what a dataset of this size can show at all.
* :mod:`~sisr.analysis.statistics.verdicts` puts these into tables.

``docs/statistics.md`` explains each number.  Infinite values (the PSNR of identical images) are values like
any other: larger than every finite one, equal to each other.
"""

#: Two-sided level of all tests; 1 - ALPHA is the level of all intervals.
ALPHA = 0.05
