"""Convolutions and pixel shuffles with nothing between them, run as one convolution.

EDSR, RCAN and others end in convolution, pixel shuffle, convolution, pixel shuffle, convolution.  There is no
activation between, so the whole of it is linear: a pixel of LR features and those around it give a block of
SR pixels through one kernel.  That kernel is small, for the output has three channels, while the steps work
on 64 and more at the size of SR: for EDSR-baseline x4 it takes a fourteenth of the multiplications and none
of the memory.

Near the border of the picture the steps see their own zero padding, so the blocks there have kernels of their
own.  The result is that of the steps but for the rounding of float32.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

log = logging.getLogger(__name__)

#: Merged only where it takes at most this part of the multiplications of the steps.
_WORTH = 0.7
#: Largest difference to the steps, as a part of their largest value; float32 leaves less than a tenth of it.
_TOLERANCE = 1e-5


def merge_linear(module: nn.Module, channels: int, multiple_of: int = 1) -> nn.Module:
    """The same network with its linear tails merged; itself where it has none or cannot be traced.

    ``channels``: of a picture; ``multiple_of``: of its sides.  The result shares the weights of ``module``.
    It is tried on a small picture, and ``module`` is returned if the two do not agree.
    """
    if not _may_have_tail(module):
        return module
    device = next(module.parameters()).device
    module.cpu()
    try:
        merged = _merged(module)
        if merged is None or not _agree(module, merged, channels, multiple_of):
            return module
    except Exception as error:  # any code of any network runs here
        log.debug("%s runs as it is: %s", type(module).__name__, error)
        return module
    finally:
        module.to(device)
    return merged.to(device)


def _merged(module: nn.Module) -> fx.GraphModule | None:
    traced = _trace(module)
    layers = dict(traced.named_modules())
    found = False
    for number, nodes in enumerate(_chains(traced.graph, layers)):
        steps = [layers[str(node.target)] for node in nodes]
        plan = _Plan.of(steps)
        if plan.multiplications > _WORTH * _multiplications(steps):
            continue
        name = f"merged_{number}"
        traced.add_submodule(name, MergedTail(steps, plan))
        with traced.graph.inserting_after(nodes[-1]):
            merged = traced.graph.call_module(name, nodes[0].args)
        nodes[-1].replace_all_uses_with(merged)
        for node in reversed(nodes):
            traced.graph.erase_node(node)
        found = True
    traced.recompile()
    return traced.eval() if found else None


def _agree(module: nn.Module, merged: nn.Module, channels: int, multiple_of: int) -> bool:
    """Whether both give the same for a picture with all kinds of borders."""
    side = max(plan.side for plan in (part.plan for part in merged.modules() if isinstance(part, MergedTail)))
    sides = [least + -least % multiple_of for least in (side + 1, side + 2)]
    picture = torch.rand((1, channels, *sides), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        # Some networks write into their input.
        expected, found = module(picture.clone()), merged(picture.clone())
    error = float((found - expected).abs().max() / expected.abs().max())
    if not error <= _TOLERANCE:
        log.warning("%s: merged layers differ by %.1e: it runs as it is", type(module).__name__, error)
    return error <= _TOLERANCE


def _trace(module: nn.Module) -> fx.GraphModule:
    # A copy, for a network may keep something of its input, as BasicSR's EDSR does, and what it kept is put
    # back.  The weights are shared.
    shared = copy.deepcopy(module, {id(weight): weight for weight in module.parameters()})
    graph = fx.Tracer().trace(shared)
    for own, original in zip(shared.modules(), module.modules(), strict=True):
        vars(own).update({k: v for k, v in vars(original).items() if isinstance(v, Tensor)})
    return fx.GraphModule(shared, graph)


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


def _chains(graph: fx.Graph, layers: dict[str, nn.Module]) -> list[list[fx.Node]]:
    """Longest runs of linear layers in which each feeds the next alone, with a pixel shuffle inside."""
    taken: set[fx.Node] = set()
    chains = []
    for node in graph.nodes:
        if node in taken or not _is_linear(node, layers):
            continue
        chain = [node]
        while len(chain[-1].users) == 1:
            following = next(iter(chain[-1].users))
            if not _is_linear(following, layers):
                break
            chain.append(following)
        taken.update(chain)
        kinds = [isinstance(layers[str(step.target)], nn.PixelShuffle) for step in chain]
        # A shuffle at the end alone is only another order of the same numbers.
        while kinds and kinds[0]:
            del chain[0], kinds[0]
        if any(kinds[:-1]):
            chains.append(chain)
    return chains


def _is_linear(node: fx.Node, layers: dict[str, nn.Module]) -> bool:
    if node.op != "call_module" or len(node.args) != 1 or node.kwargs:
        return False
    layer = layers[str(node.target)]
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
        """Sides of the smallest picture in which a block exists that no border changes."""
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

    A picture that is too small for a block without a border runs through the steps.
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
    # Where the places lie in a picture of the least size.
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
            # Nothing depends on the zeros around the picture.
            cut = [slice(max(0, -start), length - start) for start in first]
            values = values[:, :, cut[0], cut[1]]
            first = [max(0, start) for start in first]
    return values, (first[0], first[1])
