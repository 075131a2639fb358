"""Compact, the small networks of Real-ESRGAN ("SRVGGNetCompact"): Wang et al., ICCV Workshops 2021."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of


class Compact(nn.Module):
    """Convolutions in a row at the input's size, one pixel shuffle, and the nearest pixel as a shortcut.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.  621,424 parameters at x4 with 16
    convolutions of width 64, of which 1,088 are slopes: one a channel (``prelu``).  Without slopes the
    activation is ``relu``, or ``leakyrelu`` of .1, which no tensor tells.  Layer names are those of the
    authors' weights.
    """

    def __init__(
        self, scale: int, width: int = 64, convolutions: int = 16, activation: str = "prelu"
    ) -> None:
        super().__init__()
        if activation not in _ACTIVATIONS:
            raise ValueError(f"activation '{activation}': expected {', '.join(_ACTIVATIONS)}")
        layers: list[nn.Module] = []
        for inputs in (3, *[width] * convolutions):
            layers += [nn.Conv2d(inputs, width, 3, padding=1), _ACTIVATIONS[activation](width)]
        layers.append(nn.Conv2d(width, 3 * scale**2, 3, padding=1))
        self.scale = scale
        self.body = nn.Sequential(*layers)

    def forward(self, rgb: Tensor) -> Tensor:
        detail = functional.pixel_shuffle(self.body(rgb), self.scale)
        return detail + functional.interpolate(rgb, scale_factor=self.scale, mode="nearest")


_ACTIVATIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "prelu": nn.PReLU,
    "relu": lambda _: nn.ReLU(inplace=True),
    "leakyrelu": lambda _: nn.LeakyReLU(0.1, inplace=True),
}


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    names = {name: None for name in shapes if len(shapes[name]) == 4}
    found = {
        "width": shapes["body.0.weight"][0],
        # Every second layer is one: the first, and the last, are none of those in the middle.
        "convolutions": count_of((f"{int(name.split('.')[1]) / 2:g}" for name in names), "{}") - 2,
    }
    return {**found, "activation": "prelu"} if "body.1.weight" in shapes else found


ARCHITECTURE = Architecture(Compact, forms=(), sizes=_sizes, untold={"activation": ("relu", "leakyrelu")})
