from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_samples import LPIPS, PSNR, MakeSample
from sisr.analysis.statistics import verdicts
from sisr.analysis.statistics.samples import Sample, check_cells, samples
from sisr.analysis.statistics.verdicts import comparison_table, rank_table, stand
from sisr.base.errors import ScoreError
from sisr.scoring.metrics.protocol import Measure

sys.path.insert(0, str(Path(__file__).parents[2] / "report" / "tables"))
import fake_run as run
from sisr.analysis import summaries


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    full = run.make_scores(scales=(4,), kernels=("matlab-bicubic",))
    return run.drop_trouble(full, run.make_status(full, run.TROUBLE))


def samples_of(scores: pd.DataFrame) -> list[Sample]:
    return samples(scores, run.MEASURES, 4, models=list(run.MODELS), pools=run.POOLS)


def test_samples_hold_complete_models_and_equal_the_tables_means(scores: pd.DataFrame) -> None:
    found = samples_of(scores)
    summary = summaries.summarise(scores, run.POOLS)
    assert [(s.group, s.n, len(s.models)) for s in found[::4]] == [
        ("set5", 5, 9), ("set14", 14, 9), ("urban100", 100, 8), ("Set14 + Urban100", 114, 8),
    ]  # fmt: skip
    certain = verdicts.with_certainty(summary, map(stand, found))
    known = certain[certain["mean"].notna()]
    assert ((known["lower"] < known["mean"]) & (known["mean"] < known["upper"])).all()
    unknown = certain.loc[certain["mean"].isna(), ["lower", "upper", "verdict"]]
    assert len(unknown) and unknown[["lower", "upper"]].isna().all(axis=None)
    assert set(unknown["verdict"]) == {""}
    assert set(certain.loc[certain["group"] == "set5", "verdict"]) == {"best", verdicts.UNTESTABLE}


def test_a_sample_of_a_part_of_the_images_that_are_expected_is_none(scores: pd.DataFrame) -> None:
    dataset = str(scores["dataset"].iloc[0])
    there = int(scores[scores["dataset"] == dataset]["image"].nunique())
    for more, found in ((0, True), (1, False)):
        given = samples(scores, run.MEASURES, 4, expected={dataset: there + more})
        assert (dataset in {sample.group for sample in given}) == found


def test_nothing_depends_on_the_order_of_rows(scores: pd.DataFrame) -> None:
    shuffled = scores.sample(frac=1, random_state=3)
    a, b = ([stand(s) for s in samples_of(frame)] for frame in (scores, shuffled))
    for table in (comparison_table, rank_table):
        keys = ["group", "metric", "protocol"]
        first, second = (table(x).sort_values(keys, kind="stable", ignore_index=True) for x in (a, b))
        pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_pairs_of_the_table(scores: pd.DataFrame) -> None:
    standings = [stand(s) for s in samples_of(scores)]
    table = comparison_table(standings)
    assert len(table) == 4 * (36 + 36 + 28 + 28)
    assert (table["wins"] + table["ties"] + table["losses"] == table["n"]).all()
    # Five images cannot show anything about 36 pairs: nobody is called better, and no p stands beside it.
    few = table["group"] == "set5"
    assert set(table.loc[few, "verdict"]) == {verdicts.UNTESTABLE}
    assert ((table["p"] == "") == few).all()
    assert ((table["p_holm"] == "") == few).all()
    assert (table[~few]["p_holm"].astype(float) >= table[~few]["p"].astype(float)).all()
    ranks = rank_table(standings)
    assert ((ranks["friedman_p"] == "") == (ranks["group"] == "set5")).all()
    assert ((ranks["critical_difference"] == "") == (ranks["group"] == "set5")).all()
    comparison = standings[-1].comparison
    for a, b in itertools.permutations(range(len(comparison.sample.models)), 2):
        pair, sign = comparison.pair(a, b)
        assert {comparison.first[pair], comparison.second[pair]} == {a, b}
        assert (comparison.first[pair] == a) == (sign == 1)


def test_tie_group_of_constructed_models(make_sample: MakeSample) -> None:
    rng = np.random.default_rng(5)
    base = rng.normal(28, 3, 40)
    noise = rng.normal(0, 0.3, 40)
    noise -= noise.mean()
    # b differs from the best by noise around nothing, c by a little on every image, d is far below.
    x = np.round(np.stack([base, base + noise - 0.001, base - 0.02, base - 2], axis=1), 6)
    standing = stand(make_sample(x, models=["a", "b", "c", "d"]))
    assert standing.verdicts == ("best", "tied", "worse", "worse")
    # Where lower is better the far one is best.
    assert stand(make_sample(x, LPIPS)).verdicts == ("worse", "worse", "worse", "best")


