"""LR images: downsampling kernels, and the sets that are made with them."""
