"""Training networks from recipes: BasicSR does the work, this package says what and keeps the result.

:func:`sisr.training.run.train` is the one call.  ``data`` makes pairs and patches, ``losses`` and ``models``
are what BasicSR is given beside its own, ``pipeline`` starts it, ``checkpoints`` and ``archive`` keep what
was trained, ``curves`` its history; ``leakage`` looks for test pictures among those that are trained on.
"""
