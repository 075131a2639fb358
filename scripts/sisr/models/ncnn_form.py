"""What tells a graph of ncnn in text form, for those that need no array library to know it."""

#: First line of a ``.param`` in text form.
MAGIC = "7767517"
