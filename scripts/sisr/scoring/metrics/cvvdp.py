"""ColorVideoVDP (Mantiuk et al., ACM TOG 43, 2024) of still images, by its authors' package."""

from __future__ import annotations

import torch

from sisr.base.colour import Uint8Image, replicate
from sisr.scoring.metrics.code import Setting
from sisr.scoring.metrics.pairs import check_pair
from sisr.scoring.metrics.protocol import NetworkProtocol, protocol


class Cvvdp:
    """Just-objectionable differences of SR from HR on the display that the protocol names in ``net``."""

    def __init__(self, setting: Setting) -> None:
        from pycvvdp.cvvdp_metric import cvvdp

        rules = protocol(setting.protocol)
        assert isinstance(rules, NetworkProtocol)  # as its entry says
        self._metric = cvvdp(display_name=rules.net, device=torch.device(setting.device))

    @torch.inference_mode()
    def __call__(self, hr: Uint8Image, sr: Uint8Image) -> float:
        """10 for equal images, less for worse ones; gray is replicated to RGB."""
        check_pair(hr, sr)
        found, _ = self._metric.predict(replicate(sr), replicate(hr), dim_order="HWC")
        return float(found)
