"""Networks that are Python classes of somebody's own.

They run in a child process (:mod:`sisr.upscaling.foreign.process`): whatever the code does to torch, to the
environment or to its own process ends there.
"""
