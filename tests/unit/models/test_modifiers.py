"""Modifiers: against their definitions, on networks whose answer is known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from sisr.base.errors import ConfigError, ModelSkipped
from sisr.lr.kernels.matlab import imresize
from sisr.models import model_entries, modifiers
from sisr.models.modified import back_projection, self_ensemble
from sisr.models.modifiers import BackProjection, Chain, SelfEnsemble
from sisr.upscaling import engines
from skimage import data

BASE = {
    "net": {
        "label": "Net",
        "engine": "torch",
        "licence": "MIT",
        "weights": {
            "2": {"asset": "a", "files": {"state": "x2"}},
            "3": {"asset": "a", "files": {"state": "x3"}},
        },
    },
    "bicubic": {
        "label": "B",
        "engine": "interpolation",
        "licence": "none",
        "params": {"method": "matlab-bicubic"},
    },
}


def model(**entry: object) -> model_entries.Model:
    entries = {**BASE, "m": {"label": "M", **entry}}
    return model_entries.parse("m", model_entries.complete("m", entries))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_self_ensemble_of_what_commutes_with_turning_is_the_same(shape: tuple[int, ...]) -> None:
    lr = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = self_ensemble(lambda x: x.repeat(2, 0).repeat(2, 1))(lr)
    assert np.array_equal(found, lr.repeat(2, 0).repeat(2, 1))


def test_self_ensemble_is_the_mean_over_all_eight_symmetries() -> None:
    """A network that marks one corner of its output: turned back, each corner is marked twice."""

    def network(lr: np.ndarray) -> np.ndarray:
        sr = np.zeros((2 * lr.shape[0], 2 * lr.shape[1]), np.float32)
        sr[0, 0] = 8.0
        return sr

    found = self_ensemble(network)(np.zeros((4, 6), np.uint8))
    expected = np.zeros((8, 12))
    expected[[0, 0, -1, -1], [0, -1, 0, -1]] = 2.0
    assert np.array_equal(found, expected)


def test_self_ensemble_averages_before_rounding() -> None:
    """One of eight outputs is 1 and the others 0: the mean is 1/8, not a rounded 0."""
    outputs = iter([1.0, *[0.0] * 7])
    found = self_ensemble(lambda x: np.full((2, 2), next(outputs), np.float32))(np.zeros((2, 2), np.uint8))
    assert (found == 0.125).all()


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("gray", [True, False])
def test_back_projection_brings_the_shrunk_image_to_lr(scale: int, gray: bool) -> None:
    hr = data.camera()[60:156, 190:318] if gray else data.astronaut()[:96, :128]
    lr = imresize(hr, Fraction(1, scale))

    def distance(sr: np.ndarray) -> float:
        return float(np.sqrt(np.mean((imresize(sr.astype(float), Fraction(1, scale)) - lr) ** 2)))

    plain = imresize(lr, scale)
    once = back_projection(lambda x: imresize(x, scale), scale, BackProjection(iterations=1))(lr)
    ten = back_projection(lambda x: imresize(x, scale), scale, BackProjection())(lr)
    assert distance(ten) < 0.1 * distance(once)
    assert distance(once) < distance(plain)
    assert np.mean((ten - hr.astype(float)) ** 2) < np.mean((plain - hr.astype(float)) ** 2)


def test_back_projection_of_a_gray_image_by_an_rgb_network() -> None:
    lr = np.full((6, 8), 77, np.uint8)
    found = back_projection(lambda x: np.full((12, 16, 3), 70.0, np.float32), 2, BackProjection())(lr)
    assert np.allclose(found, 77, atol=0.01)


def test_a_chain_repeats_the_network() -> None:
    upscaler = engines.load(model(base="bicubic", modifiers=[{"chain": {"by": 2}}]), 4, {})
    lr = data.astronaut()[:20, :24]
    assert np.array_equal(upscaler(lr), imresize(imresize(lr, 2), 2))


def test_a_chain_takes_the_weights_of_its_links() -> None:
    chained = model(base="net", modifiers=["chain"])
    assert chained.scales == (2, 3, 4, 8, 9, 16)
    assert {scale: chained.link(scale) for scale in chained.scales} == {2: 2, 3: 3, 4: 2, 8: 2, 9: 3, 16: 2}
    assert chained.weights[9].files == {"state": "x3"}
    with pytest.raises(ModelSkipped):
        chained.weights_for(6)
    assert model(base="net", modifiers=["chain"], scales=[4]).scales == (4,)
    with pytest.raises(ConfigError, match="no chain of its scales makes x6"):
        model(base="net", modifiers=["chain"], scales=[6])


def test_a_row_inherits_from_its_base() -> None:
    entries = {
        **BASE,
        "net+": {"label": "Net+", "base": "net", "modifiers": ["self-ensemble"]},
        "net+bp": {"label": "Net+BP", "base": "net+", "modifiers": ["back-projection"], "note": "both"},
    }
    entry = model_entries.complete("net+bp", entries)
    assert (entry["label"], entry["licence"], entry["engine"]) == ("Net+BP", "MIT", "torch")
    assert model_entries.parse("net+bp", entry).modifiers == (SelfEnsemble(), BackProjection())
    entries["net"] = {"label": "Net", "base": "net+bp"}
    with pytest.raises(ConfigError, match=r"circle: net\+bp -> net\+ -> net"):
        model_entries.complete("net+bp", entries)
    with pytest.raises(ConfigError, match=r"model 'm': base: unknown model 'nett'; did you mean 'net'\?"):
        model(base="nett")


def test_misspelt_modifiers_and_options() -> None:
    with pytest.raises(ConfigError, match="did you mean 'self-ensemble'"):
        modifiers.parse_modifiers(["self-ensembel"], "m")
    with pytest.raises(ConfigError, match="did you mean 'iterations'"):
        modifiers.parse_modifiers([{"back-projection": {"iteration": 3}}], "m")
    with pytest.raises(ConfigError, match="more than one chain"):
        modifiers.parse_modifiers(["chain", "chain"], "m")


def test_work_is_counted_in_runs_of_the_network() -> None:
    assert modifiers.work((SelfEnsemble(),), 2, 2) == 8
    assert modifiers.work((Chain(2),), 2, 8) == 1 + 4 + 16
    assert modifiers.work((BackProjection(),), 2, 2) == 1


def test_names_of_the_command_line() -> None:
    assert model_entries.named("span+").modifiers == (SelfEnsemble(),)
    assert model_entries.named("imdn+").label == "IMDN+"
    assert model_entries.named("imdn", ["back-projection"]).modifiers == (BackProjection(),)
    with pytest.raises(ConfigError, match="did you mean 'imdn'"):
        model_entries.named("imdm")


def test_no_more_than_two_self_ensembles() -> None:
    assert len(model(base="bicubic", modifiers=["self-ensemble"] * 2).modifiers) == 2
    with pytest.raises(ConfigError, match="self-ensemble 5 times is 32768 passes of the network; at most 64"):
        model(base="bicubic", modifiers=["self-ensemble"] * 5)
