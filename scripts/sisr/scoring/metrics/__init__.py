"""Metrics: PSNR, SSIM and LPIPS, each under a named protocol.

A new metric is one module and one entry in ``config/metrics.yaml``, which names its code
(:mod:`sisr.scoring.metrics.code`).  Importing this package loads neither torch nor OpenCV.
"""

from sisr.scoring.metrics.protocol import (
    FidelityProtocol,
    Measure,
    NetworkProtocol,
    Protocol,
    parse_measure,
    parse_measures,
    protocol,
)

__all__ = [
    "FidelityProtocol",
    "Measure",
    "NetworkProtocol",
    "Protocol",
    "parse_measure",
    "parse_measures",
    "protocol",
]
