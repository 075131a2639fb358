"""A certified benchmark of single-image super-resolution (SR) models.

The library behind the Snakemake workflow: it never imports ``snakemake``, so every stage can also be
called from Python or from the ``sisr`` command line with the same numbers.
"""

__version__ = "0.1.0"
