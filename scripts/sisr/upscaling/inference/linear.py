"""Convolutions and pixel shuffles with nothing between them, run as one convolution.

EDSR, RCAN and others end in convolution, pixel shuffle, convolution, pixel shuffle, convolution.  There is no
activation between, so the whole of it is linear: a pixel of LR features and those around it give a block of
SR pixels through one kernel.  That kernel is small, for the output has three channels, while the steps work
on 64 and more at the size of SR: for EDSR-baseline x4 it takes a tenth of the multiplications and none of
the memory.

Near the border of the image the steps see their own zero padding, so the blocks there have kernels of their
own.  The result is that of the steps but for the rounding of float32.
"""

from __future__ import annotations

import copy
import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_iter

log = logging.getLogger(__name__)

#: Merged only where it takes at most this part of the multiplications of the steps.
_WORTH = 0.7
#: Largest difference to the steps, as a part of their largest value; float32 leaves less than a tenth of it.
_TOLERANCE = 1e-5


def merge_linear(module: nn.Module, channels: int, multiple_of: int = 1) -> nn.Module:
    """The same network with its linear tails merged; itself where it has none.

    ``channels``: of an image; ``multiple_of``: of its sides.  The result shares the weights of ``module``.
    Which layers follow each other is seen in a run on a small image.  What comes of it is tried on another
    one, and ``module`` is returned if the two do not agree.
    """
    if not _may_have_tail(module):
        return module
    device = next(module.parameters()).device
    module.cpu()
    try:
        # A copy with the same weights runs: a network may keep something of its input, as BasicSR's EDSR.
        merged = copy.deepcopy(module, {id(weight): weight for weight in module.parameters()})
        with torch.inference_mode():
            if _merge(merged, _image(channels, (8, 8), multiple_of)) and _agree(
                module, merged, channels, multiple_of
            ):
                return nn.Module.to(merged, device)
    except Exception as error:  # any code of any network runs here
        log.debug("%s runs as it is: %s", type(module).__name__, error)
    finally:
        nn.Module.to(module, device)
    return module


def _image(channels: int, sides: tuple[int, int], multiple_of: int) -> Tensor:
    height, width = (side + -side % multiple_of for side in sides)
    return torch.rand((1, channels, height, width), generator=torch.Generator().manual_seed(0))


def _merge(module: nn.Module, image: Tensor) -> bool:
    """Put merged layers in the place of those that are worth it; whether there were any."""
    found = False
    for names in _chains(module, image):
        steps = [module.get_submodule(name) for name in names]
        plan = _Plan.of(steps)
        if plan.multiplications > _WORTH * _multiplications(steps):
            continue
        module.set_submodule(names[0], MergedTail(steps, plan))
        for name in names[1:]:
            module.set_submodule(name, nn.Identity())
        found = True
    return found


def _agree(module: nn.Module, merged: nn.Module, channels: int, multiple_of: int) -> bool:
    """Whether both give the same for an image with all kinds of borders."""
    side = max(part.plan.side for part in merged.modules() if isinstance(part, MergedTail))
    image = _image(channels, (side + 1, side + 2), multiple_of)
    # Some networks write into their input.
    expected, found = module(image.clone()), merged(image.clone())
    error = float((found - expected).abs().max() / expected.abs().max())
    if not error <= _TOLERANCE:
        log.warning("%s: merged layers differ by %.1e: it runs as it is", type(module).__name__, error)
    return error <= _TOLERANCE


