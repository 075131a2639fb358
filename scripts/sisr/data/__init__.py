"""Downloads and test sets: from addresses with checksums to HR images with a manifest."""
