"""Training networks from recipes: BasicSR does the work, this package says what and keeps the result.

:func:`sisr.training.train.train` is the one call.  ``patches`` makes pairs and patches, ``losses`` and
``sessions`` are what BasicSR is given beside its own, ``pipeline`` starts it, ``checkpoints`` keep what
was trained so far, ``curves`` its history; ``leakage`` looks for test images among those that are trained
on.
"""
