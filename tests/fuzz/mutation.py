"""``mutmut run``, and what it found as the table of docs/testing.md after the mutants that survived."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from random import Random
from typing import Any

#: Exit statuses of mutmut's own: the tests passed, no test calls the function.
_SURVIVED = (0, 33)


def run(each: int | None, seed: int, only: Sequence[str], workers: int) -> None:
    """At most ``each`` mutants of a module, drawn by ``seed``, beside those that were run before."""
    from mutmut import __main__ as mutmut
    from mutmut.mutation import file_mutation

    name_of, collect = mutmut.get_mutant_name, mutmut.collect_source_file_mutation_data

    def from_scripts(path: Path, name: str) -> str:
        """mutmut takes modules to be named from the root or from ``src``; here they are from ``scripts``."""
        return name_of(path.relative_to("scripts"), name)

    def sampled(mutant_names: Any) -> Any:
        mutants, files = collect(mutant_names=mutant_names)
        wanted: set[str] = set()
        for path, found in files.items():
            if not any(fnmatch(path, f"*/{pattern}") for pattern in only):
                continue
            names = sorted(found.exit_code_by_key)
            wanted |= set(Random(seed).sample(names, min(each or len(names), len(names))))
        return [mutant for mutant in mutants if mutant[1] in wanted], files

    mutmut.get_mutant_name = file_mutation.get_mutant_name = from_scripts
    mutmut.collect_source_file_mutation_data = sampled
    mutmut._run((), workers)


def show() -> None:
    rows: dict[str, Counter[str]] = {}
    left: list[str] = []
    for path in sorted(Path("mutants").rglob("*.py.meta")):
        found = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        counts = Counter(map(_state, found.values()))
        left += [mutant for mutant, status in found.items() if _state(status) == "survived"]
        if counts:
            rows[path.relative_to("mutants/scripts/sisr").as_posix().removesuffix(".meta")] = counts
    print("\n".join(left))
    print("| module | mutants | killed | survived | not run | score |\n|:--|--:|--:|--:|--:|--:|")
    for name, counts in rows.items():
        print(_row(f"`{name}`", counts))
    print(_row("all", sum(rows.values(), Counter[str]())))


def _state(status: int | None) -> str:
    return "open" if status is None else "survived" if status in _SURVIVED else "killed"


def _row(name: str, counts: Counter[str]) -> str:
    run = counts["killed"] + counts["survived"]
    score = f"{counts['killed'] / run:.1%}" if run else ""
    states = (counts["killed"], counts["survived"], counts["open"])
    return f"| {' | '.join([name, str(counts.total()), *map(str, states), score])} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("--each", type=int, help="at most so many mutants of a module; all by default")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="of modules, as lr/kernels/*.py")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--show", action="store_true", help="what was found so far, and run nothing")
    asked = parser.parse_args()
    try:
        if not asked.show:
            run(asked.each, asked.seed, asked.only or ["*"], asked.workers)
    finally:
        show()


if __name__ == "__main__":
    main()
