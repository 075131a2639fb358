"""Metrics: PSNR, SSIM and LPIPS, each under a named protocol.

A new metric is one entry in ``config/metrics.yaml`` and one function registered with
:func:`sisr.scoring.metrics.fidelity.fidelity_metric`.  Importing this package loads neither torch nor OpenCV.
"""

from sisr.scoring.metrics.protocol import (
    FidelityProtocol,
    LpipsProtocol,
    Measure,
    Protocol,
    parse_measure,
    parse_measures,
    protocol,
)

__all__ = [
    "FidelityProtocol",
    "LpipsProtocol",
    "Measure",
    "Protocol",
    "parse_measure",
    "parse_measures",
    "protocol",
]
