"""A certified benchmark of single-image super-resolution (SR) models.

The library behind the Snakemake workflow: it never imports ``snakemake``, so every stage can also be
called from Python or from the ``sisr`` command line with the same numbers.
"""

import os
import sys
from pathlib import Path

__version__ = "0.1.0"


def _stay_in_environment() -> None:
    """In a conda environment, import from that environment alone.

    Snakemake appends its own site-packages to a script's path.  A library that tries to import an optional
    one would find it there, and a run would depend on what happens to be installed beside Snakemake.
    """
    prefix = os.environ.get("CONDA_PREFIX", "")
    if prefix and Path(sys.prefix).resolve() == Path(prefix).resolve():
        sys.path[:] = [p for p in sys.path if "site-packages" not in p or p.startswith(sys.prefix)]


# Of all that may import the library, the scripts of the workflow's jobs alone lie there.
if ".snakemake" in sys.argv[0]:
    from sisr.base.warm import hand_over

    hand_over()
    _stay_in_environment()