def _may_have_tail(module: nn.Module) -> bool:
    """Whether a convolution takes what a pixel shuffle would leave of the convolution before."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.PixelShuffle)]
    return any(
        isinstance(first, nn.Conv2d)
        and isinstance(second, nn.PixelShuffle)
        and isinstance(third, nn.Conv2d)
        and first.out_channels == third.in_channels * second.upscale_factor**2
        for first, second, third in zip(layers, layers[1:], layers[2:], strict=False)
    )


def _chains(module: nn.Module, image: Tensor) -> list[list[str]]:
    """Names of linear layers of which each feeds the next and nothing else, with a pixel shuffle inside."""
    layers = {name: layer for name, layer in module.named_modules() if _is_linear(layer)}
    runs = _Runs()
    hooks = [
        layer.register_forward_hook(lambda _, given, output, name=name: runs.add(name, given[0], output))
        for name, layer in layers.items()
    ]
    with runs:
        module(image)
    for hook in hooks:
        hook.remove()
    chains: list[list[str]] = []
    for name in runs.once():
        before = runs.feeds(name)
        if chains and before == chains[-1][-1]:
            chains[-1].append(name)
        else:
            chains.append([name])
    return [chain for chain in map(partial(_trimmed, layers), chains) if chain]


def _trimmed(layers: Mapping[str, nn.Module], names: list[str]) -> list[str]:
    """Without shuffles at either end, which only order numbers anew; empty if no other shuffle is left."""
    shuffles = [isinstance(layers[name], nn.PixelShuffle) for name in names]
    first = shuffles.index(False) if False in shuffles else len(names)
    last = len(names) - shuffles[::-1].index(False) if False in shuffles else 0
    return names[first:last] if any(shuffles[first:last]) else []


class _Runs(TorchFunctionMode):
    """Who made and who used each tensor in one run of a network."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[str, Tensor, Tensor]] = []
        self._uses: Counter[int] = Counter()
        #: Kept, or another tensor could get the same id.
        self._kept: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        # To ask for a shape is no use.
        if any(isinstance(made, Tensor) for made in tree_iter(result)):
            used = [given for given in tree_iter((args, kwargs)) if isinstance(given, Tensor)]
            self._uses.update(map(id, used))
            self._kept += used
        return result

    def add(self, name: str, given: Tensor, output: Tensor) -> None:
        self._calls.append((name, given, output))

    def once(self) -> list[str]:
        """Layers that ran once, in the order in which they ran."""
        count = Counter(name for name, _, _ in self._calls)
        return [name for name, _, _ in self._calls if count[name] == 1]

    def feeds(self, name: str) -> str | None:
        """The layer whose output goes into this one and nowhere else."""
        given = next(given for other, given, _ in self._calls if other == name)
        if self._uses[id(given)] != 1:
            return None
        return next((other for other, _, output in self._calls if output is given), None)


