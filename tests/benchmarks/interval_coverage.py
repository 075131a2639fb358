"""How often the 95 % intervals hold the true mean, by simulation: ``python
tests/benchmarks/interval_coverage.py``.

Samples of 5, 14 and 100 images are drawn from a normal distribution and from the real per-image scores of
Urban100 at x4, whose mean is known; the share of intervals that hold it is printed for the interval of this
project, the plain percentile interval, scipy's BCa and Student's t.  ``docs/statistics.md`` quotes the
output.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from sisr.analysis.statistics import bootstrap  # noqa: E402

SIZES = (5, 14, 100)
SCORES = ROOT / "tests/unit/analysis/statistics/urban100_x4_psnr.csv"
_BLOCK = 250


def populations() -> dict[str, NDArray[np.float64] | None]:
    """Label -> values that are drawn from with replacement; None is the standard normal distribution."""
    table = pd.read_csv(SCORES, index_col="image")
    gain = table["opencv-fsrcnn"] - table["bicubic"]
    return {
        "normal": None,
        f"PSNR of bicubic (skewness {table['bicubic'].skew():.1f})": table["bicubic"].to_numpy(),
        f"gain of FSRCNN over bicubic (skewness {gain.skew():.1f})": gain.to_numpy(),
    }


def coverage(n: int, population: NDArray[np.float64] | None, repetitions: int, seed: int) -> dict[str, float]:
    """Share of intervals that hold the population's mean, by method."""
    from scipy import stats

    rng = np.random.default_rng(seed)
    truth = 0.0 if population is None else population.mean()
    names = tuple(f"{i:03d}" for i in range(n))
    hits: dict[str, int] = {}
    for start in range(0, repetitions, _BLOCK):
        shape = (n, min(_BLOCK, repetitions - start))
        x = rng.normal(size=shape) if population is None else rng.choice(population, shape)
        means, *ours = bootstrap.intervals(x, names)
        half = stats.t.ppf(0.975, n - 1) * x.std(axis=0, ddof=1) / np.sqrt(n)
        resampled = bootstrap.resampled_means(x, bootstrap.resample_counts(names))
        bca = stats.bootstrap(
            (x,), np.mean, axis=0, method="BCa", n_resamples=2000, vectorized=True, batch=50, rng=rng
        ).confidence_interval
        found = {
            "this project": ours,
            "percentile": np.quantile(resampled, (0.025, 0.975), axis=0),
            "BCa": (bca.low, bca.high),
            "Student's t": (means - half, means + half),
        }
        for name, (low, high) in found.items():
            hits[name] = hits.get(name, 0) + int(((low <= truth) & (truth <= high)).sum())
    return {name: count / repetitions for name, count in hits.items()}


def main(repetitions: int = 10_000) -> None:
    print(f"coverage of 95 % intervals, {repetitions} repetitions")
    for label, population in populations().items():
        for n in SIZES:
            shares = coverage(n, population, repetitions, seed=n)
            print(
                f"{label:45} n={n:<4}", "  ".join(f"{k} {100 * v:.1f}" for k, v in shares.items()), flush=True
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
