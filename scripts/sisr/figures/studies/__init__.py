"""Figures of the studies: one module a study, drawn from what its ``measure()`` returns."""