def test_mean_and_ranks_may_disagree(make_sample: MakeSample) -> None:
    a = np.full(30, 30.0)
    b = a + np.where(np.arange(30) < 3, 5.0, -np.linspace(0.01, 0.02, 30))
    standing = stand(make_sample(np.stack([a, b], axis=1), models=["a", "b"]))
    assert standing.order == (1, 0)
    assert standing.comparison.verdict(0) == verdicts.CONTRARY
    assert standing.verdicts == ("tied", "best")


def test_identical_images_and_identical_models(make_sample: MakeSample) -> None:
    x = np.array(
        [[math.inf, 30.0, math.inf, 30.0]] + [[31.0 + i, 30.5 + i, 31.0 + i, 30.0] for i in range(11)]
    )
    standing = stand(make_sample(x, models=["oracle", "b", "twin", "c"]))
    assert standing.means[0] == 36 and standing.identical == (1, 0, 1, 0) and standing.order[0] == 0
    assert standing.verdicts[2] == "tied"
    table = comparison_table([standing]).set_index(["model_a", "model_b"])
    assert table.loc[("oracle", "twin"), ["difference", "p", "effect_size"]].tolist() == [
        "0.000000000",
        "1",
        "0.000000000",
    ]
    assert table.loc[("oracle", "b"), "difference"] == "0.500000000"
    assert table.loc[("oracle", "b"), "detectable"] == ""
    assert table.loc[("b", "twin"), "verdict"] == "twin"
    assert rank_table([standing])["mean"].tolist()[:2] == ["36.000000000", "36.000000000"]


def test_better_everywhere_is_the_best_though_its_mean_is_lower(make_sample: MakeSample) -> None:
    x = np.array([[math.inf, 50.0]] + [[30.0 + i, 29.0 + i] for i in range(8)])
    standing = stand(make_sample(x))
    assert standing.means[0] < standing.means[1]
    assert standing.order == (0, 1)


def test_each_perfect_in_turn_differs_by_the_other_images(make_sample: MakeSample) -> None:
    x = np.array([[math.inf, 30.0], [30.0, math.inf]] + [[31.0 + i, 30.0 + i] for i in range(8)])
    row = comparison_table([stand(make_sample(x))]).iloc[0]
    assert (row["difference"], row["lower"], row["upper"]) == ("1.000000000", "1.000000000", "1.000000000")
    assert row["detectable"] == "" and float(row["p"]) <= 1


@pytest.mark.parametrize("n", [1, 2])
def test_very_few_images(make_sample: MakeSample, n: int) -> None:
    standing = stand(make_sample([[30.0, 31.0, 29.0]] * n))
    assert standing.verdicts == (verdicts.UNTESTABLE, "best", verdicts.UNTESTABLE)


def test_one_model_is_the_best(make_sample: MakeSample) -> None:
    standing = stand(make_sample([[30.0], [31.0]]))
    assert standing.verdicts == ("best",) and comparison_table([standing]).empty


def test_nan_and_empty_samples_name_the_cell(scores: pd.DataFrame, make_sample: MakeSample) -> None:
    with pytest.raises(ScoreError, match=r"psnr@y-bt601 in cell d/k/x4: m1 on d/i0000 is not a number"):
        make_sample([[30.0, math.nan]])
    with pytest.raises(ScoreError, match=r"psnr@y-bt601 in cell d/k/x4: no images"):
        Sample("d", "k", 4, PSNR, (), ("a",), np.empty((0, 1)))
    bad = scores.copy()
    bad.loc[bad.index[0], "value"] = math.nan
    with pytest.raises(
        ScoreError, match=r"image 'img_000' in cell set5/matlab-bicubic/x4/nearest is not a number"
    ):
        samples_of(bad)
    status = run.make_status(scores)
    check_cells(scores, status, run.MEASURES)
    gone = (scores["model"] == "vdsr") & (scores["dataset"] == "set14") & (scores["metric"] == "lpips")
    with pytest.raises(ScoreError, match=r"lpips@alex-v0.1 of cell set14/matlab-bicubic/x4/vdsr: no images"):
        check_cells(scores[~gone], status, run.MEASURES)


def test_where_closer_to_zero_is_better_sizes_are_compared(make_sample: MakeSample) -> None:
    shift = Measure("shift-x", "subpixel", "Shift", "px", "closer to 0", 3, 6, "", True)
    small = np.linspace(-0.05, 0.04, 12)
    standing = stand(make_sample(np.stack([small, small - 0.5], axis=1), shift, models=["near", "far"]))
    assert standing.order == (0, 1) and standing.verdicts == ("best", "worse")
    assert standing.comparison.verdict(0) == "near"
    assert standing.comparison.wins[0] == 12 and standing.comparison.effect[0] == 1
    assert standing.comparison.difference[0] == pytest.approx((np.abs(small) - np.abs(small - 0.5)).mean())
    assert standing.mean_ranks.tolist() == [1, 2]
