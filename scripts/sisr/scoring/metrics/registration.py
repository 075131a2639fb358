"""Where the SR image lies against HR, to a hundredth of a pixel.

The displacement is the peak of the cross-correlation, refined with an upsampled discrete Fourier transform
(M. Guizar-Sicairos, S. T. Thurman, J. R. Fienup, "Efficient subpixel image registration algorithms", Optics
Letters 33, 2008), as scikit-image does it.  Two choices matter for super-resolution and were measured on
Set5, with LR by ``hr[::4, ::4]`` (1.5 HR pixels up and left) enlarged bicubically:

* The spectra keep their magnitudes.  *Phase* correlation in the strict sense divides them out, and so gives
  the frequencies that SR has lost the same vote as those it has: it finds 0.1 to 2.2 pixels, not 1.5.
* A Hann window takes the borders out, whose jump between opposite sides votes for no displacement: without
  it 0.3 to 1.5 pixels, with it 1.4 to 1.6.
"""

from __future__ import annotations

import numpy as np

from sisr.base.colour import Float64Plane
from sisr.base.errors import ScoreError

#: Fractions of a pixel that are told apart.
_UPSAMPLING = 100


def displacement(hr: Float64Plane, sr: Float64Plane) -> tuple[float, float]:
    """How far ``sr`` lies below and to the right of ``hr``, in pixels, both float64 ``(H, W)``.

    Raises :class:`ScoreError` for a flat plane, which has no place.
    """
    from skimage.registration import phase_cross_correlation

    window = np.hanning(hr.shape[0])[:, None] * np.hanning(hr.shape[1])
    planes = []
    for name, plane in (("HR", hr), ("SR", sr)):
        if np.ptp(plane) == 0:
            raise ScoreError(f"registration: {name} is flat after the crop")
        planes.append((plane - plane.mean()) * window)
    back, _, _ = phase_cross_correlation(*planes, upsample_factor=_UPSAMPLING, normalization=None)
    # What scikit-image returns moves SR back onto HR; `+ 0.0` turns -0.0 into 0.0.
    return float(-back[0]) + 0.0, float(-back[1]) + 0.0
