"""Linear layers in a row as one convolution: the same pixels, and nothing else of the network touched."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sisr.models import archs, model_entries
from sisr.upscaling.inference import memory
from sisr.upscaling.inference.linear import MergedTail, merge_linear
from torch import Tensor, nn


def draw(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and biases that keep values near 1."""
    torch.manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=(layer.weight[0].numel()) ** -0.5)
            nn.init.normal_(layer.bias)
    return module.eval().requires_grad_(False)


def edsr(scale: int) -> nn.Module:
    params = model_entries.get("edsr-baseline").params
    return draw(archs.build(params["arch"], scale, **params["args"]))


def tails(module: nn.Module) -> list[MergedTail]:
    return [part for part in module.modules() if isinstance(part, MergedTail)]


@st.composite
def linear_layers(drawn: st.DrawFn) -> nn.Sequential:
    """Convolutions and shuffles in any order, of which the first and the last is a convolution."""
    channels, layers = drawn(st.integers(1, 4)), []
    factors = st.sampled_from([(2,), (3,), (4,), (2, 2), (1, 2), (2, 1), (1, 3, 1)])
    for factor in drawn(factors):
        kernel = drawn(st.sampled_from([1, 3, 5]))
        following = drawn(st.integers(1, 4))
        layers.append(nn.Conv2d(channels, following * factor**2, kernel, padding=kernel // 2))
        layers += [nn.PixelShuffle(factor)] * (factor > 1)
        channels = following
    kernel = drawn(st.sampled_from([1, 3, 5]))
    return nn.Sequential(*layers, nn.Conv2d(channels, drawn(st.integers(1, 2)), kernel, padding=kernel // 2))


@settings(max_examples=40, deadline=None)
@given(linear_layers(), st.integers(1, 24), st.integers(1, 24))
def test_merged_layers_are_the_layers(layers: nn.Sequential, height: int, width: int) -> None:
    """Also where a border is near, and where it is not worth it."""
    from sisr.upscaling.inference.linear import _Plan

    draw(layers)
    merged = MergedTail(layers, _Plan.of(layers))
    image = torch.rand(2, layers[0].in_channels, height, width)
    expected = layers(image)
    assert torch.allclose(merged(image), expected, rtol=0, atol=2e-6 * float(expected.abs().max()))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_edsr_ends_in_one_convolution(scale: int) -> None:
    net = edsr(scale)
    merged = merge_linear(net, 3)
    (tail,) = tails(merged)
    # A block depends on the features of two pixels on each side, and only the outermost knows of a border.
    assert (tail.plan.reach, tail.plan.band, tail.plan.scale) == (2, 1, scale)
    for size in ((1, 1), (4, 9), (5, 5), (6, 17), (31, 24)):
        image = torch.rand(1, 3, *size)
        expected = net(image)
        assert torch.allclose(merged(image), expected, rtol=0, atol=2e-6 * float(expected.abs().max()))


def test_multiplications_of_edsr_baseline_by_hand() -> None:
    """64 channels: three convolutions at 1, 2 and 4 times the size, or one of 5 x 5 for 16 pixels of RGB."""
    (tail,) = tails(merge_linear(edsr(4), 3))
    steps = 9 * 64 * (256 + 4 * 256 + 16 * 3)
    assert tail.plan.multiplications == 25 * 64 * 16 * 3
    assert round(steps / tail.plan.multiplications, 1) == 10.0


def test_weights_are_shared_and_the_network_stays_as_it_was() -> None:
    net = edsr(4)
    kept = {name: type(value) for name, value in vars(net).items()}
    merged = merge_linear(net, 3)
    assert {name: type(value) for name, value in vars(net).items()} == kept
    assert isinstance(net.mean, Tensor)
    own = {weight.data_ptr() for weight in merged.parameters()}
    assert own == {weight.data_ptr() for weight in net.parameters()}


def test_merged_network_takes_less_memory() -> None:
    net = edsr(4)
    before, after = (memory.measure(module, 3) for module in (net, merge_linear(net, 3)))
    assert before is not None
    assert after is not None
    assert after.per_pixel < 0.5 * before.per_pixel


class Tail(nn.Module):
    """A tail that can be asked to do something else between its layers."""

    def __init__(self, kind: str = "linear", **options: object) -> None:
        super().__init__()
        self.kind = kind
        self.enlarge = nn.Sequential(nn.Conv2d(32, 128, 3, padding=1), nn.PixelShuffle(2))
        self.last = nn.Conv2d(32, 3, 3, padding=1, **options)  # type: ignore[arg-type]
        draw(self)

    def forward(self, x: Tensor) -> Tensor:
        features = self.enlarge(x)
        if self.kind == "activation":
            features = features.relu()
        if self.kind == "unmerged":
            return self.last(features) + features.mean()
        if self.kind == "by size" and x.shape[2] < 8:
            features = features.relu()
        return self.last(features)


def test_a_tail_alone_is_merged() -> None:
    assert tails(merge_linear(Tail(), 32))


@pytest.mark.parametrize(
    "net",
    [
        Tail("activation"),
        Tail("unmerged"),
        Tail(padding_mode="reflect"),
        draw(archs.build("espcn", 4)),
        nn.Identity(),
    ],
    ids=["activation", "used twice", "other padding", "shuffle at the end", "no layers"],
)
def test_what_is_not_linear_runs_as_it_is(net: nn.Module) -> None:
    assert merge_linear(net, 32) is net


def test_a_network_that_does_something_else_at_another_size_runs_as_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    net = Tail("by size")
    assert merge_linear(net, 32) is net
    assert "Tail: merged layers differ by" in caplog.text


def test_a_layer_that_runs_twice_stays() -> None:
    class Twice(Tail):
        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.enlarge(x)) + self.last(self.enlarge(-x))

    net = Twice()
    assert merge_linear(net, 32) is net


def test_hooks_of_the_run_are_gone() -> None:
    merged = merge_linear(edsr(4), 3)
    assert not [layer for layer in merged.modules() if layer._forward_hooks]


def test_layers_that_are_not_worth_it_stay() -> None:
    """Many channels out: one kernel would take more than the steps."""
    net = nn.Sequential(nn.Conv2d(4, 16, 3, padding=1), nn.PixelShuffle(2), nn.Conv2d(4, 16, 3, padding=1))
    assert merge_linear(draw(net), 4) is net
