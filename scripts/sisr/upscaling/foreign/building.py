"""Building the network of a class: its scale, its arguments, its weights."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from sisr.base.errors import ModelError, unknown
from sisr.models.architecture import SCALES
from sisr.models.differences import TensorDifference, listed, shapes_of
from sisr.models.state_dicts import Part
from sisr.models.weights import is_counter
from sisr.upscaling.engines.planes import Planes, probe
from sisr.upscaling.foreign.importing import told

#: What classes call the scale.
_SCALE = (
    "scale", "upscale", "upscaling_factor", "upscale_factor", "scale_factor", "sr_rate", "up_scale",
    "upscaling", "upsampling_factor", "upsample_factor", "scaling_factor", "scale_ratio", "up_factor", "sf",
)  # fmt: skip


@dataclass(frozen=True)
class Built:
    """A network of somebody's class, in evaluation mode on the CPU, and what it was seen to do.

    ``part`` is the state dict that it was given, without its tensors; ``note`` what was not plain about them.
    """

    module: nn.Module
    channels: int
    enlarges: int
    part: Part | None = None
    note: str = ""


@dataclass(frozen=True)
class WeightsFile:
    """A file with all state dicts that it may mean."""

    path: Path
    parts: Sequence[Part]


class _Unfit(ModelError):
    """Weights do not fit; ``wrong`` counts the tensors."""

    def __init__(self, message: str, wrong: int) -> None:
        super().__init__(message)
        self.wrong = wrong


def build(
    cls: type[nn.Module],
    name: str,
    arguments: Mapping[str, Any],
    scale: int | None,
    weights: WeightsFile | None,
) -> Built:
    """A network for a scale; where that is not known, the first whose tensors are those of the weights.

    Raises :class:`ModelError` where arguments are missing or unknown, or tensors are missing or left over,
    and whatever the class raises.
    """
    keyword = _scale_keyword(cls, arguments)
    default = inspect.signature(cls).parameters[keyword].default if keyword else None
    tried: Sequence[int | None] = (scale,) if scale else (None if isinstance(default, int) else 2,)
    if keyword and not scale and weights is not None:
        tried = (*tried, *SCALES)
    nearest: _Unfit | None = None
    for one in tried:
        given = {**arguments, keyword: one} if keyword and one else dict(arguments)
        _check_arguments(cls, name, given)
        module = cls(**given)
        try:
            part, note = (None, "") if weights is None else _fill(module, weights)
        except _Unfit as error:
            nearest = error if nearest is None or error.wrong < nearest.wrong else nearest
            continue
        module = module.float().eval().requires_grad_(False)
        channels, enlarges = probe(_planes_of(module, name), (3, 1), name)
        return Built(module, channels, enlarges, part, note)
    assert nearest is not None
    raise nearest


def _scale_keyword(cls: type[nn.Module], arguments: Mapping[str, Any]) -> str | None:
    """The argument that is the scale; None where there is none or it is stated."""
    parameters = inspect.signature(cls).parameters
    keyword = next((key for key in _SCALE if key in parameters), None)
    return None if keyword in arguments else keyword


def _check_arguments(cls: type[nn.Module], name: str, given: Mapping[str, Any]) -> None:
    parameters = inspect.signature(cls).parameters.values()
    known = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    if not any(one.kind is one.VAR_KEYWORD for one in parameters):
        for key in given:
            if key not in known:
                raise ModelError(f"{name}: {unknown('argument', key, known)}")
    missing = [one.name for one in parameters if one.name in known and one.default is one.empty]
    missing = [key for key in missing if key not in given]
    if missing:
        ways = " ".join(f"--params {key}=VALUE" for key in missing)
        raise ModelError(
            f"{name}: needs {listed(missing)}, without a default: give {ways} (params in an entry)"
        )


def _planes_of(module: nn.Module, name: str) -> Planes:
    def run(planes: np.ndarray) -> np.ndarray:
        try:
            with torch.inference_mode():
                output = module(torch.from_numpy(planes)[None])
        except Exception as error:  # of code that is not ours
            raise ModelError(f"fails on {planes.shape}: {told(error, name)}") from None
        if not isinstance(output, Tensor):
            raise ModelError(f"{name}: gives a {type(output).__name__}, expected one tensor")
        return output[0].float().numpy()

    return run


# --- weights ---------------------------------------------------------------------------------------------


def _fill(module: nn.Module, weights: WeightsFile) -> tuple[Part, str]:
    """Load the state dict that fits best, and say what of it was let pass; :class:`_Unfit` for any other
    difference.
    """
    own = {name: value for name, value in module.state_dict().items() if isinstance(value, Tensor)}
    made = _made(module)

    def harmless(name: str) -> bool:
        return is_counter(name) or name in made

    shapes = shapes_of(own)
    compared = [
        (part, TensorDifference.of(shapes, shapes_of(part.state), harmless)) for part in weights.parts
    ]
    part, difference = min(compared, key=lambda pair: pair[1].wrong)  # of equals the first
    if difference.wrong:
        raise _Unfit(f"{weights.path}: does not fit {type(module).__name__}: {difference}", difference.wrong)
    module.load_state_dict({name: value for name, value in part.state.items() if name in own}, strict=False)
    kept = [name for name in made if name in own and name not in part.state and not is_counter(name)]
    dropped = [name for name in made if name in part.state and name not in own and not is_counter(name)]
    said = [f"not in the weights, made by the class: {listed(kept)}"] if kept else []
    said += [f"left over, made by the class: {listed(dropped)}"] if dropped else []
    return Part(part.keys, part.prefix, {}), "; ".join(said)


def _made(module: nn.Module) -> list[str]:
    """Buffers that the class makes itself, as good as what was saved; not statistics of a normalisation."""
    trained = {
        f"{prefix}.{statistic}".lstrip(".")
        for prefix, layer in module.named_modules()
        if isinstance(layer, _NormBase)
        for statistic in ("running_mean", "running_var")
    }
    return [name for name, _ in module.named_buffers() if name not in trained]
