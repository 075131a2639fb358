"""A number has one set of digits wherever it is read, also where its mean is half of the last one."""

from __future__ import annotations

import csv
import html
import io
import re
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest
from sisr.analysis import summaries
from sisr.analysis.compare_folders import describe
from sisr.analysis.statistics.samples import samples
from sisr.analysis.statistics.verdicts import comparison_table, rank_table, stand, with_certainty
from sisr.base.cells import SCORE_COLUMNS
from sisr.base.rounding import fixed
from sisr.report import comparison, table_writers, tables
from sisr.report.shown_run import Names
from sisr.report.site import shown_data
from sisr.report.site.origins import Origins
from sisr.scoring.folders import FolderScores
from sisr.scoring.metrics import parse_measure

MEASURES = tuple(parse_measure(text) for text in ("psnr@y-bt601", "ssim@y-bt601", "lpips@alex-v0.1"))
#: Means of models: halves of the last printed digit, exact in binary and not, and some a millionth or less
#: below a half, which six digits would make one.
MEANS = {
    "a": ("28.415", "0.81235", "0.23495"),
    "b": ("28.125", "0.81225", "0.23505"),
    "c": ("28.424999", "0.812349", "0.2349499"),
    "d": ("30.005", "0.00005", "0.00015"),
}
#: What is added to the mean for each image; 0 together.
SPREAD = tuple(map(Decimal, ("0.000004", "-0.000001", "-0.000002", "0.000003", "-0.000004", "0.000000")))
NAMES = Names(MEASURES, {m: f"Model {m}" for m in MEANS}, {"d": "Set"}, {"k": "Kernel"}, {})


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    rows = [
        ("d", f"i{index}", "k", 4, model, m.metric, m.protocol, float(Decimal(mean) + more))
        for model, means in MEANS.items()
        for m, mean in zip(MEASURES, means, strict=True)
        for index, more in enumerate(SPREAD)
    ]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def printed(model: str) -> list[str]:
    """By hand, from the decimal mean."""
    units = [Decimal(1).scaleb(-m.digits) for m in MEASURES]
    means = [sum((Decimal(text) + more for more in SPREAD), Decimal()) / len(SPREAD) for text in MEANS[model]]
    return [str(m.quantize(unit, ROUND_HALF_UP)) for m, unit in zip(means, units, strict=True)]


def test_tables_pages_site_and_command_line_print_the_same(scores: pd.DataFrame) -> None:
    standings = [stand(one) for one in samples(scores, MEASURES, 4)]
    status = pd.DataFrame(
        [("d", "k", 4, m, "ok", "", len(SPREAD)) for m in MEANS], columns=list(summaries.STATUS_COLUMNS)
    )
    plain = summaries.summarise(scores)
    table = tables.build(with_certainty(plain, standings), status, NAMES, 4)
    md, tex, page = (
        table_writers.to_markdown(table),
        table_writers.to_latex(table),
        table_writers.to_html(table),
    )
    ladder = comparison.to_html(standings, 4, NAMES)
    pairs, ranks = comparison_table(standings), rank_table(standings)
    numbers = {c: pd.to_numeric(ranks[c]) for c in ("mean", "lower", "upper")}
    site = shown_data.overview(NAMES, plain, status, ranks.assign(**numbers), {"d": []}, None, Origins())
    on_site = {(row[3], row[4]): row for row in site["means"]}
    for model in MEANS:
        expected = printed(model)
        assert re.findall(r"[\d.]+", re.search(rf"^\| Model {model} .*$", md, re.M)[0])[:3] == expected
        row = re.search(rf"^Model {model} &.*$", tex, re.M)[0]
        assert re.findall(r"\d+\.\d+", row) == expected
        row = page[page.index(f">Model {model}<") :].partition("</tr>")[0]
        assert [text for text in expected if re.search(rf">\s*{re.escape(text)}\s*<", row)] == expected
        for place, (measure, text) in enumerate(zip(MEASURES, expected, strict=True)):
            standing = standings[place]
            at = standing.sample.models.index(model)
            assert f"<td>{text}<small>" in ladder
            mean, lower, upper = on_site[model, measure.id][5:8]
            assert fixed(mean, measure.digits) == text
            one = table.sections[0].rows[at].cells[place]
            for end, on_page in ((one.lower, lower), (one.upper, upper)):
                assert fixed(end, measure.digits) == fixed(on_page, measure.digits)
    differences = [
        (pd.to_numeric(pairs["difference"])[i], standing.comparison.difference[k], standing.sample.measure)
        for i, (standing, k) in enumerate((s, k) for s in standings for k in range(s.comparison.tests))
    ]
    for in_file, computed, measure in differences:
        assert fixed(in_file, measure.digits + 1) == fixed(computed, measure.digits + 1)
    for place, measure in enumerate(MEASURES):
        two = standings[place].sample.values[:, :2]
        lines = describe("d", [f"i{i}" for i in range(len(SPREAD))], ("a", "b"), measure, two)
        for line, model in zip(lines[1:3], "ab", strict=True):
            assert line.split()[1] == printed(model)[place]
    csv_means = {row["model"]: row for row in csv.DictReader(io.StringIO(table_writers.to_csv(table, plain)))}
    for model in MEANS:
        means = {m.id: summary_mean(plain, model, m.metric) for m in MEASURES}
        frame = scores[scores["model"] == model]
        said = str(FolderScores([], frame, means))
        assert [re.search(rf"{m.label} +([\d.]+)", said)[1] for m in MEASURES] == printed(model)
        for m, mean in means.items():
            assert csv_means[model][m] == fixed(mean, 6)
    assert html.unescape(page).count("Model a") == 1


def summary_mean(summary: pd.DataFrame, model: str, metric: str) -> float:
    return float(summary[(summary["model"] == model) & (summary["metric"] == metric)]["mean"].iloc[0])
