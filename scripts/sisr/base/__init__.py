"""What every room stands on: files, images, colour, devices, registries; no super-resolution yet."""
