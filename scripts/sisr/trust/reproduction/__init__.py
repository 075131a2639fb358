"""``sisr reproduce``: run again what an RO-Crate describes, and compare.

The run is made anew in a folder of its own, also the weights that it trained; only downloads are shared with
other runs, and their content is checked against the crate.
"""
