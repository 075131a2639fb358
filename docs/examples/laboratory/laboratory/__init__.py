"""What a laboratory adds to the benchmark; the registries beside this file name it."""
