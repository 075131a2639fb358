"""Small studies of how super-resolution works, each a rule of the workflow and a page in ``docs/studies``.

A study is a module of this package: mathematics as plain functions, ``measure()`` that applies them to
pictures, and ``findings()`` that says in sentences what came out, with its numbers.  What is drawn lies in
:mod:`sisr.figures.studies`, so that neither needs the other to be read or tested.
"""

#: Studies by id, with the title that a reader sees.
STUDIES = {
    "interpolation": "Interpolation",
    "deconvolution": "Deconvolution",
    "misr": "Several frames",
    "upscaling_layers": "Upscaling layers",
    "tiling": "Why fully convolutional",
    "evaluation": "What metrics see",
    "pixel_art": "Pixel art",
    "alignment": "Self-ensemble and alignment",
}