def _is_linear(layer: nn.Module) -> bool:
    if isinstance(layer, nn.PixelShuffle):
        return True
    # spandrel's RCAN takes the mean back with a convolution of a class of its own.
    return (
        isinstance(layer, nn.Conv2d)
        and type(layer).forward is nn.Conv2d.forward
        and type(layer)._conv_forward is nn.Conv2d._conv_forward
        and layer.stride == layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and layer.kernel_size[0] == layer.kernel_size[1]
        and layer.kernel_size[0] % 2 == 1
        and layer.padding == (layer.kernel_size[0] // 2,) * 2
        and not (layer._forward_hooks or layer._forward_pre_hooks or layer._buffers)
    )


def _multiplications(steps: Sequence[nn.Module]) -> int:
    """Per pixel of the input of the first step."""
    pixels, total = 1, 0
    for step in steps:
        if isinstance(step, nn.PixelShuffle):
            pixels *= step.upscale_factor**2
        elif isinstance(step, nn.Conv2d):
            total += pixels * step.weight.numel()
    return total


@dataclass(frozen=True)
class _Plan:
    """Geometry of a merged tail.

    ``reach``: how far a block looks, in pixels of the input.  ``band``: how many blocks along a border have
    kernels of their own.  ``channels``: in and out.
    """

    reach: int
    band: int
    scale: int
    channels: tuple[int, int]

    @classmethod
    def of(cls, steps: Sequence[nn.Module]) -> _Plan:
        factors = [step.upscale_factor for step in steps if isinstance(step, nn.PixelShuffle)]
        scale = inner = math.prod(factors)
        reach = band = 0
        for number, step in reversed(list(enumerate(steps))):
            if isinstance(step, nn.PixelShuffle):
                reach = -(-reach // step.upscale_factor)
                inner //= step.upscale_factor
            elif isinstance(step, nn.Conv2d):
                reach += step.kernel_size[0] // 2
                if number > 0:
                    band = max(band, -(-reach // inner))
        convolutions = [step for step in steps if isinstance(step, nn.Conv2d)]
        return cls(reach, band, scale, (convolutions[0].in_channels, _channels_out(steps)))

    @property
    def multiplications(self) -> int:
        return (2 * self.reach + 1) ** 2 * self.channels[0] * self.channels[1] * self.scale**2

    def places(self, length: int) -> Iterator[tuple[int, int]]:
        """Places along the two borders of an axis of ``length`` blocks, and which blocks they are."""
        for place in range(self.band):
            yield place, place
            yield self.band + 1 + place, length - self.band + place

    @property
    def side(self) -> int:
        """Sides of the smallest image in which a block exists that no border changes."""
        return 2 * max(self.reach, self.band) + 1


def _channels_out(steps: Sequence[nn.Module]) -> int:
    count = 0
    for step in steps:
        if isinstance(step, nn.Conv2d):
            count = step.out_channels
        elif isinstance(step, nn.PixelShuffle):
            count //= step.upscale_factor**2
    return count


class MergedTail(nn.Module):
    """Steps of a linear tail as one convolution: ``(n, c, h, w)`` -> ``(n, c', s*h, s*w)``.

    An image that is too small for a block without a border runs through the steps.
    """

    #: ``(place down, place across, c'*s*s, c, k, k)`` and ``(place down, place across, c'*s*s)``; places are
    #: those along the first border, then one for all blocks between, then those along the last border.
    kernels: Tensor
    biases: Tensor

    def __init__(self, steps: Sequence[nn.Module], plan: _Plan) -> None:
        super().__init__()
        self.steps = nn.Sequential(*steps)
        self.plan = plan
        kernels, biases = _kernels(self.steps, plan)
        self.register_buffer("kernels", kernels, persistent=False)
        self.register_buffer("biases", biases, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        plan, between = self.plan, self.plan.band
        height, width = x.shape[2:]
        if min(height, width) < plan.side:
            return self.steps(x)
        blocks = functional.conv2d(
            x, self.kernels[between, between], self.biases[between, between], padding=plan.reach
        )
        turned, turned_blocks = x.transpose(2, 3), blocks.transpose(2, 3)
        for across, column in plan.places(width):
            kernel = self.kernels[between, across].transpose(2, 3)
            self._strip(turned, turned_blocks, column, kernel, self.biases[between, across])
        for down, row in plan.places(height):
            self._strip(x, blocks, row, self.kernels[down, between], self.biases[down, between])
            for across, column in plan.places(width):
                self._corner(x, blocks, (row, column), (down, across))
        return functional.pixel_shuffle(blocks, plan.scale)

    def _strip(self, x: Tensor, blocks: Tensor, row: int, kernel: Tensor, bias: Tensor) -> None:
        """Compute one row of blocks."""
        reach = self.plan.reach
        rows, used = _within(row, reach, x.shape[2])
        blocks[:, :, row : row + 1] = functional.conv2d(
            x[:, :, rows], kernel[:, :, used], bias, padding=(0, reach)
        )

    def _corner(self, x: Tensor, blocks: Tensor, at: tuple[int, int], places: tuple[int, int]) -> None:
        """Compute one block."""
        reach = self.plan.reach
        (rows, down), (columns, across) = (_within(at[i], reach, x.shape[2 + i]) for i in (0, 1))
        kernel = self.kernels[places][:, :, down, across]
        block = functional.conv2d(x[:, :, rows, columns], kernel, self.biases[places])
        blocks[:, :, at[0] : at[0] + 1, at[1] : at[1] + 1] = block


def _within(at: int, reach: int, length: int) -> tuple[slice, slice]:
    """What there is of a kernel's reach along an axis: pixels, and taps of the kernel."""
    first, stop = max(0, at - reach), min(length, at + reach + 1)
    return slice(first, stop), slice(first - at + reach, stop - at + reach)


def _kernels(steps: nn.Sequential, plan: _Plan) -> tuple[Tensor, Tensor]:
    """Kernel and bias of each place."""
    reach, band, scale, side = plan.reach, plan.band, plan.scale, plan.side
    # Where the places lie in an image of the least size.
    at = [*range(band), side // 2, *range(side - band, side)]
    with torch.no_grad():
        still = functional.pixel_unshuffle(steps(torch.zeros(1, plan.channels[0], side, side)), scale)[0]
        biases = still[:, at][:, :, at].permute(1, 2, 0).contiguous()
        kernels = torch.zeros(*biases.shape, plan.channels[0], 2 * reach + 1, 2 * reach + 1)
        for down, row in enumerate(at):
            for across, column in enumerate(at):
                part, first = _back_through(steps, plan, (row, column))
                top, left = first[0] - row + reach, first[1] - column + reach
                height, width = part.shape[2:]
                kernels[down, across, :, :, top : top + height, left : left + width] = part
    return kernels, biases


def _back_through(
    steps: nn.Sequential, plan: _Plan, block: tuple[int, int]
) -> tuple[Tensor, tuple[int, int]]:
    """How each value of a block depends on the input: ``(c'*s*s, c, h, w)``, and where ``h`` and ``w`` begin.

    Each value goes back through the steps as a gradient does in training, in a window that grows.
    """
    count = plan.channels[1] * plan.scale**2
    values = functional.pixel_shuffle(torch.eye(count)[:, :, None, None], plan.scale)
    first = [where * plan.scale for where in block]
    length = plan.side * plan.scale
    for step in reversed(steps):
        if isinstance(step, nn.PixelShuffle):
            factor = step.upscale_factor
            before = [start % factor for start in first]
            after = [-(start + size) % factor for start, size in zip(first, values.shape[2:], strict=True)]
            values = functional.pad(values, (before[1], after[1], before[0], after[0]))
            values = functional.pixel_unshuffle(values, factor)
            first, length = [start // factor for start in first], length // factor
        elif isinstance(step, nn.Conv2d):
            values = functional.conv_transpose2d(values, step.weight)
            first = [start - step.kernel_size[0] // 2 for start in first]
            # Nothing depends on the zeros around the image.
            cut = [slice(max(0, -start), length - start) for start in first]
            values = values[:, :, cut[0], cut[1]]
            first = [max(0, start) for start in first]
    return values, (first[0], first[1])
