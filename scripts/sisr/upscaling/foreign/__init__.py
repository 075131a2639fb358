"""Networks of somebody's own that are code: Python classes, and files that are programs.

They run in a child process (:mod:`sisr.upscaling.foreign.process`): whatever the code does to torch, to the
environment or to its own process ends there.
"""
